"""Text out of bytes whose encoding nobody wrote down: UTF-8 or UTF-16 with or without a mark, else a code page.

Which code page is chardet's guess from the letters: GB18030, Shift-JIS, Windows-1251 and others that programs still
write. Those of Latin letters differ in a few letters only, so without evidence for another one it is Windows-1252.
"""

import codecs
import re
import unicodedata
from contextlib import suppress

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UNPRINTED = ("Cc", "Cs", "Co", "Cn")  # kinds of characters: controls, halves of pairs, and what has no meaning
CODE_PAGE = "cp1252"  # of most programs that write neither
LATIN = ("cp1250", "cp1252", "cp1254", "cp1257")
EVIDENCE = 0.05  # chardet's confidence: four Polish or Turkish captions have more, Spanish names taken for Polish less

# Ideographs, kana, and what stands between them; each page has the ideographs that one country uses.
IDEOGRAPHS = re.compile(r"[\u4e00-\u9fff\u3000-\u30ff\uff00-\uffef\u2010-\u2030\u00b7 -~\r\n\t]+")
SHORTEST = 8  # bytes that tell ideographs from letters
TAUGHT = ("gb2312", "big5", "shift_jis")


def decode_text(data: bytes) -> str:
    """data as text, without its byte order mark. Never fails: what fits nothing becomes U+FFFD.

    A character that is cut off at the end is left out.
    """
    mark, encoding = encoding_of(data)
    return _decoded(data[len(mark) :], encoding)


def encoding_of(data: bytes) -> tuple[bytes, str]:
    """The byte order mark of data, b"" without one, and the encoding.

    Without a mark, zeros at every other byte tell of UTF-16, as do ideographs alone, and what is neither this nor UTF-8
    is read by a code page.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return mark, encoding
    if data.count(0) * 8 >= max(1, len(data)):  # of Latin letters it is half
        return b"", _order(data)
    try:
        _decoded(data, "utf-8", "strict")
    except UnicodeDecodeError:
        return b"", _ideographs(data) or (_order(data) if b"\0" in data else _code_page(data))
    return b"", "utf-8"


def _decoded(data: bytes, encoding: str, errors: str = "replace") -> str:
    return codecs.getincrementaldecoder(encoding)(errors).decode(data)


def _ideographs(data: bytes) -> str | None:
    """UTF-16 of one order if data is Chinese or Japanese in it, which has few zeros; else None.

    Any two letters of a code page make an ideograph too, but seldom only such as one country uses, of which many come
    early in Unicode, and letters of Latin are mostly ASCII and never control characters, as halves of ideographs are.
    """
    if len(data) < SHORTEST or len(data) % 2:
        return None
    controls = any(byte < 0x20 and byte not in b"\t\n\r" for byte in data)
    unlike_letters = controls or sum(byte > 0x7E or byte < 0x20 for byte in data) * 3 >= len(data)
    for encoding in ("utf-16-le", "utf-16-be"):
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            kana = sum("\u3000" <= c < "\u3100" for c in text) * 3 >= len(text)
            early = sum("\u3000" <= c < "\u8000" for c in text) * 3 >= len(text)
            likely = early and (kana or unlike_letters) and IDEOGRAPHS.fullmatch(text)
            if likely and any(_fits(text, page) for page in TAUGHT):
                return encoding
    return None


def _fits(text: str, page: str) -> bool:
    """Whether a code page has all of text."""
    with suppress(UnicodeEncodeError):
        text.encode(page)
        return True
    return False


def _code_page(data: bytes) -> str:
    """Python's name of the code page of a text that is no Unicode."""
    import chardet  # 3 MB of frequencies of letters, which few texts need

    found = chardet.detect(data, encoding_era=chardet.EncodingEra.MODERN_WEB)
    name = codecs.lookup(found["encoding"] or CODE_PAGE).name
    return CODE_PAGE if name in LATIN and found["confidence"] < EVIDENCE else name


def _order(data: bytes) -> str:
    """UTF-16 by the bytes of each pair that are more often zero, those of the higher value."""
    return "utf-16-le" if data[1::2].count(0) >= data[0::2].count(0) else "utf-16-be"


def printable_text(text: str) -> str:
    """text without characters that no person wrote; ends of lines and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\r\t" or unicodedata.category(c) not in UNPRINTED)
