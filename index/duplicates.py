"""Images that a collection holds more than once: the same file, or the same image saved again.

Similar is not the same. Two photographs of one scene lie as near in an encoder's space as a photograph and
its smaller copy do, so nearness only proposes pairs; what the pixels of the previews say decides.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from index.collection import Collection
from training.models.errors import UserError

# Measured on 120 photographs with the embedded default: copies at quality 75 keep a cosine of .86 to 1 with
# their original, at quality 30 .77 to .99, at half the size .74 to .97; other photographs reach .56. Pixels
# part them by more: copies differ by 5 grey levels at most and go together by .993 or more, even at a
# third of the size and quality 50; other photographs differ by 17 or more and go together by .76 at most.
NEAR = 0.7  # cosine from which a pair's pixels are compared
GRID = 16  # cells of a side that two previews are compared by
SAME_COLOUR = 6.0  # grey levels of 255 by which the cells of two copies differ on average, at most
CORRELATED = 0.98  # and by how much their lights and darks must go together
SHAPE = 0.03  # two copies' sides are in the same proportion, to this share
CHUNK = 2_000  # images compared with all at a time
COLUMNS = ("group", "kind", "keep", "id", "path", "width", "height", "bytes", "cosine", "why")


@dataclass(frozen=True)
class Group:
    """Rows that are one image, the one to keep first. kind: "same file" or "same image"; cosines: to the first."""

    kind: str
    rows: tuple[int, ...]
    cosines: tuple[float, ...]
    why: str


def find_duplicates(
    collection: Collection,
    *,
    near: float | None = NEAR,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[Group]:
    """Every group of copies, largest first.

    near: the cosine from which two different files are compared by their pixels; None compares none.
    Kept is the image with most pixels; of those, the one with most bytes, then the oldest, then the
    first by path.
    """
    if near is not None and not 0 < near <= 1:
        raise UserError(f"The threshold is {near}; it is a cosine, above 0 and at most 1.")
    facts = collection.frame(["width", "height", "bytes", "modified", "path", "hash"])
    pairs = [(int(rows[0]), int(row)) for rows in _same(facts["hash"]) for row in rows[1:]]
    if near is not None:
        previews = _PreviewComparison(collection, facts)
        first = facts.drop_duplicates("hash").index.to_numpy()
        near_pairs = _near_pairs(collection, first, near, progress)
        pairs += [(one, other) for one, other in near_pairs if previews.same_image(one, other)]
    order = facts.assign(pixels=facts["width"] * facts["height"]).sort_values(
        ["pixels", "bytes", "modified", "path"], ascending=[False, False, True, True], kind="stable"
    )
    place = np.empty(len(facts), np.int64)
    place[order.index.to_numpy()] = np.arange(len(facts))
    groups = [
        _group(collection, facts, sorted(rows, key=lambda row: place[row])) for rows in _connected(pairs, len(facts))
    ]
    return sorted(groups, key=lambda group: -len(group.rows))


def report(collection: Collection, groups: Sequence[Group]) -> pd.DataFrame:
    """One row an image that has a copy, COLUMNS; keep is true for one of each group."""
    lines = []
    for number, group in enumerate(groups, 1):
        for row, cosine in zip(group.rows, group.cosines, strict=True):
            record = collection.record(row)
            head = {"group": number, "kind": group.kind, "keep": row == group.rows[0]}
            facts = {name: record[name] for name in ("id", "path", "width", "height", "bytes")}
            lines.append({**head, **facts, "cosine": round(cosine, 4), "why": group.why})
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _group(collection: Collection, facts: pd.DataFrame, rows: list[int]) -> Group:
    vectors = collection.vectors[np.array(rows)].astype(np.float32)
    cosines = tuple(float(min(1.0, cosine)) for cosine in vectors @ vectors[0])
    one = facts["hash"].iloc[rows].nunique() == 1
    best, others = facts.iloc[rows[0]], facts.iloc[rows[1:]]
    if one:
        why = "all have the same bytes; the oldest is kept"
    elif (others["width"] * others["height"] < best["width"] * best["height"]).any():
        why = "it has most pixels"
    elif (others["bytes"] < best["bytes"]).any():
        why = "it has as many pixels as any, and most bytes, so it was compressed least"
    else:
        why = "it is the oldest of equals"
    return Group("same file" if one else "same image", tuple(rows), cosines, why)


def _same(hashes: pd.Series) -> Iterator[NDArray[np.int64]]:
    """Rows of each content that occurs more than once."""
    codes, _ = pd.factorize(hashes)
    yield from (rows for rows in _split(np.arange(len(codes)), codes) if len(rows) > 1)


def _split(rows: NDArray[np.int64], labels: NDArray[np.floating]) -> list[NDArray[np.int64]]:
    """rows by their labels, in the order of the labels."""
    order = np.argsort(labels, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(labels[order])) + 1)


def _near_pairs(
    collection: Collection, rows: NDArray[np.int64], near: float, progress: Callable[[int, int], object]
) -> Iterator[tuple[int, int]]:
    """Pairs of rows whose vectors have at least this cosine: an exact product, a block at a time."""
    for start in range(0, len(rows), CHUNK):
        block = collection.vectors[rows[start : start + CHUNK]].astype(np.float32)
        for begin in range(start, len(rows), CHUNK):
            other = collection.vectors[rows[begin : begin + CHUNK]].astype(np.float32)
            left, right = np.nonzero(block @ other.T >= near)
            for i, j in zip(left + start, right + begin, strict=True):
                if i < j:
                    yield int(rows[i]), int(rows[j])
        progress(min(start + CHUNK, len(rows)), len(rows))


def _connected(pairs: Sequence[tuple[int, int]], count: int) -> list[list[int]]:
    """The groups of rows that pairs connect, each in ascending order; rows of no pair are left out."""
    if not pairs:
        return []
    one, other = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs), bool), (one, other)), shape=(count, count))
    labels = connected_components(graph, directed=False)[1]
    paired = np.unique(np.array(pairs))
    return [rows.tolist() for rows in _split(paired, labels[paired]) if len(rows) > 1]


class _PreviewComparison:
    """Compares previews by the colours of GRID x GRID cells, computed when first needed."""

    def __init__(self, collection: Collection, facts: pd.DataFrame):
        self.collection = collection
        self.shapes = (facts["width"] / facts["height"]).to_numpy(float)
        self._cells_of: dict[int, NDArray[np.float32] | None] = {}

    def same_image(self, one: int, other: int) -> bool:
        """Whether two rows are one image by their pixels. False where a preview is missing: nothing is then known."""
        if abs(self.shapes[one] / self.shapes[other] - 1) > SHAPE:
            return False
        a, b = self._cells(one), self._cells(other)
        if a is None or b is None or np.abs(a - b).mean() > SAME_COLOUR:
            return False
        spread = [np.linalg.norm(x - x.mean(axis=(0, 1))) for x in (a, b)]
        if min(spread) < GRID:  # an even surface has no lights and darks to compare
            return bool(max(spread) < 2 * GRID)
        covariance = ((a - a.mean(axis=(0, 1))) * (b - b.mean(axis=(0, 1)))).sum()
        return bool(covariance / (spread[0] * spread[1]) >= CORRELATED)

    def _cells(self, row: int) -> NDArray[np.float32] | None:
        if row not in self._cells_of:
            path = self.collection.thumbnail(str(self.collection.column("id").iat[row]))
            self._cells_of[row] = None
            if path is not None:
                with Image.open(path) as preview:
                    small = preview.convert("RGB").resize((GRID, GRID), Image.Resampling.BOX)
                self._cells_of[row] = np.asarray(small, np.float32)
        return self._cells_of[row]
