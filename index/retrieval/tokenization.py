"""Text as the words that BM25 counts, alike for every language, case and way of writing accents.

A word is a run of letters, digits and marks, decomposed (NFKD), case-folded and without accents. Scripts that put no
spaces between words are cut into pairs of characters. A file name is text too: `IMG_0007` and `img0007` both are the
words `img` and `0007`. An emoji is a word.
"""

import re
import unicodedata
from functools import lru_cache

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}ー々"
_EMOJI = r"\p{Extended_Pictographic}|\p{Regional_Indicator}{2}"
_RUN = regex.compile(rf"[{_UNSPACED}]+|[[\p{{L}}\p{{N}}\p{{M}}]--[{_UNSPACED}]]+|{_EMOJI}", regex.V1)
_UNSEEN = regex.compile(r"[\u00ad\ufe0e\ufe0f]")  # soft hyphens, and what chooses between emoji and symbol
_UNSPACED_RUN = regex.compile(rf"[{_UNSPACED}]+")
_ASCII_RUN = re.compile(r"[A-Za-z0-9]+")  # the same for most texts, twenty times as fast
_APOSTROPHE = regex.compile(r"(?<=\p{L})['’ʼ](?=\p{L})")  # "don't" is one word
_HYPHEN = regex.compile(r"(?<=\p{L})[-‐‑](?=\p{L})")
_LETTERS_AND_DIGITS = regex.compile(r"(\p{L}+)(\p{N}+)|(\p{N}+)(\p{L}+)")
_CAMEL = regex.compile(r"(?<=\p{Ll})(?=\p{Lu})")
_YEAR, _MONTH, _DAY = r"((?:19|20)\d\d)", r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_DATE = regex.compile(f"{_YEAR}{_MONTH}{_DAY}")
_DIVIDED_DATE = regex.compile(rf"(?<!\d){_YEAR}[-_.:]{_MONTH}[-_.:]{_DAY}(?!\d)")
_SPELT = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"}
_SPELT_OUT = str.maketrans(_SPELT | {letter.upper(): spelt.capitalize() for letter, spelt in _SPELT.items()})
_SPELT_LETTER = re.compile(r"(?<![aeiouq])([aou])e|(?<![aeiouq])(a)a")  # not the "ue" of blaue and Quelle

# What people leave out: accents of Latin, Greek and Cyrillic, points of Hebrew, vowel signs of Arabic.
_ACCENTS = regex.compile(
    r"[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u0610-\u061a\u0640\u064b-\u065f\u0670]"
)
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})

# Words that say nothing about an image. They count only in a query that has no others.
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be by for from in into is it its of on or that the their there this to with "  # English
        "das den dem der des die ein eine einem einen einer im mit und von zu zum zur "  # German
        "au aux avec dans des du et la le les sur un une "  # French
        "con del el en las los una y "  # Spanish
        "di e gli i il nel una "  # Italian
        "com da do dos e em na no o os um uma",  # Portuguese
    )
)


def query_words(text: str) -> list[str]:
    """The words of a query that count, each once, in their order."""
    words = list(dict.fromkeys(word for run in _runs(text) for word in _words(run)))
    return [word for word in words if word not in STOP_WORDS] or words


def document_words(text: str) -> list[str]:
    """The words that a text is found by: all of its own, and parts that people look for by themselves.

    Parts: single characters of scripts without spaces, the words of camelCase, year, month and day of 20190714, and
    what stands before and behind an apostrophe. Wholes: 20190714 of 2019-07-14, tshirt of t-shirt. Umlauts, ø and å are
    found as ae, oe, ue and aa too, and the other way round.
    """
    words = [word for run in _runs(text) for word in _with_parts(run)]
    parts, whole = _APOSTROPHE.sub(" ", text), _HYPHEN.sub("", _DIVIDED_DATE.sub(r"\1\2\3", text))
    for other in (parts, whole):
        if other != text:
            known = set(words)
            words += [word for run in _runs(other) for word in _words(run) if len(word) > 1 and word not in known]
    return words


def sequence(text: str) -> str:
    """What two texts share that differ in case, accents, spaces and punctuation alone."""
    return "".join(folded(run) for run in _runs(text))


def folded(text: str) -> str:
    """text decomposed, case-folded and without accents, so that equal letters are equal characters."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", decomposed)))


def _runs(text: str) -> list[str]:
    """text cut at whatever is no letter, digit or mark, and between scripts with and without spaces."""
    if text.isascii():
        return _ASCII_RUN.findall(text.replace("'", ""))
    return _RUN.findall(_APOSTROPHE.sub("", _UNSEEN.sub("", unicodedata.normalize("NFKC", text))))


@lru_cache(1 << 16)
def _words(run: str) -> tuple[str, ...]:
    """The words of a run."""
    word = folded(run)
    if not word.isascii() and _UNSPACED_RUN.fullmatch(word):
        return tuple(word[i : i + 2] for i in range(len(word) - 1)) or (word,)
    match = _LETTERS_AND_DIGITS.fullmatch(word)
    return tuple(part for part in match.groups() if part) if match else (word,)


@lru_cache(1 << 16)
def _with_parts(run: str) -> tuple[str, ...]:
    """The words of a run and their parts, each once."""
    words = [*_words(run)]
    if not run.isascii() and _UNSPACED_RUN.fullmatch(run):
        words += folded(run)
    elif len(parts := _CAMEL.split(run)) > 1:
        words += [word for part in parts for word in _words(part)]
    words += [part for word in words if (match := _DATE.fullmatch(word)) for part in match.groups()]
    if not run.isascii() and (spelt := run.translate(_SPELT_OUT)) != run:
        words += _words(spelt)
    words += [_SPELT_LETTER.sub(r"\1\2", word) for word in words if "e" in word or "aa" in word]
    return tuple(dict.fromkeys(words))
