"""k-nearest neighbours: do images of one class lie beside each other, with nothing trained on top?

Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", section 3.4.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.failures import mislabelled
from training.evaluation.rows import labels_of_rows, unit_rows
from training.evaluation.subject import Finding, Subject
from training.models.intervals import figure_of

AT_ONCE = 512  # queries whose scores are held at once


def knn_accuracy(
    train_features: Any,
    train_labels: Any,
    test_features: Any,
    test_labels: Any,
    k: int = 20,
    temperature: float = 0.07,
) -> float:
    """The share of test rows whose class is that of their k nearest training rows, each with exp(cosine / temperature)
    votes.

    features: [N, D], normalised here. labels: int [N]. k beyond the number of training rows means all of them.
    """
    predicted = knn_predict(train_features, train_labels, test_features, k, temperature)
    return float((predicted == labels_of_rows(test_labels, len(predicted), "test_labels")).mean())


def knn_predict(
    train_features: Any, train_labels: Any, test_features: Any, k: int = 20, temperature: float = 0.07
) -> NDArray[np.int64]:
    """The class that the nearest training rows vote for, [test rows]."""
    train, test = unit_rows(train_features, "train_features"), unit_rows(test_features, "test_features")
    classes, numbers = np.unique(labels_of_rows(train_labels, len(train), "train_labels"), return_inverse=True)
    if k < 1:
        raise ValueError(f"k is {k}; at least one neighbour is asked")
    k = min(k, len(train))
    predicted = []
    for start in range(0, len(test), AT_ONCE):
        scores = test[start : start + AT_ONCE] @ train.T  # [b, train rows]
        nearest = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(scores, nearest, axis=1).astype(np.float64)
        votes = np.exp((near - near.max(axis=1, keepdims=True)) / temperature)  # the factor that is left out is common
        tally = np.zeros((len(scores), len(classes)))
        np.add.at(tally, (np.arange(len(scores))[:, None], numbers[nearest]), votes)
        predicted.append(classes[tally.argmax(axis=1)])
    return np.concatenate(predicted) if predicted else np.zeros(0, np.int64)


def probe(subject: Subject) -> Finding:
    """The share of images whose class their nearest neighbours have."""
    train, test = subject.split
    predicted = knn_predict(train.images, train.labels, test.images)
    return Finding(
        figure_of(predicted == test.labels),
        beside={"chance": {"": 1 / len(set(train.labels))}},
        notes=(f"{len(train):,} images to learn from, k = {min(20, len(train))}, temperature 0.07.",),
        failures=mislabelled(test, predicted),
    )
