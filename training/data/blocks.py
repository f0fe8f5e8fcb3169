"""Parts of files that are read at once: row groups of parquet files, and pieces of shards at an address.

To read one image of a part costs as much as to read all of them, so that shuffled reading needs the parts of a whole
window of images in memory. They are held here, for the whole process.
"""

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.lru_cache import LRUCache

PIECE = 8 << 20  # bytes of a shard at an address that are read at once
OVERLAP = 256 << 10  # and of the next piece, so that an image whose header is in a piece mostly is there whole
READERS = 16  # parts that are read at once: a store at an address answers many readers as fast as one
IN_ORDER = 2  # parts that reading in order needs, where several threads cross from one into the next
HELD: LRUCache[Hashable, Any] = LRUCache(IN_ORDER)


def hold(parts: int) -> None:
    """Keep this many parts in memory from now on. Shards at an address are then read in pieces."""
    HELD.capacity = max(IN_ORDER + 1, parts)


def in_pieces() -> bool:
    """Whether shards at an address are read in pieces, and not each image by itself."""
    return HELD.capacity > IN_ORDER


def read_pieces(name: str, size: int, offset: int, length: int, home: int, read: Callable[[int, int], bytes]) -> bytes:
    """length bytes from offset on of a file of size bytes, by the piece of home if it has them, else by their own.

    read: bytes of the file by offset and length.
    """
    found = list[bytes]()
    at, end, number = offset, min(offset + length, size), home // PIECE
    while at < end:
        if not number * PIECE <= at < (number + 1) * PIECE + OVERLAP:
            number = at // PIECE
        start = number * PIECE
        piece = HELD.get_or_make((name, number), lambda at=start: read(at, min(PIECE + OVERLAP, size - at)))  # type: ignore[misc]
        part = piece[at - start : end - start]
        if not part:
            break  # the file is shorter than it was
        found.append(part)
        at += len(part)
    return b"".join(found)


def ends_of(blocks: list[Hashable]) -> NDArray[np.int64]:
    """Where runs of equal blocks end, given the block of each item; without blocks, each item is one of its own."""
    pairs = enumerate(pairwise(blocks), start=1)
    changes = (number for number, (one, other) in pairs if other is None or one != other)
    return np.array([*changes, len(blocks)], np.int64)


def read_ahead(reads: list[Callable[[], object]]) -> None:
    """Read one image of each of several parts, and with it the part, several at a time."""
    if len(reads) > 1:
        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(_attempt, reads))


def _attempt(read: Callable[[], object]) -> None:
    try:
        read()
    except OSError:
        return  # who needs it will say so
