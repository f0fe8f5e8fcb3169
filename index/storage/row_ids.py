"""The rows of images, found by their ids."""

from collections.abc import Iterable, Sequence

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
        found = self.rows_of_each(list(dict.fromkeys(map(image_id, ids))))
        return np.sort(np.concatenate(found)) if found else np.zeros(0, np.intp)

    def rows_of_each(self, ids: Sequence[str]) -> list[NDArray[np.intp]]:
        """The rows of each of the images called ids, in the order of ids."""
        numbers, order = self._numbers, self._order
        wanted = np.array([_number(id) for id in ids], np.uint64)
        first, last = np.searchsorted(numbers, wanted, side="left"), np.searchsorted(numbers, wanted, side="right")
        last = np.where([bool(ID.fullmatch(image_id(id))) for id in ids], last, first)
        return [np.sort(order[start:end]) for start, end in zip(first, last, strict=True)]


def _number(id: str) -> int:
    """An id as a number; 0 for what is no id."""
    try:
        return int(image_id(id), 16)
    except ValueError:
        return 0
