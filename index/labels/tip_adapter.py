"""Learning from corrections without training: images near to a corrected one lean to its label.

Tip-Adapter (Zhang and others, ECCV 2022). The vectors F [n, dim] of corrected images are the keys of a
cache, their labels L [n, K] the values, and an image x gets, beside what the words say,

    alpha * exp(-beta * (1 - x F')) L

The paper has as many keys of each class, drawn by chance, and sets alpha and beta on a validation set. Here
the keys are what a person reviewed, mostly the closest calls and of some classes more than of others, and
each is judged by the others. So that ten or thirty of them do no harm (benchmarks/corrections.py):

- vectors are taken from the collection's mean, where images differ, and not all look alike;
- a class speaks with the mean of its keys, drawn to nothing where it has few, and not with their sum;
- what it says to the collection on the whole is taken off, so that no class gains everywhere;
- alpha and beta are those under which the true labels surprise least.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.labels.calibration import folds, share, surprise

ALPHAS = (0.0, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)  # in units of the logits; 0 learns nothing
BETAS = (1.0, 3.0, 6.0, 12.0, 25.0, 50.0)  # the larger, the nearer a key must lie
FEW = 3.0  # keys that a class needs for half of its say
ITSELF = 0.999  # cosine: the same image, to the precision of stored vectors
MOST_KEYS = 1000  # the newest; each costs a matrix row for every image
AMONG = 1000  # images of the collection that stand for all of it

Rows = NDArray[np.float32]  # [n, dim]


@dataclass(frozen=True)
class Adapter:
    """A cache of corrected images. centre: [dim], of the collection. keys: [n, dim] unit rows, seen from there.

    values: [n, K], in each class's column the weights of its keys. level: [K], what the cache says on the whole.
    """

    centre: NDArray[np.float32]
    keys: Rows
    values: NDArray[np.float32]
    level: NDArray[np.float32]
    alpha: float
    beta: float

    def logits(self, vectors: NDArray, *, judged_by_others: bool = False) -> NDArray[np.float32]:
        """What the cache adds to the logits of images [N, dim]: [N, K].

        judged_by_others: an image that is itself a key, or a copy of one, gets no word from that key.
        """
        likeness = seen_from(self.centre, vectors) @ self.keys.T
        if judged_by_others:
            likeness[likeness > ITSELF] = -np.inf  # exp(-inf): nothing
        return (self.alpha * (_near(likeness, self.beta) @ self.values - self.level)).astype(np.float32)


@dataclass(frozen=True)
class Learned:
    """An adapter and what it is worth on corrections that it had not seen.

    before, after: accuracy with Wilson's interval. gained and lost: corrections that became right or wrong.
    """

    adapter: Adapter
    before: dict[str, Any]
    after: dict[str, Any]
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


def learn(logits: NDArray, vectors: NDArray, truth: NDArray[np.int64], among: NDArray) -> Learned:
    """Learn from corrected images: their logits by words [n, K], vectors [n, dim] and true classes [n].

    among: [M, dim], images that stand for the whole collection. Held out in folds: alpha and beta are chosen
    for each fold without it, and its images are judged by the keys of the others. The adapter that is
    returned has all keys.
    """
    centre = np.asarray(among, np.float32).mean(axis=0)
    keys, others = seen_from(centre, vectors), seen_from(centre, among)
    labels = np.eye(logits.shape[1], dtype=np.float32)[truth]
    part = folds(len(truth))
    guessed = np.zeros(len(truth), np.int64)
    for fold in np.unique(part):
        away, kept = part == fold, part != fold
        adapter = _adapter(logits[kept], centre, keys[kept], labels[kept], others)
        guessed[away] = (logits[away] + adapter.logits(np.asarray(vectors)[away])).argmax(axis=1)
    before, after = logits.argmax(axis=1) == truth, guessed == truth
    return Learned(
        _adapter(logits, centre, keys, labels, others),
        share(int(before.sum()), len(truth)),
        share(int(after.sum()), len(truth)),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def seen_from(centre: NDArray[np.float32], vectors: NDArray) -> Rows:
    """Directions of vectors [N, dim] from centre [dim], as unit rows."""
    rows = np.asarray(vectors, np.float32) - centre
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)


def _near(likeness: NDArray, beta: float) -> NDArray:
    return np.exp(beta * (likeness - 1))


def _adapter(logits: NDArray, centre: NDArray[np.float32], keys: Rows, labels: NDArray, others: Rows) -> Adapter:
    """All keys, with the alpha and beta under which each is best judged by the rest: with the least surprise."""
    truth, count = labels.argmax(axis=1), labels.sum(axis=0)
    values = labels / (count + FEW)
    likeness, elsewhere = keys @ keys.T, others @ keys.T
    best = (np.inf, 0.0, BETAS[0])  # surprise, alpha, beta: among equals the smaller alpha
    for beta in BETAS:
        near = _near(likeness, beta)
        np.fill_diagonal(near, 0.0)  # judged by the rest, whose classes have a key less
        said = near @ labels / (count - labels + FEW) - (_near(elsewhere, beta) @ values).mean(axis=0)
        for alpha in ALPHAS:
            best = min(best, (surprise(logits + alpha * said, truth, 1.0), alpha, beta))
    _, alpha, beta = best
    return Adapter(centre, keys, values, (_near(elsewhere, beta) @ values).mean(axis=0), alpha, beta)
