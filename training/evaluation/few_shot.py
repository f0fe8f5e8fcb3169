"""Few-shot classification: accuracy of a linear probe trained on a few images per class."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.linear import fit_linear
from training.evaluation.rows import Array, labels_of_rows, rows_of
from training.evaluation.subject import NotApplicable, ProbeResult, Subject
from training.models.intervals import figure_of

SHOTS = (1, 2, 4, 8, 16)
DRAWS = 5  # random selections of training images, since results vary
STRENGTH = 1e-2  # of the penalty, fixed since there is no data to choose it


def few_shot_accuracy(
    train_features: Array, train_labels: Array, test_features: Array, test_labels: Array, shots: int = 5
) -> float:
    """Test accuracy with `shots` training rows per class, the mean over DRAWS random selections.

    features: [N, D]. labels: int [N]. ValueError if a class has fewer rows.
    """
    return float(few_shot_correct(train_features, train_labels, test_features, test_labels, shots).mean())


def few_shot_correct(
    train_features: Array, train_labels: Array, test_features: Array, test_labels: Array, shots: int = 5, seed: int = 0
) -> NDArray[np.float64]:
    """For each test row, the fraction of the draws in which it is classified correctly: [N]."""
    train, test = rows_of(train_features), rows_of(test_features)
    labels = labels_of_rows(train_labels, len(train), "train_labels")
    expected = labels_of_rows(test_labels, len(test), "test_labels")
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < shots:
        raise ValueError(f"class {classes[counts.argmin()]} has {counts.min()} rows, fewer than {shots}")
    correct = np.zeros(len(test))
    for _ in range(DRAWS):
        chosen = np.concatenate([rng.choice(np.flatnonzero(labels == one), shots, replace=False) for one in classes])
        correct += fit_linear(train[chosen], labels[chosen], [STRENGTH]).predict(test) == expected
    return correct / DRAWS


def probe(subject: Subject) -> ProbeResult:
    """Accuracy with 1, 2, 4, 8 and 16 images per class, as far as the data has them."""
    train, test = subject.split
    least = min(int((train.labels == label).sum()) for label in set(train.labels.tolist()))
    shots = [n for n in SHOTS if n <= least]
    if not shots:
        raise NotApplicable("it needs at least one training image of each class")
    figures = {
        f"{n} per class": figure_of(
            few_shot_correct(train.images, train.labels, test.images, test.labels, n, subject.seed)
        )
        for n in shots
    }
    chance = dict.fromkeys(figures, 1 / len(set(train.labels.tolist())))
    return ProbeResult(
        figures, {"chance": chance}, (f"Each is the mean of {DRAWS} random selections; penalty {STRENGTH:g}.",)
    )
