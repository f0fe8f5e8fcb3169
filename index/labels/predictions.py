"""What a classifier predicts for every image of a collection: a matrix product over its stored vectors."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.classifier import Classifier
from training.models.parallel import cores

CHUNK = 4_000_000  # images times answers at a time: bounds the memory at any number of either
LEAST_ROWS = {"one": 256, "any": 8192}  # a chunk; of "any" each chunk scores the sample of the null distribution too

Progress = Callable[[int, int], object]  # of images done and their total


@dataclass(frozen=True)
class Predictions:
    """For each image [N]: label and runner_up are numbers of answers, -1 where there is no second one.

    probability: of the label. margin: its probability less the runner-up's. yes: of mode "any", which classes
    say yes [N, K].
    """

    label: NDArray[np.int32]
    runner_up: NDArray[np.int32]
    probability: NDArray[np.float32]
    margin: NDArray[np.float32]
    yes: NDArray[np.bool_] | None = None


def predict(
    classifier: Classifier, collection: Collection, progress: Progress = lambda done, total: None
) -> Predictions:
    """Every image of the collection, in chunks that the processor's cores share."""
    n, any_of = len(collection), classifier.request.mode == "any"
    found = Predictions(
        label=np.zeros(n, np.int32),
        runner_up=np.full(n, -1, np.int32),
        probability=np.zeros(n, np.float32),
        margin=np.zeros(n, np.float32),
        yes=np.zeros((n, classifier.columns), bool) if any_of else None,
    )
    chunk = max(LEAST_ROWS[classifier.request.mode], CHUNK // classifier.columns)

    def part(start: int) -> int:
        rows = slice(start, min(start + chunk, n))
        (_any if any_of else _one)(classifier, collection.vectors[rows], found, rows)
        return rows.stop

    with ThreadPoolExecutor(cores()) as pool:  # the product is shared out already; this shares out what follows it
        for done in pool.map(part, range(0, n, chunk)):
            progress(done, n)
    return found


def _one(classifier: Classifier, vectors: NDArray[np.floating], found: Predictions, rows: slice) -> None:
    best, probabilities = two_best(classifier.logits(vectors), classifier.calibration.temperature)
    found.label[rows], found.runner_up[rows] = best.T
    found.probability[rows] = probabilities[:, 0]
    found.margin[rows] = probabilities[:, 0] - probabilities[:, 1]


def _any(classifier: Classifier, vectors: NDArray[np.floating], found: Predictions, rows: slice) -> None:
    """Where no class says yes the label is none of these, as probable as the likeliest class is not."""
    assert found.yes is not None
    probabilities = classifier.probabilities(vectors)
    found.yes[rows] = probabilities > 0.5
    first, second = _two_largest(probabilities.copy())
    best = probabilities[np.arange(len(first)), first]
    nothing = best <= 0.5
    found.label[rows] = np.where(nothing, probabilities.shape[1], first)
    found.runner_up[rows] = np.where(nothing, first, second)
    found.probability[rows] = np.where(nothing, 1 - best, best)
    found.margin[rows] = np.abs(2 * probabilities - 1).min(axis=1)


def two_best(logits: NDArray[np.float32], temperature: float) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The two likeliest columns of each row of logits [N, K], best first, and their probabilities: [N, 2] each.

    With one column the second is -1, at 0. Works inside logits, and nothing is sorted: that would take the most time.
    """
    each = np.arange(len(logits))
    first = logits.argmax(axis=1)
    logits -= logits[each, first][:, None]
    if temperature != 1.0:
        logits *= np.float32(1 / temperature)
    np.exp(logits, out=logits)
    total = logits.sum(axis=1)
    first, second = _two_largest(logits, first)
    runner_up = np.where(second >= 0, logits[each, second], 0)
    return np.column_stack([first, second]), np.column_stack([1 / total, runner_up / total])


def _two_largest(
    values: NDArray[np.floating], first: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns of the largest and second largest of each row of positive values, whose largest is overwritten."""
    first = values.argmax(axis=1) if first is None else first
    if values.shape[1] == 1:
        return first, np.full(len(values), -1)
    values[np.arange(len(values)), first] = -1.0
    return first, values.argmax(axis=1)
