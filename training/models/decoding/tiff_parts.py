"""The directories (IFDs) of a TIFF, in which cameras keep their RAW files too."""

import struct
from collections.abc import Iterator

ORIENTATION, PHOTOMETRIC, SUB_IFDS, DNG_VERSION = 0x0112, 0x0106, 0x014A, 0xC612
RAW_PIXELS = (32803, 34892)  # a colour filter array, linear raw
RAW_MAGIC = (0x4F52, 0x5352, 0x0055)  # Olympus and Panasonic, where a TIFF has 42
MOST_IFDS, MOST_ENTRIES = 64, 512
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # bytes, by type
WIDTHS = {1: "B", 3: "H", 4: "I", 13: "I"}  # of the types of integers


def is_raw(data: bytes) -> bool:
    """Whether what begins like a TIFF is a camera's RAW file."""
    if len(data) < 16:
        return False
    if data[8:10] == b"CR" or struct.unpack_from(_order(data) + "H", data, 2)[0] in RAW_MAGIC:
        return True
    return any(DNG_VERSION in ifd or ifd.get(PHOTOMETRIC, 0) in RAW_PIXELS for ifd in ifds(data))


def directory_is_whole(data: bytes) -> bool:
    """Whether the first directory and the values that it points to lie within data."""
    order, at = _order(data), _number(data, _order(data), 4)
    if not 8 <= at <= len(data) - 2:
        return False
    entries = range(at + 2, at + 2 + 12 * int(struct.unpack_from(order + "H", data, at)[0]), 12)
    if entries.stop + 4 > len(data):
        return False
    for entry in entries:
        _, kind, values = struct.unpack_from(order + "HHI", data, entry)
        size = SIZES.get(kind, 0) * values
        if size > 4 and _number(data, order, entry + 8) + size > len(data):
            return False
    return True


def orientation_of_tiff(data: bytes) -> int:
    """EXIF's orientation in the first directory, 1 if there is none."""
    return next((ifd.get(ORIENTATION, 1) for ifd in ifds(data)), 1)


def ifds(data: bytes) -> Iterator[dict[int, int]]:
    """The first integer of each entry by tag, of every directory and those below it; odd ones are passed over."""
    order, left, seen = _order(data), [_number(data, _order(data), 4)], set[int]()
    while left and len(seen) < MOST_IFDS:
        at = left.pop(0)
        if at in seen or not 8 <= at <= len(data) - 2:
            continue
        seen.add(at)
        ifd: dict[int, int] = {}
        count = min(struct.unpack_from(order + "H", data, at)[0], MOST_ENTRIES)
        for entry in range(at + 2, min(at + 2 + 12 * count, len(data) - 11), 12):
            tag, kind, values = struct.unpack_from(order + "HHI", data, entry)
            if kind not in WIDTHS:
                ifd.setdefault(tag, 0)
                continue
            ifd[tag] = struct.unpack_from(order + WIDTHS[kind], data, entry + 8)[0]
            if tag == SUB_IFDS and values == 1:
                left.append(ifd[tag])
            elif tag == SUB_IFDS:
                left += [_number(data, order, ifd[tag] + 4 * i) for i in range(min(values, MOST_IFDS))]
        left.append(_number(data, order, at + 2 + 12 * count))
        yield ifd


def _order(data: bytes) -> str:
    return "<" if data.startswith(b"II") else ">"


def _number(data: bytes, order: str, at: int) -> int:
    """32 bits at a place, 0 past the end."""
    return int(struct.unpack_from(order + "I", data, at)[0]) if 0 <= at <= len(data) - 4 else 0
