"""Ground truth of a collection's images: a column that came with them, a CSV file, and a person's corrections."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.request import NONE, LabelRequest
from index.storage.layout import REQUIRED_COLUMNS
from index.storage.tables import plain
from training.data.labels import ClassColumn, spoken
from training.models.errors import UserError

MOST_VALUES = 5000  # different values of a column that can still be one of classes
UNKNOWN = -1
PATH_NAMES, LABEL_NAMES = ("path", "file", "filename", "image"), ("label", "class", "label_name", "truth")


@dataclass(frozen=True)
class GroundTruth:
    """True classes by row: truth [N], the class's number, K for none of them, or UNKNOWN. A person may say of an
    image that it shows none of the classes where the classifier has no such answer.

    column: where labels came from, "" if from no column. others: rows of the column whose value is none of
    the classes. corrected: rows of images that a person judged, every copy of them, oldest first.
    """

    truth: NDArray[np.int64]
    column: str = ""
    others: int = 0
    corrected: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows whose class is known."""
        return np.flatnonzero(self.truth >= 0)


def ground_truth(collection: Collection, request: LabelRequest, corrections: Mapping[str, str]) -> GroundTruth:
    """What the columns and corrections (labels by id) of a collection say of the classes of request."""
    return with_corrections(column_truth(collection, request), collection, request, corrections)


def column_truth(collection: Collection, request: LabelRequest) -> GroundTruth:
    """The ground truth of the column whose values name the most images by the classes.

    Names match in any case, by the texts of a class too. The column must name two classes at least, else
    agreement is by chance. Folders count down to the depth at which they name the most images.
    """
    numbers = _numbers_by_name(request)
    best = GroundTruth(np.full(len(collection), UNKNOWN, np.int64))
    columns = [name for name in collection.columns if name not in REQUIRED_COLUMNS]
    items = collection.frame(columns) if columns else pd.DataFrame()
    for name in columns:
        found = _numbers(items[name], numbers, None, MOST_VALUES)
        if found is None or len(np.unique(found[found >= 0])) < 2:
            continue
        if (found >= 0).sum() > (best.truth >= 0).sum():
            others = int(((found == UNKNOWN) & items[name].notna().to_numpy()).sum())
            best = GroundTruth(found, str(name), others)
    return best


def named_truth(
    collection: Collection, request: LabelRequest, source: str, class_depth: int | None = None
) -> GroundTruth:
    """The ground truth of the column or CSV file called source; UserError if it says nothing of these images.

    class_depth: of the column folder, see ClassColumn; None for the depth at which it names the most images.
    """
    labels = read_labels(collection, source)
    if not labels.notna().any():
        raise UserError("None of the true labels belongs to an image of this collection; do the paths agree?")
    found = _numbers(labels.astype(object).rename(source), _numbers_by_name(request), class_depth)
    assert found is not None
    return GroundTruth(found, source, int(((found == UNKNOWN) & labels.notna().to_numpy()).sum()))


def with_corrections(
    truth: GroundTruth, collection: Collection, request: LabelRequest, corrections: Mapping[str, str]
) -> GroundTruth:
    """truth with corrections (labels by id, "" for none of the classes), which outweigh it."""
    numbers, none = _numbers_by_name(request), none_number(request)
    given = {id: numbers.get(_normalised(label), UNKNOWN) if label else none for id, label in corrections.items()}
    given = {id: number for id, number in given.items() if number != UNKNOWN}
    corrected, rows = truth.truth.copy(), []
    for copies, number in zip(collection.rows_of_each(list(given)), given.values(), strict=True):
        corrected[copies] = number  # no copy if the image is gone; its correction stays in case it comes back
        rows += copies.tolist()
    return replace(truth, truth=corrected, corrected=np.array(rows, np.int64))


def none_number(request: LabelRequest) -> int:
    """The number of the answer that an image shows none of the classes: after them all, unless one is called so."""
    names = [one.name for one in request.classes]
    return names.index(NONE) if NONE in names else len(names)


def read_labels(collection: Collection, source: str) -> pd.Series:
    """The true label of each image by row, missing where it is not known.

    source: a column of the collection, or a CSV file with a column of paths and one of labels.
    """
    if source in collection.columns:
        return collection.frame([source])[source].map(str, na_action="ignore")
    if not Path(source).is_file():
        columns = ", ".join(collection.columns)
        raise UserError(f"{source} is neither a file nor a column of {collection.name}; its columns are {columns}.")
    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False).map(plain)
    except ValueError as error:
        raise UserError(f"{source} cannot be read as CSV: {str(error).splitlines()[0]}.") from error
    path = next((name for name in PATH_NAMES if name in table), None)
    label = next((name for name in LABEL_NAMES if name in table), None)
    if path is None or label is None:
        raise UserError(f"{source} needs a column path and a column label; it has {', '.join(table.columns)}.")
    return collection.frame(["path"])["path"].map(dict(zip(table[path], table[label], strict=True)))


def _numbers_by_name(request: LabelRequest) -> dict[str, int]:
    """The number of each class by its normalised name and texts; the first class that has a text counts."""
    numbers: dict[str, int] = {}
    for k, c in enumerate(request.classes):
        for text in (c.name, *c.texts):
            numbers.setdefault(_normalised(text), k)
    return numbers


def _normalised(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())


def _numbers(
    values: pd.Series, numbers: Mapping[str, int], class_depth: int | None, most: int | None = None
) -> NDArray[np.int64] | None:
    """The class's number for each value of a column, or None if this is no column of names, or one of more than most.

    class_depth: of folders; None for the depth at which they name the most images, the least of several.
    """
    if not (pd.api.types.is_string_dtype(values) or values.dtype == object):
        return None
    codes, names = pd.factorize(values)
    if most is not None and len(names) > most:
        return None
    readings = [[str(name) for name in names]]
    if values.name == "folder":
        deepest = 1 + max((name.count("/") for name in readings[0]), default=0)
        depths = range(1, deepest + 1) if class_depth is None else [class_depth]
        folders = [ClassColumn("folder", depth) for depth in depths]
        readings = [[spoken(of.value("folder", name)) for name in readings[0]] for of in folders]
    found = [[numbers.get(_normalised(name), UNKNOWN) for name in reading] for reading in readings]
    # A missing value has code -1: the last.
    return max((np.array([*of, UNKNOWN], np.int64)[codes] for of in found), key=lambda of: int((of >= 0).sum()))
