"""The pixel hash: of an image's coded data without its metadata, so that editing metadata does not change it.

What else decides how an image looks, its orientation flag and its colour profile, is the rendering. Two files of equal
pixel hash show one image; if their renderings are equal too, they have equal upright pixels, and so one embedding.
Neither depends on the encoder.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from PIL import Image

from training.models.decoding import FORMATS, DecodedImage, decode_image
from training.models.decoding.image import ORIENTATION

LENGTH = 32  # hex digits: 128 bits

_BLOCK = 1 << 20  # bytes of a JPEG's scan that are looked through at a time
_PNG_PARTS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT")
_WEBP_PARTS = (b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
_BOX_PARTS = (b"jp2c", b"jxlc", b"jxlp")  # of JPEG 2000 and JPEG XL
_METADATA_ITEMS = (b"Exif", b"mime", b"uri ")  # of HEIF
_SELF_CONTAINED = (b"ftyp", b"JXL ")  # HEIC and JPEG XL, whose metadata does not decide how they are turned
_TIFF_TAGS = (256, 257, 258, 259, 262, 266, 277, 284, 317, 320, 322, 323, 338, 339, 347)  # how its data is decoded
_OF_RAW = (330, 50706)  # SubIFDs, DNGVersion
_STRIPS, _TILES = (273, 279), (324, 325)  # tags of offsets and of lengths


@dataclass(frozen=True)
class PixelHash:
    """What an image shows. coded: of its coded data. rendering: how that is turned and coloured."""

    coded: str
    rendering: str

    def __str__(self) -> str:
        return f"{self.coded}/{self.rendering}"

    @classmethod
    def read(cls, stored: object) -> "PixelHash | None":
        """What str() wrote; None for anything else, such as a missing cell."""
        coded, slash, rendering = stored.partition("/") if isinstance(stored, str) else ("", "", "")
        return cls(coded, rendering) if slash and len(coded) == LENGTH else None


def coded_of(found: PixelHash | None) -> str:
    """The coded part of a pixel hash; "" where there is none."""
    return found.coded if found else ""


def pixel_hash(data: bytes) -> PixelHash | None:
    """The pixel hash of a file, read from its structure without decoding it; None where that is not known."""
    try:
        parts = _coded_parts(data)
        if parts is None:
            return None
        found = sha256()
        empty = True
        for part in parts:
            found.update(len(part).to_bytes(8, "big"))
            found.update(part)
            empty = False
        return None if empty else PixelHash(found.hexdigest()[:LENGTH], _rendering(data))
    except Exception:  # its structure is not what it should be, and Pillow's readers raise many kinds
        return None


def decoded_pixel_hash(data: bytes, image: DecodedImage, most_megapixels: float) -> PixelHash:
    """The pixel hash of a file of another format: of its decoded pixels.

    image: the file as it was decoded under the limit most_megapixels; it is decoded again only where that is reduced.
    """
    if image.pixels.shape[:2] != (image.height, image.width):
        image = decode_image(data, most_megapixels=most_megapixels)
    head = f"{image.width} {image.height} ".encode()
    return PixelHash(sha256(head + image.pixels.tobytes()).hexdigest()[:LENGTH], "decoded")


def _coded_parts(data: bytes) -> Iterator[memoryview] | None:
    view = memoryview(data)
    if data[:3] == b"\xff\xd8\xff":
        return _jpeg(data, view)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(view)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(view)
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _tiff(data, view)
    if data[4:8] == b"ftyp":
        return _heif(view)
    if data[4:8] in (b"jP  ", b"JXL "):
        return (body for kind, body in _boxes(view) if kind in _BOX_PARTS)
    return None


def _jpeg(data: bytes, view: memoryview) -> Iterator[memoryview]:
    """Every segment but APPn (Adobe's APP14 says how colours are coded) and comments, until the image's end."""
    at = 2
    while True:
        if data[at] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0xD9:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            raise ValueError("a segment without a length")
        end = at + 2 + length
        if marker == 0xDA:  # the scan follows its header
            end = _scan_end(data, end)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker == 0xEE:
            yield view[at:end]
        if end >= len(data):  # it is cut off, or lacks its end marker
            return
        at = end


def _scan_end(data: bytes, at: int) -> int:
    """Where the first marker after at is, of those that are neither data nor a restart; the end if there is none."""
    bytes_ = np.frombuffer(data, np.uint8)
    for start in range(at, len(data) - 1, _BLOCK):
        block = bytes_[start : start + _BLOCK + 1]
        found = np.flatnonzero(block[:-1] == 0xFF)
        code = block[found + 1]
        ends = found[(code != 0) & (code & 0xF8 != 0xD0) & (code != 0xFF)]
        if len(ends):
            return start + int(ends[0])
    return len(data)


def _png(view: memoryview) -> Iterator[memoryview]:
    """The chunks that pixels are made of; one IDAT is as good as many, so that their bounds do not count."""
    at, joined = 8, bytearray()
    while at + 8 <= len(view):
        length, kind = struct.unpack(">I4s", view[at : at + 8])
        body = view[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            joined += body
        elif kind in _PNG_PARTS:
            yield body
        at += 12 + length
    if joined:
        yield memoryview(joined)


def _webp(view: memoryview) -> Iterator[memoryview]:
    at = 12
    while at + 8 <= len(view):
        kind, length = struct.unpack("<4sI", view[at : at + 8])
        if kind in _WEBP_PARTS:
            yield view[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _tiff(data: bytes, view: memoryview) -> Iterator[memoryview]:
    """The strips or tiles of the first page, and the tags by which they are decoded."""
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as opened:
        tags = opened.tag_v2  # type: ignore[attr-defined]
        if any(tag in tags for tag in _OF_RAW):
            raise ValueError("a RAW file, whose first page may be an empty preview")
        yield memoryview(repr([(tag, tags[tag]) for tag in _TIFF_TAGS if tag in tags]).encode())
        offsets, lengths = _STRIPS if _STRIPS[0] in tags else _TILES
        for start, length in zip(tags[offsets], tags[lengths], strict=True):
            yield view[start : start + length]


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """kind and body of each box of an ISO file."""
    at = 0
    while at + 8 <= len(view):
        length, kind = struct.unpack(">I4s", view[at : at + 8])
        head = 8
        if length == 1:
            length, head = struct.unpack(">Q", view[at + 8 : at + 16])[0], 16
        elif length == 0:
            length = len(view) - at
        if length < head:
            raise ValueError("a box that is shorter than its head")
        yield kind, view[at + head : at + length]
        at += length


def _heif(view: memoryview) -> Iterator[memoryview]:
    """The data of each item of a HEIC or AVIF file that is not metadata, and how the items belong together."""
    parts = dict(_boxes(dict(_boxes(view))[b"meta"][4:]))
    metadata = {item for item, kind in _item_kinds(parts[b"iinf"]) if kind in _METADATA_ITEMS}
    for item, inside, extents in _item_places(parts[b"iloc"]):
        if item not in metadata:
            for start, length in extents:
                yield (parts[b"idat"] if inside else view)[start : start + length]


def _item_kinds(box: memoryview) -> Iterator[tuple[int, bytes]]:
    start = 6 if box[0] == 0 else 8
    for kind, body in _boxes(box[start:]):
        if kind == b"infe":
            wide = body[0] == 3
            item = int.from_bytes(body[4 : 8 if wide else 6], "big")
            at = 10 if wide else 8
            yield item, bytes(body[at : at + 4])


def _item_places(box: memoryview) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """Number, whether it lies in the box idat, and (start, length) of its extents, of each item."""
    version, at = box[0], 4

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > len(box):
            raise ValueError("a box that ends too early")
        return int.from_bytes(box[at - size : at], "big")

    sizes, more = number(1), number(1)
    offset_size, length_size, base_size, index_size = sizes >> 4, sizes & 15, more >> 4, more & 15
    for _ in range(number(2 if version < 2 else 4)):
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)  # of the file that holds it: this one
        base, extents = number(base_size), []
        for _ in range(number(2)):
            if version:
                number(index_size)
            start = number(offset_size)
            extents.append((base + start, number(length_size)))
        yield item, method == 1, extents


def _rendering(data: bytes) -> str:
    """The orientation that the file's metadata gives, and its colour profile in short."""
    orientation, profile = 1, b""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            orientation = opened.getexif().get(ORIENTATION, 1)
            profile = opened.info.get("icc_profile") or b""
    except Exception:  # Pillow's readers raise many kinds; then only equal files are known to look equal
        if data[4:8] not in _SELF_CONTAINED:
            return sha256(data).hexdigest()[:LENGTH]
    profile += _properties(data) if data[4:8] == b"ftyp" else b""
    orientation = orientation if orientation in range(2, 9) else 1
    return f"{orientation}-{sha256(profile).hexdigest()[:8]}" if profile else str(orientation)


def _properties(data: bytes) -> bytes:
    """Of a HEIF file: the box of how its items are turned, cropped and coloured."""
    return bytes(dict(_boxes(dict(_boxes(memoryview(data)))[b"meta"][4:])).get(b"iprp", b""))
