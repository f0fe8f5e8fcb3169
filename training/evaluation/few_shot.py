"""Few-shot: how much does a linear map learn from a handful of images a class?"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.linear import fit_linear
from training.evaluation.rows import labels_of_rows, rows_of
from training.evaluation.subject import Finding, Subject, Unable
from training.models.intervals import figure_of

SHOTS = (1, 2, 4, 8, 16)
DRAWS = 5  # of the handful, since luck decides much
STRENGTH = 1e-2  # of the penalty: nothing is left to choose it on


def few_shot_accuracy(
    train_features: Any, train_labels: Any, test_features: Any, test_labels: Any, shots: int = 5, seed: int = 0
) -> float:
    """The share of test rows whose class is found from so many rows a class, the mean over DRAWS draws of them.

    features: [N, D]. labels: int [N]. ValueError if a class has fewer rows.
    """
    return float(few_shot_right(train_features, train_labels, test_features, test_labels, shots, seed).mean())


def few_shot_right(
    train_features: Any, train_labels: Any, test_features: Any, test_labels: Any, shots: int = 5, seed: int = 0
) -> NDArray[np.float64]:
    """For each test row, in what share of the draws it was right: [N]."""
    train, test = rows_of(train_features), rows_of(test_features)
    labels = labels_of_rows(train_labels, len(train), "train_labels")
    truth = labels_of_rows(test_labels, len(test), "test_labels")
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < shots:
        raise ValueError(f"class {classes[counts.argmin()]} has {counts.min()} rows, fewer than {shots}")
    right = np.zeros(len(test))
    for _ in range(DRAWS):
        chosen = np.concatenate([rng.choice(np.flatnonzero(labels == one), shots, replace=False) for one in classes])
        right += fit_linear(train[chosen], labels[chosen], [STRENGTH]).predict(test) == truth
    return right / DRAWS


def probe(subject: Subject) -> Finding:
    """Accuracy from 1, 2, 4, 8 and 16 images a class, as far as there are so many."""
    train, test = subject.split
    least = min(int((train.labels == label).sum()) for label in set(train.labels.tolist()))
    shots = [n for n in SHOTS if n <= least]
    if not shots:
        raise Unable("it needs at least one image of each class to learn from")
    figures = {
        f"{n} a class": figure_of(few_shot_right(train.images, train.labels, test.images, test.labels, n, subject.seed))
        for n in shots
    }
    chance = dict.fromkeys(figures, 1 / len(set(train.labels.tolist())))
    return Finding(figures, {"chance": chance}, (f"Each the mean of {DRAWS} draws; penalty {STRENGTH:g}.",))
