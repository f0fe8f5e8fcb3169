"""Which images a person should label next: those that the classifier is least certain of (active learning).

Settles 2009, "Active Learning Literature Survey". Margin: of the probabilities of label and runner-up. Entropy: of all
class probabilities. Disagreement: of the class probabilities by two encoders (query by committee; McCallum and Nigam
1998), as the Jensen-Shannon divergence.
"""

from collections.abc import Callable, Iterator
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.classifier import Classifier
from index.labels.predictions import CHUNK, LEAST_ROWS
from index.labels.result import LabelResult
from training.models.errors import UserError

Order = Literal["margin", "entropy", "disagreement", "random"]
ORDERS: tuple[Order, ...] = get_args(Order)

Probabilities = NDArray[np.float64]
Member = tuple[Collection, Classifier]  # the same images by another encoder, and the same classes


def uncertainty(result: LabelResult, order: Order, second: Member | None = None) -> NDArray[np.float64]:
    """How uncertain the label of each image is: [N], larger first to be reviewed; NaN where it cannot be said.

    margin: 1 - margin. entropy and disagreement: in nats, of mode "any" summed over the classes. second: the other
    member of the committee, for disagreement. UserError where the two have no image in common.
    """
    if order == "margin":
        return 1.0 - result.predictions.margin.astype(np.float64)
    if order == "random":
        return np.random.default_rng(0).permutation(len(result.labels)).astype(np.float64)
    if order == "entropy":
        return _of_all(result.classifier, lambda rows: entropy(_probabilities(result, rows)), len(result.labels))
    if second is None:
        raise UserError("Disagreement is of two encoders; embed the collection with a second one: reencode.")
    return _disagreement(result, *second)


def next_rows(result: LabelResult, scores: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """The next rows to review: not yet reviewed, one of an image's copies, those of the largest scores [N] first."""
    left = ~np.isnan(scores)
    left[result.ground_truth.corrected] = False
    rows = np.flatnonzero(left)
    rows = rows[~result.collection.column("id").iloc[rows].duplicated().to_numpy()]
    if len(rows) > count:
        rows = rows[np.argpartition(-scores[rows], count)[:count]]
    return rows[np.lexsort((rows, -scores[rows]))]


def entropy(probabilities: Probabilities) -> NDArray[np.float64]:
    """Shannon entropy of the last axis, in nats; that of a distribution of K equal probabilities is log K."""
    positive = np.where(probabilities > 0, probabilities, 1.0)
    return np.asarray(-(probabilities * np.log(positive)).sum(axis=-1))


def divergence(one: Probabilities, other: Probabilities) -> NDArray[np.float64]:
    """Jensen-Shannon divergence of distributions over the last axis: in nats, from 0 for equal ones to log 2."""
    return np.maximum(0.0, entropy((one + other) / 2) - (entropy(one) + entropy(other)) / 2)


def _disagreement(result: LabelResult, other: Collection, second: Classifier) -> NDArray[np.float64]:
    ids = result.collection.column("id").tolist()
    found = other.rows_of_each(ids)
    at = np.array([rows[0] if len(rows) else -1 for rows in found], np.int64)
    shared = np.flatnonzero(at >= 0)
    if not len(shared):
        raise UserError(f"{other.name} has none of these images; choose an encoder that they are embedded with.")

    def part(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        theirs = _distributions(second, np.asarray(other.vectors[at[shared[rows]]], np.float32))
        return divergence(_probabilities(result, shared[rows]), theirs)

    scores = np.full(len(ids), np.nan)
    scores[shared] = _of_all(result.classifier, part, len(shared))
    return scores


def _probabilities(result: LabelResult, rows: NDArray[np.int64]) -> Probabilities:
    return _distributions(result.classifier, np.asarray(result.collection.vectors[rows], np.float32))


def _distributions(classifier: Classifier, vectors: NDArray[np.float32]) -> Probabilities:
    """[N, K], or of mode "any" yes and no of each class: [N, K, 2]."""
    found = classifier.probabilities(vectors).astype(np.float64)
    return np.stack([found, 1 - found], axis=-1) if classifier.request.mode == "any" else found


def _of_all(
    classifier: Classifier, part: Callable[[NDArray[np.int64]], NDArray[np.float64]], n: int
) -> NDArray[np.float64]:
    """part of all places below n, [n] or [n, K] summed over K, in chunks that bound the memory."""

    def parts() -> Iterator[NDArray[np.float64]]:
        chunk = max(LEAST_ROWS[classifier.request.mode], CHUNK // classifier.columns)
        for start in range(0, n, chunk):
            rows = np.arange(start, min(start + chunk, n))
            yield part(rows).reshape(len(rows), -1).sum(axis=1)

    return np.concatenate([np.zeros(0), *parts()])
