"""The rows of images, found by their ids."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from index.storage.json_files import image_id
from index.storage.layout import ID, ID_LENGTH

CHUNK = 1_000_000  # ids at a time
DIGITS = np.full(256, 255, np.uint8)  # what each character stands for; 255 for none
DIGITS[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


class RowsById:
    """The number that each of ids is, sorted, and its row: 16 bytes an image."""

    def __init__(self, ids: pd.Series):
        parts = (_numbers(ids.iloc[start : start + CHUNK]) for start in range(0, len(ids), CHUNK))
        numbers = np.concatenate([np.zeros(0, np.uint64), *parts])
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


def _numbers(ids: pd.Series) -> NDArray[np.uint64]:
    """Of each of ids, a fifteenth of the time that one after the other takes."""
    texts = pa.array(ids.to_list() if ids.dtype == object else ids, pa.large_string(), from_pandas=True)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    ends = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    if texts.null_count or (np.diff(ends) != ID_LENGTH).any():
        return np.fromiter(map(_number, ids), np.uint64, len(ids))
    digits = DIGITS[np.frombuffer(texts.buffers()[2], np.uint8)[ends[0] : ends[-1]]].reshape(-1, ID_LENGTH)
    if digits.max(initial=0) > 15:
        return np.fromiter(map(_number, ids), np.uint64, len(ids))
    pairs = digits[:, ::2] << 4 | digits[:, 1::2]
    return pairs.view(">u8")[:, 0].astype(np.uint64)


def _number(id: str) -> int:
    """An id as a number; 0 for what is no id."""
    try:
        return int(image_id(id), 16)
    except ValueError:
        return 0
