"""Which rows of a collection the places of a search structure stand for.

A structure numbers its vectors in the order in which they were added, segment by segment. Segments never change, so
that one that was made of an earlier state of a collection is of use for a later one: some of its places stand for no
row any more, the others for rows that may have moved, and some rows have no place yet.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection

SegmentKey: TypeAlias = list[str | int]  # as JSON has it: name, rows, the beginning of its vectors' checksum
CHECKED = 16  # characters of a checksum


@dataclass(frozen=True)
class Places:
    """begins: the first place of each segment of a structure, and how many places there are, [S + 1].

    rows: the row at which each of these segments begins now, -1 where it is gone, [S]. missing: rows without a place.
    """

    begins: NDArray[np.int64]
    rows: NDArray[np.int64]
    missing: NDArray[np.intp]

    @classmethod
    def of(cls, stored: list[SegmentKey], collection: Collection) -> "Places":
        """The places of a structure that was made of the segments stored."""
        now = segment_keys(collection)
        starts = np.cumsum([0, *(int(count) for _, count, _ in now)])
        begin_of = {tuple(key): int(start) for key, start in zip(now, starts, strict=False)}
        rows = np.array([begin_of.get(tuple(key), -1) for key in stored], np.int64)
        held = {tuple(key) for key in stored}
        new = [np.arange(a, b) for key, a, b in zip(now, starts, starts[1:], strict=False) if tuple(key) not in held]
        begins = np.cumsum([0, *(int(count) for _, count, _ in stored)]).astype(np.int64)
        return cls(begins, rows, np.concatenate(new).astype(np.intp) if new else np.zeros(0, np.intp))

    def __len__(self) -> int:
        return int(self.begins[-1])

    @property
    def gone(self) -> int:
        """How many places stand for no row."""
        return int(np.diff(self.begins)[self.rows < 0].sum())

    def rows_at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The row of each place, -1 where it is gone."""
        part = np.searchsorted(self.begins, places, side="right") - 1
        return np.where(self.rows[part] < 0, -1, self.rows[part] + places - self.begins[part])

    def mask(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """The places of rows, those that have one, [places]."""
        last = int(max(rows.max(initial=-1), (self.rows + np.diff(self.begins)).max(initial=0) - 1)) + 1
        wanted, found = np.zeros(last, bool), np.zeros(len(self), bool)
        wanted[rows] = True
        for begin, end, row in zip(self.begins, self.begins[1:], self.rows, strict=False):
            if row >= 0:
                found[begin:end] = wanted[row : row + end - begin]
        return found


def segment_keys(collection: Collection) -> list[SegmentKey]:
    """What names the segments of a collection and what they hold."""
    sums = collection.manifest.checksums
    return [
        [name, count, str(sums.get(name, {}).get("vectors.npy", ""))[:CHECKED]]
        for name, count in collection.manifest.segments
    ]
