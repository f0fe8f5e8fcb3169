"""Learning from corrections without training: images near to a corrected one become likelier to get its label.

Tip-Adapter (Zhang and others, ECCV 2022). The vectors F [n, dim] of corrected images are the keys of a
cache, their labels L [n, K] the values, and the logits of an image x from the text embeddings get, added to them,

    alpha * exp(-beta * (1 - x F')) L

The paper has as many keys of each class, drawn at random, and sets alpha and beta on a validation set. Here
the keys are what a person reviewed, mostly the closest calls and of some classes more than of others, and
each is judged by the others. So that ten or thirty of them do no harm (benchmarks/corrections.py):

- the collection's mean is subtracted from the vectors, which makes their differences larger;
- a class contributes the mean of its keys, shrunk towards zero where it has few, and not their sum;
- the mean contribution over the collection is subtracted, so that no class gains everywhere;
- alpha and beta are those of the least negative log likelihood of the true labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.labels.calibration import folds, negative_log_likelihood
from training.models.intervals import Figure, wilson_figure

ALPHAS = (0.0, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)  # in units of the logits; 0 learns nothing
BETAS = (1.0, 3.0, 6.0, 12.0, 25.0, 50.0)  # the larger, the nearer a key must lie
SHRINKAGE = 3.0  # keys that a class needs for half of its full contribution
SAME_IMAGE = 0.999  # cosine: the same image, to the precision of stored vectors
MOST_KEYS = 1000  # the newest; each costs a matrix row for every image
SAMPLE = 1000  # images of the collection that stand for all of it

Rows = NDArray[np.float32]  # [n, dim]


@dataclass(frozen=True)
class Adapter:
    """A cache of corrected images. centre: [dim], of the collection. keys: [n, dim] unit rows, centred.

    values: [n, K], in each class's column the weights of its keys. offset: [K], the mean contribution over the
    collection.
    """

    centre: NDArray[np.float32]
    keys: Rows
    values: NDArray[np.float32]
    offset: NDArray[np.float32]
    alpha: float
    beta: float

    def logits(self, vectors: NDArray[np.floating], *, judged_by_others: bool = False) -> NDArray[np.float32]:
        """What the cache adds to the logits of images [N, dim]: [N, K].

        judged_by_others: an image that is itself a key, or a copy of one, gets nothing from that key.
        """
        cosines = centred(self.centre, vectors) @ self.keys.T
        if judged_by_others:
            cosines[cosines > SAME_IMAGE] = -np.inf  # exp(-inf): nothing
        return (self.alpha * (_affinity(cosines, self.beta) @ self.values - self.offset)).astype(np.float32)


@dataclass(frozen=True)
class Learned:
    """An adapter and what it is worth on corrections that it had not seen.

    before, after: accuracy with Wilson's interval. gained and lost: corrections that became right or wrong.
    """

    adapter: Adapter
    before: Figure
    after: Figure
    gained: int
    lost: int

    @property
    def helps(self) -> bool:
        return self.gained > self.lost and self.adapter.alpha > 0


def enough(classes: int) -> int:
    """Corrections that it takes to learn to tell so many classes apart: two of each, 10 at least and 20 at most.

    Of ten, what is learned of ten classes does more harm than good (docs/labelling.md).
    """
    return min(max(2 * classes, 10), 20)


def learn(
    logits: NDArray[np.floating], vectors: NDArray[np.floating], truth: NDArray[np.int64], sample: NDArray[np.floating]
) -> Learned:
    """Learn from corrected images: their text logits [n, K], vectors [n, dim] and true classes [n].

    sample: [M, dim], images that stand for the whole collection. Held out in folds: alpha and beta are chosen
    for each fold without it, and its images are judged by the keys of the others. The adapter that is
    returned has all keys.
    """
    centre = np.asarray(sample, np.float32).mean(axis=0)
    keys, others = centred(centre, vectors), centred(centre, sample)
    labels = np.eye(logits.shape[1], dtype=np.float32)[truth]
    part = folds(len(truth))
    predicted = np.zeros(len(truth), np.int64)
    for fold in np.unique(part):
        away, rest = part == fold, part != fold
        adapter = _adapter(logits[rest], centre, keys[rest], labels[rest], others)
        predicted[away] = (logits[away] + adapter.logits(np.asarray(vectors)[away])).argmax(axis=1)
    before, after = logits.argmax(axis=1) == truth, predicted == truth
    return Learned(
        _adapter(logits, centre, keys, labels, others),
        wilson_figure(int(before.sum()), len(truth)),
        wilson_figure(int(after.sum()), len(truth)),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def centred(centre: NDArray[np.float32], vectors: NDArray[np.floating]) -> Rows:
    """Vectors [N, dim] less centre [dim], as unit rows."""
    rows = np.asarray(vectors, np.float32) - centre
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _affinity(cosines: NDArray[np.floating], beta: float) -> NDArray[np.floating]:
    return np.exp(beta * (cosines - 1))


def _adapter(
    logits: NDArray[np.floating], centre: NDArray[np.float32], keys: Rows, labels: NDArray[np.floating], others: Rows
) -> Adapter:
    """All keys, with the alpha and beta under which the rest of the keys predict each one best."""
    truth, count = labels.argmax(axis=1), labels.sum(axis=0)
    values = labels / (count + SHRINKAGE)
    cosines, elsewhere = keys @ keys.T, others @ keys.T
    best = (np.inf, 0.0, BETAS[0])  # negative log likelihood, alpha, beta: of equals the smaller alpha
    for beta in BETAS:
        near = _affinity(cosines, beta)
        np.fill_diagonal(near, 0.0)  # judged by the rest, whose classes have a key less
        added = near @ labels / (count - labels + SHRINKAGE) - (_affinity(elsewhere, beta) @ values).mean(axis=0)
        for alpha in ALPHAS:
            best = min(best, (negative_log_likelihood(logits + alpha * added, truth), alpha, beta))
    _, alpha, beta = best
    return Adapter(centre, keys, values, (_affinity(elsewhere, beta) @ values).mean(axis=0), alpha, beta)
