"""PNG files without what does not change their first frame, so that no text or broken metadata can spoil an image."""

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"iCCP", b"eXIf")
MOST_METADATA = 1 << 20  # bytes of one chunk, and of the profile in it: Pillow refuses an image beyond that


def chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, end) of each chunk, its length and checksum included; end may lie past the end of data."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        yield kind, at, end
        if kind == b"IEND":
            return
        at = end


def without_metadata(data: bytes) -> bytes:
    """The same PNG with only what its pixels, colours and orientation need.

    Profiles and EXIF that are broken or larger than MOST_METADATA go too.
    """
    kept = [SIGNATURE]
    for kind, start, end in chunks(data):
        if kind in NEEDED and (kind not in (b"iCCP", b"eXIf") or _is_sound(kind, data[start:end])):
            kept.append(data[start:end])
    return b"".join(kept)


def _is_sound(kind: bytes, chunk: bytes) -> bool:
    if len(chunk) > MOST_METADATA or zlib.crc32(chunk[4:-4]).to_bytes(4, "big") != chunk[-4:]:
        return False
    if kind == b"eXIf":
        return True
    compressed = chunk[8:-4].partition(b"\x00")[2][1:]  # after the profile's name and the kind of compression
    try:
        return len(zlib.decompressobj().decompress(compressed, MOST_METADATA)) < MOST_METADATA
    except zlib.error:
        return False
