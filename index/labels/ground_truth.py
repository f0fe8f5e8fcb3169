"""What is known to be true of a collection's images: a column that came with them, and a person's corrections."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import FACTS, Collection
from training.models.zero_shot import ClassName

MOST_VALUES = 5000  # different values of a column that still is one of classes
UNKNOWN = -1


@dataclass(frozen=True)
class Known:
    """True classes by row: truth [N], the class's number, K for none of them, or UNKNOWN.

    column: where labels came from, "" if from no column. others: rows of the column whose value is none of
    the classes. corrected: rows that a person judged, oldest first.
    """

    truth: NDArray[np.int64]
    column: str
    others: int
    corrected: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows whose class is known."""
        return np.flatnonzero(self.truth >= 0)


def known_labels(
    collection: Collection, classes: Sequence[ClassName], corrections: Mapping[str, str], none: bool
) -> Known:
    """What the columns and corrections of a collection say of these classes.

    The column is the one whose values name the most images by the classes, in any case, by synonyms too;
    it must name two classes at least, else agreement is by chance. A correction outweighs the column. none:
    whether "none of these" is one of the answers.
    """
    spelt = {_plain(word): k for k, c in reversed(list(enumerate(classes))) for word in reversed(c.words)}
    truth, column, others = np.full(len(collection), UNKNOWN, np.int64), "", 0
    for name in collection.items.columns:
        found = None if name in FACTS else _numbers(collection.items[name], spelt, folders=name == "folder")
        if found is not None and (found >= 0).sum() > (truth >= 0).sum() and len(np.unique(found[found >= 0])) > 1:
            truth, column = found, str(name)
    if column:
        others = int(((truth == UNKNOWN) & collection.items[column].notna().to_numpy()).sum())
    corrected = []
    for id, label in corrections.items():
        number = spelt.get(_plain(label), UNKNOWN) if label else (len(classes) if none else UNKNOWN)
        try:
            row = collection.row(id)
        except KeyError:
            continue  # the image is gone; its correction waits in case it comes back
        if number != UNKNOWN:
            truth[row] = number
            corrected.append(row)
    return Known(truth, column, others, np.array(corrected, np.int64))


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())


def _numbers(values: pd.Series, spelt: Mapping[str, int], folders: bool) -> NDArray[np.int64] | None:
    """The class's number for each value, or None if this is no column of names. folders: the last part counts."""
    if not (pd.api.types.is_string_dtype(values) or values.dtype == object):
        return None
    codes, names = pd.factorize(values)
    if len(names) > MOST_VALUES:
        return None
    last = [str(name).rpartition("/")[2] if folders else str(name) for name in names]
    numbers = np.array([*(spelt.get(_plain(name), UNKNOWN) for name in last), UNKNOWN], np.int64)
    return numbers[codes]  # a missing value has code -1: the last
