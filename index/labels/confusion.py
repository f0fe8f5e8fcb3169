"""Which classes are taken for which others, where true labels are known."""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from training.models.intervals import Figure, wilson_figure


class ClassFigures(TypedDict):
    """How well one class is labelled, with Wilson's intervals; None where there is nothing to divide by."""

    precision: Figure | None
    recall: Figure | None


def confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """[classes, classes] counts: true class by row, predicted class by column. Images with truth -1 are left out."""
    known = truth >= 0
    flat = truth[known] * classes + predicted[known]
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def by_class(matrix: NDArray[np.int64]) -> list[ClassFigures]:
    """Precision and recall of each class of a confusion matrix."""
    return _figures(np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1))


def by_class_yes(truth: NDArray[np.int64], yes: NDArray[np.bool_]) -> list[ClassFigures]:
    """The same of predictions yes [N, K] of mode "any", where one label is known: truth [N], -1 if none is.

    An image may well show a class that its one label does not name, so precision is a lower bound.
    """
    known = truth >= 0
    is_class = truth[known, None] == np.arange(yes.shape[1])
    return _figures((is_class & yes[known]).sum(axis=0), yes[known].sum(axis=0), is_class.sum(axis=0))


def _figures(hits: NDArray[np.int64], predicted: NDArray[np.int64], true: NDArray[np.int64]) -> list[ClassFigures]:
    return [
        ClassFigures(
            precision=wilson_figure(int(hit), int(p)) if p else None,
            recall=wilson_figure(int(hit), int(t)) if t else None,
        )
        for hit, p, t in zip(hits, predicted, true, strict=True)
    ]
