"""A generation beside the collection that it belongs to: what it lacks, and bringing its rows in step.

While a generation is made, its rows are a ledger of vectors by content. Once it has a vector for every image, its rows
become those of the collection, one by one and in the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.storage.layout import FROM_PREVIEW, STAMP
from index.storage.writer import Writer
from training.models.lru_cache import LRUCache


@dataclass(frozen=True)
class Coverage:
    """Where a generation has the vector of each row of a collection.

    rows: [N], the generation's row with the same content, -1 for none. thumbnails: [N], whether that vector was made
    from a thumbnail, the file being out of reach.
    """

    rows: NDArray[np.int64]
    thumbnails: NDArray[np.bool_]

    @property
    def missing(self) -> int:
        """How many rows have no vector."""
        return int((self.rows < 0).sum())


def coverage(serving: Collection, other: Collection) -> Coverage:
    """What of the collection a generation has: rows of the same pixels, or else of the same file."""
    found = np.full(len(serving), -1, np.int64)
    from_thumbnail = (other.column(STAMP) == FROM_PREVIEW).to_numpy(bool) if len(other) else np.zeros(0, bool)
    order = np.argsort(~from_thumbnail, kind="stable")  # thumbnails first, so that a file's own vector wins
    for name in ("hash", "pixel_hash"):
        known = dict(zip(other.column(name).iloc[order], order, strict=True)) if name in _columns(other) else {}
        known = {content: row for content, row in known.items() if isinstance(content, str) and content}
        wanted = serving.column(name) if name in _columns(serving) and len(serving) else ()
        for row, content in enumerate(wanted):
            at = known.get(content, -1)
            if at >= 0 and (found[row] < 0 or from_thumbnail[found[row]]):
                found[row] = at
    return Coverage(found, np.append(from_thumbnail, False)[found])  # -1 is the last


def missing(serving: Collection, other: Collection) -> int:
    """How many images of the collection a generation has no vector of."""
    if other.manifest.mirrors == serving.manifest.key:
        return 0
    key = str(serving.path), serving.manifest.key, other.manifest.key
    return _missing.get_or_make(key, lambda: coverage(serving, other).missing)


_missing: LRUCache[tuple[str, str, str], int] = LRUCache(64)  # a page asks again and again


def settle(writer: Writer, serving: Collection) -> int:
    """Make a generation's rows those of the collection, in its order; how many have no vector: then nothing is done.

    writer: of the generation.
    """
    if writer.manifest.mirrors == serving.manifest.key:
        return 0
    other = writer.now()
    have = coverage(serving, other)
    if not have.missing:
        facts = serving.manifest.of_sources
        writer.rewrite(_parts(serving, other, have), mirrors=serving.manifest.key, **facts)
    return have.missing


def _parts(
    serving: Collection, other: Collection, have: Coverage
) -> Iterator[tuple[pd.DataFrame, NDArray[np.floating]]]:
    """The rows of each segment of the collection with the vectors of a generation."""
    start = 0
    for items in serving.segment_frames():
        rows = slice(start, start + len(items))
        start += len(items)
        items.loc[have.thumbnails[rows], STAMP] = FROM_PREVIEW
        # What was embedded from thumbnails by the one that serves, and from its file by the other, is read again too.
        yield items, other.vectors[have.rows[rows]]


def _columns(collection: Collection) -> list[str]:
    return list(collection.all_columns)
