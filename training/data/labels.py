"""The classes of images, from whatever column of a source holds them."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.source import Item
from training.models.errors import UserError

# Where an image's class is kept: the first that the images have, names before numbers.
LABEL_COLUMNS = ("label_name", "class_name", "label", "class", "cls", "class_id", "folder")


def labels_of(items: Sequence[Item], column: str | None = None) -> tuple[NDArray[np.int64], list[str]]:
    """A number for each image's class, -1 where there is none, and what the numbers stand for.

    column: where the class is kept; left out, the first of LABEL_COLUMNS that any image has. Whole
    numbers stand for themselves; names are numbered in the order of the alphabet.
    """
    columns = {name for item in items for name in item.metadata}
    if column is not None and column not in columns:
        raise UserError(f"There is no column {column!r} to take labels from; there are {', '.join(sorted(columns))}.")
    column = column or next((name for name in LABEL_COLUMNS if name in columns), None)
    if column is None:
        return np.full(len(items), -1), []
    values = ["" if (v := item.metadata.get(column)) is None else str(v) for item in items]
    if all(re.fullmatch(r"\d{1,9}", value) for value in values if value):
        numbers = np.array([int(value) if value else -1 for value in values])
        return numbers, [str(number) for number in range(int(numbers.max(initial=-1)) + 1)]
    names = sorted(set(values) - {""})
    number_of = {name: number for number, name in enumerate(names)} | {"": -1}
    return np.array([number_of[value] for value in values]), names
