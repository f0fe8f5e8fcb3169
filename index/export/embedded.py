"""Annotations inside an image's file: XMP and IPTC keywords of JPEG, XMP of PNG and WebP. No coded pixel changes.

Files in which something depends on where the bytes lie, or that are signed, are refused: those with several images
(MPF), with data after their image (videos of motion photos, previews), and with content credentials (C2PA).
"""

import io
import re
import struct
import zlib
from collections.abc import Callable

from PIL import Image

from index.export.iptc import iptc_keywords, merged_iptc
from index.export.xmp import Annotation, merged_xmp, stale_keywords

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP_MARK = b"Photoshop 3.0\0"
MOST_SEGMENT = 65533  # bytes of a JPEG's segment
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # after a scan: neither data, nor a restart, nor padding
PNG_MARK = b"\x89PNG\r\n\x1a\n"
PNG_XMP = b"XML:com.adobe.xmp\0"
HAS_XMP, HAS_ALPHA = 0x04, 0x10  # flags of WebP's VP8X

Part = tuple[bytes, bytes]  # kind and bytes of a segment or chunk; what is not one has kind b""


class NotSafe(Exception):
    """Why a file must stay as it is."""


def with_annotation(data: bytes, annotation: Annotation) -> bytes:
    """The file data with what it lacks of annotation; data itself if it lacks nothing.

    NotSafe for a file that must stay as it is, and for a format that this does not write.
    """
    writers: tuple[tuple[bool, Callable[[bytes, Annotation], bytes]], ...] = (
        (data[:3] == b"\xff\xd8\xff", _jpeg),
        (data[:8] == PNG_MARK, _png),
        (data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    )
    write = next((write for fits, write in writers if fits), None)
    if write is None:
        raise NotSafe("only JPEG, PNG and WebP files are written to; use a sidecar")
    try:
        return write(data, annotation)
    except (IndexError, struct.error, zlib.error) as error:
        raise NotSafe("its structure is damaged") from error
    except ValueError as error:
        raise NotSafe(f"its XMP cannot be merged: {error}") from error


def _jpeg(data: bytes, annotation: Annotation) -> bytes:
    parts = jpeg_parts(data)
    xmp = next((i for i, (kind, body) in enumerate(parts) if kind == b"\xe1" and body[4:].startswith(XMP_MARK)), None)
    old = parts[xmp][1][4 + len(XMP_MARK) :] if xmp is not None else b""
    irb = [i for i, (kind, body) in enumerate(parts) if kind == b"\xed" and body[4:].startswith(PHOTOSHOP_MARK)]
    old_irb = b"".join(parts[i][1][4 + len(PHOTOSHOP_MARK) :] for i in irb)
    new = merged_xmp(old, annotation, iptc_keywords(old_irb))
    new_irb = merged_iptc(old_irb, annotation.keywords, stale_keywords(old, annotation))
    if new == old and new_irb == old_irb:
        return data
    head = 1  # behind the mark that begins the file: after JFIF and EXIF, as the standards want it
    while parts[head][0] == b"\xe0" or (parts[head][0] == b"\xe1" and parts[head][1][4:10] == b"Exif\0\0"):
        head += 1
    fresh = []
    if new != old:
        fresh.append(_segment(b"\xe1", XMP_MARK + new))
    if new_irb != old_irb:
        fresh.append(_segment(b"\xed", PHOTOSHOP_MARK + new_irb))
    gone = ({xmp} if new != old else set()) | (set(irb) if new_irb != old_irb else set())
    kept_head = [body for i, (_, body) in enumerate(parts[:head]) if i not in gone]
    kept_tail = [body for i, (_, body) in enumerate(parts[head:], head) if i not in gone]
    return b"".join((*kept_head, *fresh, *kept_tail))


def _segment(kind: bytes, body: bytes) -> bytes:
    if len(body) > MOST_SEGMENT:
        raise NotSafe("what is said of it does not fit into a JPEG; use a sidecar")
    return b"\xff" + kind + (len(body) + 2).to_bytes(2, "big") + body


def jpeg_parts(data: bytes) -> list[Part]:
    """A JPEG's segments, each with its marker and the scan behind it. NotSafe for one that must stay as it is."""
    parts: list[Part] = [(b"\xd8", data[:2])]
    at = 2
    while data[at + 1] != 0xD9:
        if data[at] != 0xFF:
            raise NotSafe("its structure is damaged")
        if data[at + 1] == 0xFF:  # padding
            parts.append((b"", data[at : at + 1]))
            at += 1
            continue
        kind, size = data[at + 1 : at + 2], int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + size
        if kind == b"\xda":
            found = NEXT_MARKER.search(data, end)
            if found is None:
                raise NotSafe("its end is missing")
            end = found.start()
        if size < 2 or end > len(data):
            raise NotSafe("its structure is damaged")
        _check_segment(kind, data[at + 4 : min(end, at + 4096)])
        parts.append((kind, data[at:end]))
        at = end
    if data[at + 2 :].strip(b"\0"):
        raise NotSafe("there is data after its image, such as a video or another preview; use a sidecar")
    parts.append((b"\xd9", data[at:]))
    return parts


def _check_segment(kind: bytes, body: bytes) -> None:
    if kind == b"\xe2" and body.startswith(b"MPF\0"):
        raise NotSafe("it holds several images; use a sidecar")
    if kind == b"\xeb" and b"c2pa" in body:
        raise NotSafe("it is signed (content credentials); use a sidecar")


def _png(data: bytes, annotation: Annotation) -> bytes:
    chunks = png_parts(data)
    place = next((i for i, (kind, body) in enumerate(chunks) if kind == b"iTXt" and body[8:].startswith(PNG_XMP)), None)
    old = _png_text(chunks[place][1][8:-4]) if place is not None else b""
    new = merged_xmp(old, annotation)
    if new == old:
        return data
    body = PNG_XMP + b"\0\0\0\0" + new  # not compressed, no language, no translated keyword
    chunk = b"iTXt", struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    if place is not None:
        chunks[place] = chunk
    else:
        chunks.insert(2, chunk)  # behind the file's mark and IHDR
    return b"".join(body for _, body in chunks)


def _png_text(chunk: bytes) -> bytes:
    compressed, rest = chunk[len(PNG_XMP)], chunk[len(PNG_XMP) + 2 :]
    text = rest.split(b"\0", 2)[2]
    return zlib.decompress(text) if compressed else text


def png_parts(data: bytes) -> list[Part]:
    """The mark that begins a PNG, and its chunks."""
    parts: list[Part] = [(b"", data[:8])]
    at = 8
    while parts[-1][0] != b"IEND":
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise NotSafe("its end is missing")
        parts.append((data[at + 4 : at + 8], data[at:end]))
        at = end
    if any(kind == b"caBX" for kind, _ in parts):
        raise NotSafe("it is signed (content credentials); use a sidecar")
    if data[at:].strip(b"\0"):
        raise NotSafe("there is data after its image; use a sidecar")
    return [*parts, (b"", data[at:])]


def _webp(data: bytes, annotation: Annotation) -> bytes:
    chunks = webp_parts(data)
    old = next((body for kind, body in chunks if kind == b"XMP "), b"")
    new = merged_xmp(old, annotation)
    if new == old:
        return data
    chunks = [(kind, body) for kind, body in chunks if kind != b"XMP "] + [(b"XMP ", new)]
    if chunks[0][0] == b"VP8X":
        chunks[0] = b"VP8X", bytes([chunks[0][1][0] | HAS_XMP]) + chunks[0][1][1:]
    else:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            width, height, alpha = image.width, image.height, image.mode == "RGBA"
        sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks.insert(0, (b"VP8X", bytes([HAS_XMP | (HAS_ALPHA if alpha else 0), 0, 0, 0]) + sides))
    packed = b"".join(kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for kind, body in chunks)
    return b"RIFF" + struct.pack("<I", len(packed) + 4) + b"WEBP" + packed


def webp_parts(data: bytes) -> list[Part]:
    """The chunks of a WebP, their bytes without head and padding."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise NotSafe("its end is missing")
    if data[end:].strip(b"\0"):
        raise NotSafe("there is data after its image; use a sidecar")
    parts: list[Part] = []
    at = 12
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > end:
            raise NotSafe("its structure is damaged")
        parts.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        at += 8 + size + size % 2
    if any(kind == b"C2PA" for kind, _ in parts):
        raise NotSafe("it is signed (content credentials); use a sidecar")
    if not parts:
        raise NotSafe("its structure is damaged")
    return parts
