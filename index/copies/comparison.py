"""Whether two images are one, or two shots of one scene, by the pixels of their thumbnails."""

from contextlib import suppress
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from index.collection import Collection
from index.copies.alignment import Details, alignment, details
from index.storage.layout import thumbnail_path
from training.models.lru_cache import LRUCache

# Measured by benchmarks/near_duplicates.py on half of the photos, and reported on the other half.
GRID = 32  # cells of a side that two thumbnails are compared by
SAME_COLOUR = 8.0  # grey levels of 255 by which the cells of two copies differ on average, at most
CORRELATED = 0.975  # and by how much their lights and darks must go together
# What was written over a photo, or on one of two pages, changes few cells and those by much more than the average;
# resaving and resizing change many. The largest difference but three, as a multiple of the average:
PEAK = 13.0
FAINT_PEAK = 18.0  # where the difference is FAINT, and rounding is a part of it
FAINT, NOTHING = 8.0, 2.0  # grey levels
SHAPE = 0.03  # two copies' sides are in the same proportion, to this share; cells of a tilted frame would not match
ALIGNED = 0.75  # correlation of the details of two similar shots where they lie on one another
HELD = 1_000  # images whose cells or details are held


class Thumbnails:
    """Compares rows of a collection by their thumbnails. A row without one is a copy of none."""

    def __init__(self, collection: Collection):
        self.collection = collection
        facts = collection.frame(["width", "height"])
        self.shapes = (facts["width"] / facts["height"].clip(lower=1)).to_numpy(float)
        self._ids = collection.column("id").tolist()
        self._cells: LRUCache[int, NDArray[np.float32] | None] = LRUCache(10 * HELD)
        self._details: LRUCache[int, Details | None] = LRUCache(HELD)
        self.compared = 0  # pairs so far

    def same_image(self, one: int, other: int) -> bool:
        """Whether two rows are one image that was saved again, maybe smaller."""
        self.compared += 1
        if self.shapes[other] == 0 or abs(self.shapes[one] / self.shapes[other] - 1) > SHAPE:
            return False
        a, b = (self._cells.get_or_make(row, partial(self._cells_of, row)) for row in (one, other))
        if a is None or b is None:
            return False
        return same_cells(a, b)

    def similar_shot(self, one: int, other: int) -> bool:
        """Whether two rows show one scene, cut, coloured or framed a little otherwise."""
        return self.aligned(one, other) >= ALIGNED

    def aligned(self, one: int, other: int) -> float:
        """The correlation of their details where they lie on one another best; -1 where one has none."""
        self.compared += 1
        a, b = (self._details.get_or_make(row, partial(self._details_of, row)) for row in (one, other))
        return -1.0 if a is None or b is None else alignment(a, b)

    def _thumbnail(self, row: int) -> Image.Image | None:
        with (
            suppress(OSError, ValueError),
            Image.open(thumbnail_path(self.collection.path, self._ids[row])) as thumbnail,
        ):
            return thumbnail.convert("RGB")
        return None

    def _cells_of(self, row: int) -> NDArray[np.float32] | None:
        thumbnail = self._thumbnail(row)
        return None if thumbnail is None else cells(thumbnail)

    def _details_of(self, row: int) -> Details | None:
        thumbnail = self._thumbnail(row)
        return None if thumbnail is None else details(thumbnail)


def cells(image: Image.Image) -> NDArray[np.float32]:
    """The mean colours of GRID x GRID cells of an RGB image, [GRID, GRID, 3]."""
    return np.asarray(image.resize((GRID, GRID), Image.Resampling.BOX), np.float32)


def same_cells(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether cells are those of one image, saved twice. False for even surfaces, which nothing tells apart."""
    apart = np.abs(one - other)
    mean, largest = float(apart.mean()), float(np.partition(apart.max(axis=2).ravel(), -4)[-4])
    if mean > SAME_COLOUR:
        return False
    if largest > NOTHING and largest > mean * (FAINT_PEAK if largest <= FAINT else PEAK):
        return False
    one, other = one - one.mean(axis=(0, 1)), other - other.mean(axis=(0, 1))
    length, other_length = float(np.linalg.norm(one)), float(np.linalg.norm(other))
    return min(length, other_length) >= GRID and float((one * other).sum()) >= CORRELATED * length * other_length
