"""The rows of images, found by their ids."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.storage.json_files import image_id
from index.storage.layout import ID


class RowsById:
    """The number that each of ids is, sorted, and its row: 16 bytes an image."""

    def __init__(self, ids: pd.Series):
        numbers = np.fromiter((_number(id) for id in ids), np.uint64, len(ids))
        self._order: NDArray[np.int64] = np.argsort(numbers, kind="stable")
        self._numbers: NDArray[np.uint64] = numbers[self._order]

    def rows(self, ids: Iterable[str]) -> NDArray[np.intp]:
        """Every row of the images called ids, in row order; what is no id here has none."""
        numbers, order = self._numbers, self._order
        wanted = np.unique(np.array([_number(id) for id in ids if ID.fullmatch(image_id(id))], np.uint64))
        first, last = np.searchsorted(numbers, wanted, side="left"), np.searchsorted(numbers, wanted, side="right")
        found = [order[start:end] for start, end in zip(first, last, strict=True) if end > start]
        return np.sort(np.concatenate(found)) if found else np.zeros(0, np.intp)


def _number(id: str) -> int:
    """An id as a number; 0 for what is no id."""
    try:
        return int(image_id(id), 16)
    except ValueError:
        return 0
