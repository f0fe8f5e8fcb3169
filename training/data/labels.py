"""The classes of images, from whatever column of a source holds them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.source import Item
from training.models.errors import UserError

# Where an image's class is kept: the first that the images have, names before numbers.
LABEL_COLUMNS = ("label_name", "class_name", "label", "class", "cls", "class_id", "folder")


@dataclass(frozen=True)
class ClassColumn:
    """Where the class of an image is kept. name: the column; None for the first of LABEL_COLUMNS that any image has.

    depth: how many folders from the top make the class, where it is the folder; 0 for all of them.
    """

    name: str | None = None
    depth: int = 1

    def value(self, column: str, cell: object) -> str:
        """The class in a cell of a column, "" if there is none."""
        text = "" if cell is None else str(cell)
        return "/".join(text.split("/")[: self.depth]) if column == "folder" and self.depth else text

    def is_class(self, column: str) -> bool:
        """Whether a column holds classes."""
        return column == self.name if self.name else column in LABEL_COLUMNS


ANY_CLASS = ClassColumn()


def spoken(name: str) -> str:
    """A class name as captions and prompts say it: without parent folders, and with spaces instead of underscores."""
    return name.rpartition("/")[2].replace("_", " ")


def labels_of(items: Sequence[Item], classes: ClassColumn | None = None) -> tuple[NDArray[np.int64], list[str]]:
    """A number for each image's class, -1 where there is none, and what the numbers stand for.

    Whole numbers stand for themselves; names are numbered in the order of the alphabet. UserError if there is no such
    column.
    """
    classes = classes or ClassColumn()
    columns = {name for item in items for name in item.metadata}
    column = classes.name
    if column is not None and column not in columns:
        listed = ", ".join(sorted(columns)) or "none"
        raise UserError(f"There is no column {column!r} to take labels from; the columns are {listed}.")
    column = column or next((name for name in LABEL_COLUMNS if name in columns), None)
    if column is None:
        return np.full(len(items), -1), []
    values = [classes.value(column, item.metadata.get(column)) for item in items]
    if all(re.fullmatch(r"\d{1,9}", value) for value in values if value):
        numbers = np.array([int(value) if value else -1 for value in values])
        return numbers, [str(number) for number in range(int(numbers.max(initial=-1)) + 1)]
    names = sorted(set(values) - {""})
    number_of = {name: number for number, name in enumerate(names)} | {"": -1}
    return np.array([number_of[value] for value in values]), names
