"""What a data set is, wherever it lies and whenever its files were written: its order, texts, sizes and content."""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from training.data.permutation import permuted
from training.data.source import Item
from training.models.parallel import ordered_map

SAMPLED = 512  # images of which the bytes are read
READERS = 16  # at once: a store at an address answers many readers as fast as one


def content_fingerprint(lines: Iterable[str], count: int, item: Callable[[int], Item]) -> str:
    """A hash of lines that describe every image, and of the bytes of SAMPLED images.

    item: by its number below count. Which are read depends on count alone.
    """
    whole = hashlib.sha256()
    for line in lines:
        whole.update(line.encode())
    chosen = np.sort(permuted(np.arange(min(SAMPLED, count)), count, count)).tolist()
    with ThreadPoolExecutor(READERS) as pool:
        for digest in ordered_map(lambda number: _digest(item(number)), chosen, pool, 2 * READERS):
            whole.update(digest)
    return whole.hexdigest()[:16]


def _digest(item: Item) -> bytes:
    try:
        return hashlib.sha256(item.read()).digest()
    except OSError:
        return b"unreadable"


def size_in(stamp: str) -> str:
    """The part of an item's stamp that does not depend on when and where its file was written."""
    return stamp.partition(":")[0]
