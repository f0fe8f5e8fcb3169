"""Where an image's file keeps its metadata. Only headers and tables are looked at, no pixels."""

import zlib
from dataclasses import dataclass, field

from training.data.metadata.boxes import exif_and_xmp
from training.data.metadata.iptc import photoshop_iptc

EXIF_MARK = b"Exif\0\0"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP_MARK = b"Photoshop 3.0\0"
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
RAW_MARKS = (b"IIRO", b"IIRS", b"IIU\0", b"MMOR")  # TIFFs under another number: Olympus, Panasonic
FUJI_MARK, FUJI_JPEG = b"FUJIFILMCCD-RAW", 84  # where its JPEG's place is written
MOST_BYTES = 1 << 23  # of a block, also once it is decompressed


@dataclass
class Blocks:
    """The blocks of a file, empty where it has none. texts: by keyword, as a PNG has them."""

    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)


def blocks_of(data: bytes) -> Blocks:
    """The metadata of an image's file, whatever its format; none for formats that carry none or are not known."""
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    if data[:4] in TIFF_MARKS:
        return Blocks(exif=data)
    if data[:4] in RAW_MARKS:
        return Blocks(exif=(b"MM\0*" if data[:2] == b"MM" else b"II*\0") + data[4:])
    if data[:3] == b"GIF":
        return _gif(data)
    if data[:15] == FUJI_MARK:
        at, size = (int.from_bytes(data[FUJI_JPEG + i : FUJI_JPEG + i + 4], "big") for i in (0, 4))
        return _jpeg(data[at : at + size])
    if data[4:8] in (b"ftyp", b"JXL ", b"jP  "):
        return Blocks(*exif_and_xmp(data))
    return Blocks()


def _jpeg(data: bytes) -> Blocks:
    """The segments before the image. A file of several images (MPO) gives those of the first."""
    found, photoshop, at = Blocks(), [], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in (0xDA, 0xD9):  # the image, or its end
            break
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # padding, or a marker without a segment
            at += 1 if marker == 0xFF else 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        start, end = at + 4, at + 2 + size
        if marker == 0xE1 and not found.exif and data.startswith(EXIF_MARK, start):
            found.exif = data[start:end]
        elif marker == 0xE1 and not found.xmp and data.startswith(XMP_MARK, start):
            found.xmp = data[start + len(XMP_MARK) : end]
        elif marker == 0xED and data.startswith(PHOTOSHOP_MARK, start):
            photoshop.append(data[start + len(PHOTOSHOP_MARK) : end])
        at = end if size >= 2 else len(data)
    found.iptc = photoshop_iptc(b"".join(photoshop))
    return found


def _png(data: bytes) -> Blocks:
    found, at = Blocks(), 8
    while at + 12 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in (b"eXIf", b"iTXt", b"tEXt", b"zTXt") and size <= MOST_BYTES:
            _png_chunk(found, kind, data[at + 8 : at + 8 + size])
        at += 12 + size
    return found


def _png_chunk(found: Blocks, kind: bytes, chunk: bytes) -> None:
    if kind == b"eXIf":
        found.exif = found.exif or chunk
        return
    keyword, _, rest = chunk.partition(b"\0")
    if kind == b"iTXt":
        compressed, (_, _, text) = rest[:1] == b"\1", (*rest[2:].split(b"\0", 2), b"", b"")[:3]
    else:
        compressed, text = kind == b"zTXt", rest[1:] if kind == b"zTXt" else rest
    if compressed:
        text = _inflated(text)
    if keyword == b"XML:com.adobe.xmp":
        found.xmp = text
    elif keyword.startswith(b"Raw profile type "):  # ImageMagick's: a name, a length, and the block in hexadecimal
        _raw_profile(found, keyword[17:], text)
    else:
        name = keyword.decode("latin-1").lower()
        found.texts.setdefault(name, text.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace"))


def _raw_profile(found: Blocks, name: bytes, text: bytes) -> None:
    parts = text.split()
    try:
        block = bytes.fromhex(b"".join(parts[2:]).decode("ascii"))
    except ValueError:
        return
    if block.startswith(XMP_MARK):
        found.xmp = found.xmp or block[len(XMP_MARK) :]
    elif name in (b"exif", b"APP1"):
        found.exif = found.exif or block
    elif name == b"xmp":
        found.xmp = found.xmp or block
    elif name == b"iptc":
        found.iptc = found.iptc or photoshop_iptc(block.removeprefix(PHOTOSHOP_MARK)) or block


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, MOST_BYTES)
    except zlib.error:
        return b""


def _webp(data: bytes) -> Blocks:
    found, at = Blocks(), 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"EXIF":
            found.exif = data[at + 8 : at + 8 + size]
        elif kind == b"XMP ":
            found.xmp = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return found


def _gif(data: bytes) -> Blocks:
    """XMP stands in the file as it is, before a trailer that leads a GIF reader past it."""
    start = data.find(b"XMP DataXMP") + 11
    end = data.find(b"\x01\xff\xfe\xfd", start)
    return Blocks(xmp=data[start:end]) if start > 10 and end > start else Blocks()
