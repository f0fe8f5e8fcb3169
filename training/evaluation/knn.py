"""k-NN: classification by the nearest neighbours of an embedding, without training.

Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", section 3.4.
"""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.failures import mislabelled
from training.evaluation.rows import Array, labels_of_rows, unit_rows
from training.evaluation.subject import ProbeResult, Subject
from training.models.intervals import figure_of

CHUNK = 512  # queries whose scores are in memory at a time


def knn_accuracy(
    train_features: Array,
    train_labels: Array,
    test_features: Array,
    test_labels: Array,
    k: int = 20,
    temperature: float = 0.07,
) -> float:
    """Accuracy of the vote of the k nearest training rows, each weighted by exp(cosine / temperature).

    features: [N, D], normalised here. labels: int [N]. k is limited to the number of training rows.
    """
    predicted = knn_predict(train_features, train_labels, test_features, k, temperature)
    return float((predicted == labels_of_rows(test_labels, len(predicted), "test_labels")).mean())


def knn_predict(
    train_features: Array, train_labels: Array, test_features: Array, k: int = 20, temperature: float = 0.07
) -> NDArray[np.int64]:
    """The class predicted for each test row."""
    train, test = unit_rows(train_features, "train_features"), unit_rows(test_features, "test_features")
    classes, numbers = np.unique(labels_of_rows(train_labels, len(train), "train_labels"), return_inverse=True)
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    k = min(k, len(train))
    predicted = []
    for start in range(0, len(test), CHUNK):
        scores = test[start : start + CHUNK] @ train.T  # [b, train rows]
        nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(scores, nearest, axis=1).astype(np.float64)
        votes = np.exp((near - near.max(axis=1, keepdims=True)) / temperature)  # up to a common factor
        tally = np.zeros((len(scores), len(classes)))
        np.add.at(tally, (np.arange(len(scores))[:, None], numbers[nearest]), votes)
        predicted.append(classes[tally.argmax(axis=1)])
    return np.concatenate(predicted) if predicted else np.zeros(0, np.int64)


def probe(subject: Subject) -> ProbeResult:
    """k-NN accuracy."""
    train, test = subject.split
    predicted = knn_predict(train.images, train.labels, test.images)
    return ProbeResult(
        figure_of(predicted == test.labels),
        beside={"chance": {"": 1 / len(set(train.labels))}},
        notes=(f"{len(train):,} training images, k = {min(20, len(train))}, temperature 0.07.",),
        failures=mislabelled(test, predicted),
    )
