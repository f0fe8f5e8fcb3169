"""Metadata in files made of boxes: HEIC and AVIF, JPEG XL, JPEG 2000.

A box is its size, a name of four letters, and a body (ISO 14496-12). HEIC and AVIF keep metadata as items: `iinf`
names them, `iloc` says where they are.
"""

import struct
from collections.abc import Iterator

JP2_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
JP2_EXIF = b"JpgTiffExif->JP2"
XMP_TYPE = b"application/rdf+xml"
MOST_ITEMS = 10_000


def exif_and_xmp(data: bytes) -> tuple[bytes, bytes]:
    """The EXIF and the XMP of a file; empty where it has none. IndexError or struct.error if it is broken."""
    exif = xmp = b""
    for kind, body in boxes(data):
        if kind == b"meta":
            return _of_items(data, body[4:])
        if kind == b"Exif":
            exif = exif or _exif(body)
        elif kind == b"xml ":
            xmp = xmp or body
        elif kind == b"uuid" and body[:16] == JP2_XMP:
            xmp = xmp or body[16:]
        elif kind == b"uuid" and body[:16] == JP2_EXIF:
            exif = exif or body[16:]
    return exif, xmp


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of a file or of a body, by name; those with an image in them are passed by."""
    at = 0
    while at + 8 <= len(data):
        size, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = at + size if size else len(data)
        if end < at + head:
            return
        if kind not in (b"mdat", b"jp2c", b"jxlc", b"jxlp"):
            yield kind, data[at + head : end]
        at = end


def _exif(body: bytes) -> bytes:
    """EXIF behind the number of bytes that come before its TIFF header."""
    return body[4 + int.from_bytes(body[:4], "big") :]


def _of_items(data: bytes, meta: bytes) -> tuple[bytes, bytes]:
    parts = dict(boxes(meta))
    places = _places(parts.get(b"iloc", b""))
    exif = xmp = b""
    for number, kind, content in _items(parts.get(b"iinf", b"")):
        if kind == b"Exif" and not exif:
            exif = _exif(_body(data, parts, places.get(number)))
        elif kind == b"mime" and content == XMP_TYPE and not xmp:
            xmp = _body(data, parts, places.get(number))
    return exif, xmp


def _items(iinf: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each item's number, kind and, of kind `mime`, type of content."""
    for _, body in boxes(iinf[6 if iinf[:1] == b"\0" else 8 :]):
        wide = body[:1] == b"\3"
        number = int.from_bytes(body[4 : 8 if wide else 6], "big")
        rest = body[10 if wide else 8 :]  # the kind, a name, and the type of content
        yield number, rest[:4], rest[4:].split(b"\0")[1] if rest[:4] == b"mime" and b"\0" in rest else b""


Place = tuple[bool, list[tuple[int, int]]]  # whether in the box `idat`, and where each part begins and how long it is


def _places(iloc: bytes) -> dict[int, Place]:
    if not iloc:
        return {}
    version, sizes = iloc[0], struct.unpack(">H", iloc[4:6])[0]
    of_offset, of_length, of_base, of_index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    at = 6

    def take(size: int) -> int:
        nonlocal at
        if at + size > len(iloc):
            raise IndexError("the table of items is cut short")
        at += size
        return int.from_bytes(iloc[at - size : at], "big")

    found: dict[int, Place] = {}
    for _ in range(min(take(4 if version == 2 else 2), MOST_ITEMS)):
        number = take(4 if version == 2 else 2)
        within = version > 0 and take(2) & 15 == 1
        take(2)
        base = take(of_base)
        parts = []
        for _ in range(take(2)):
            take(of_index if version > 0 else 0)
            offset, length = base + take(of_offset), take(of_length)
            parts.append((offset, length))
        found[number] = within, parts
    return found


def _body(data: bytes, parts: dict[bytes, bytes], place: Place | None) -> bytes:
    within, pieces = place or (False, [])
    whole = parts.get(b"idat", b"") if within else data
    return b"".join(whole[offset : offset + length] for offset, length in pieces[:100])
