"""Which classes are taken for which others, where true labels are known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.labels.calibration import share


def confusion(truth: NDArray[np.int64], given: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """[classes, classes] counts: true class by row, given class by column. Images with truth -1 are left out."""
    known = truth >= 0
    flat = truth[known] * classes + given[known]
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def by_class(matrix: NDArray[np.int64]) -> list[dict[str, Any]]:
    """precision and recall of each class with Wilson's intervals, None where there is nothing to divide by."""
    hits, given, true = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    return [
        {
            "precision": share(int(h), int(g)) if g else None,
            "recall": share(int(h), int(t)) if t else None,
        }
        for h, g, t in zip(hits, given, true, strict=True)
    ]


def by_class_yes(truth: NDArray[np.int64], yes: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The same for independent answers yes [N, K], where the one label that is known is truth [N], -1 if none is.

    An image may well show a class that its one label does not name, so precision is a lower bound.
    """
    known = truth >= 0
    is_class = truth[known, None] == np.arange(yes.shape[1])
    both, given, true = (is_class & yes[known]).sum(axis=0), yes[known].sum(axis=0), is_class.sum(axis=0)
    return [
        {"precision": share(int(b), int(g)) if g else None, "recall": share(int(b), int(t)) if t else None}
        for b, g, t in zip(both, given, true, strict=True)
    ]
