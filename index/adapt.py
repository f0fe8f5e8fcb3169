"""Learning from corrections without training: pictures near to a corrected one lean to its label.

Tip-Adapter (Zhang and others, ECCV 2022). The vectors F [n, dim] of corrected pictures are the keys of a
cache, their labels L [n, K] the values, and a picture x gets, beside what the words say,

    alpha * exp(-beta * (1 - x F')) L

The paper sets alpha and beta on a validation set; here it is the corrections themselves, each judged by
the others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.calibrate import folds, share, surprise

ALPHAS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # in units of the logits; 0 learns nothing
BETAS = (1.0, 3.0, 6.0, 12.0, 25.0, 50.0, 100.0)  # the larger, the nearer a key must lie
LEAST_CORRECTIONS = 10
ITSELF = 0.999  # cosine: the same picture, to the precision of stored vectors
MOST_KEYS = 1000  # the newest; each costs a matrix row for every picture


@dataclass(frozen=True)
class Adapter:
    """A cache of corrected pictures. keys: [n, dim] unit rows. values: [n, K], one-hot."""

    keys: NDArray[np.float32]
    values: NDArray[np.float32]
    alpha: float
    beta: float

    def logits(self, vectors: NDArray, *, judged_by_others: bool = False) -> NDArray[np.float32]:
        """What the cache adds to the logits of pictures [N, dim]: [N, K].

        judged_by_others: a picture that is itself a key, or a copy of one, gets no word from that key.
        """
        likeness = np.asarray(vectors, np.float32) @ self.keys.T
        if judged_by_others:
            likeness[likeness > ITSELF] = -np.inf  # exp(-inf): nothing
        return self._added(likeness)

    def _added(self, likeness: NDArray) -> NDArray[np.float32]:
        return (self.alpha * np.exp(self.beta * (likeness - 1)) @ self.values).astype(np.float32)


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


def learn(logits: NDArray, vectors: NDArray, truth: NDArray[np.int64]) -> Learned:
    """Learn from corrected pictures: their logits by words [n, K], vectors [n, dim] and true classes [n].

    Held out in folds: alpha and beta are chosen for each fold without it, and its pictures are judged by
    the keys of the others. The adapter that is returned has all keys.
    """
    vectors = np.asarray(vectors, np.float32)
    values = np.eye(logits.shape[1], dtype=np.float32)[truth]
    likeness = vectors @ vectors.T
    part = folds(len(truth))
    guessed = np.zeros(len(truth), np.int64)
    for fold in np.unique(part):
        away, kept = part == fold, part != fold
        alpha, beta = _choose(logits[kept], likeness[np.ix_(kept, kept)], values[kept], truth[kept])
        added = alpha * np.exp(beta * (likeness[np.ix_(away, kept)] - 1)) @ values[kept]
        guessed[away] = (logits[away] + added).argmax(axis=1)
    before, after = logits.argmax(axis=1) == truth, guessed == truth
    return Learned(
        Adapter(vectors, values, *_choose(logits, likeness, values, truth)),
        share(int(before.sum()), len(truth)),
        share(int(after.sum()), len(truth)),
        gained=int((after & ~before).sum()),
        lost=int((before & ~after).sum()),
    )


def _choose(logits: NDArray, likeness: NDArray, values: NDArray, truth: NDArray[np.int64]) -> tuple[float, float]:
    """The alpha and beta of the grid under which each correction is best judged by the others.

    The most right first; among equals the least surprise, which tells near misses from far ones.
    """
    best = (-1, -np.inf, 0.0, BETAS[0])  # right, surprise and alpha turned round, beta
    for beta in BETAS:
        near = np.exp(beta * (likeness - 1))
        np.fill_diagonal(near, 0.0)
        said = near @ values
        for alpha in ALPHAS:
            sums = logits + alpha * said
            right = int((sums.argmax(axis=1) == truth).sum())
            best = max(best, (right, -surprise(sums, truth, 1.0), -alpha, beta))  # among equals the smaller alpha
    return 0.0 - best[2], best[3]
