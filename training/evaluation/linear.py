"""The linear probe: how much of a class can be read off the features by one linear map?

Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes". Multinomial logistic
regression on standardised features, solved by L-BFGS, its strength of regularisation chosen on a part of the
training rows: the same search for every encoder, whatever the scale of its features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.failures import mislabelled
from training.evaluation.rows import labels_of_rows, rows_of
from training.evaluation.subject import Finding, Subject
from training.models.intervals import figure_of

STRENGTHS = tuple(10.0**power for power in range(-6, 3))  # of the penalty, beside a loss that is a mean
HELD_OUT = 0.2  # of the training rows, to choose the strength on
ITERATIONS = 200
FLAT = 1e-8  # a feature whose deviation is below this share of the largest one says nothing


def linear_accuracy(
    train_features: Any,
    train_labels: Any,
    test_features: Any,
    test_labels: Any,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> float:
    """The share of test rows that a linear map fitted on the training rows gives their class.

    features: [N, D], as they come; standardised here by the training rows. labels: int [N]. strengths: of the
    penalty, tried on a held-out fifth of the training rows; the winner is fitted on all of them.
    """
    probe = fit_linear(train_features, train_labels, strengths, seed)
    predicted = probe.predict(test_features)
    return float((predicted == labels_of_rows(test_labels, len(predicted), "test_labels")).mean())


@dataclass(frozen=True)
class Linear:
    """A fitted linear classifier. weights: [D + 1, K], the last row the bias. strength: the penalty that was chosen."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    classes: NDArray[np.int64]
    strength: float

    def logits(self, features: Any) -> NDArray[np.float64]:
        """[N, K]"""
        return _with_one((rows_of(features) - self.mean) / self.scale) @ self.weights

    def predict(self, features: Any) -> NDArray[np.int64]:
        """The class of each row."""
        return self.classes[self.logits(features).argmax(axis=1)]


def fit_linear(features: Any, labels: Any, strengths: Sequence[float] = STRENGTHS, seed: int = 0) -> Linear:
    """A classifier of rows [N, D] into their labels [N]; with several strengths, the best on a held-out part."""
    rows = rows_of(features).astype(np.float64)
    classes, numbers = np.unique(labels_of_rows(labels, len(rows)), return_inverse=True)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(deviation > FLAT * max(float(np.abs(rows).max()), 1e-300), deviation, np.inf)
    inputs = _with_one((rows - mean) / scale)
    strength = strengths[0]
    if len(strengths) > 1 and len(rows) > len(classes) + 1:
        strength = _best(inputs, numbers, len(classes), sorted(strengths, reverse=True), seed)
    return Linear(mean, scale, _solve(inputs, numbers, len(classes), strength), classes, strength)


def _best(inputs: NDArray, numbers: NDArray, classes: int, strengths: Sequence[float], seed: int) -> float:
    """The strength whose fit on part of the rows is right most often on the others; of equals the stronger."""
    order = np.random.default_rng(seed).permutation(len(inputs))
    held = order[: max(1, int(HELD_OUT * len(order)))]
    rest = order[len(held) :]
    right = []
    weights: NDArray | None = None
    for strength in strengths:  # from strong to weak, each starting where the last one ended
        weights = _solve(inputs[rest], numbers[rest], classes, strength, weights)
        right.append(((inputs[held] @ weights).argmax(axis=1) == numbers[held]).mean())
    return strengths[int(np.argmax(right))]


def _solve(
    inputs: NDArray, numbers: NDArray, classes: int, strength: float, start: NDArray | None = None
) -> NDArray[np.float64]:
    """Weights [D + 1, K] that minimise the mean cross entropy + strength / 2 * |weights without bias|^2."""
    from scipy.optimize import minimize

    rows, width = inputs.shape
    target = np.zeros((rows, classes))
    target[np.arange(rows), numbers] = 1

    def objective(flat: NDArray) -> tuple[float, NDArray]:
        weights = flat.reshape(width, classes)
        logits = inputs @ weights
        logits -= logits.max(axis=1, keepdims=True)
        probabilities = np.exp(logits)
        total = probabilities.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - logits[np.arange(rows), numbers]).mean())
        slope = inputs.T @ (probabilities / total - target) / rows
        slope[:-1] += strength * weights[:-1]
        return loss + strength / 2 * float((weights[:-1] ** 2).sum()), slope.ravel()

    first = np.zeros(width * classes) if start is None else start.ravel()
    found = minimize(objective, first, jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS, "maxfun": 400})
    return found.x.reshape(width, classes)


def _with_one(rows: NDArray) -> NDArray[np.float64]:
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def probe(subject: Subject) -> Finding:
    """The share of images whose class a linear map of the features gives."""
    train, test = subject.split
    fitted = fit_linear(train.images, train.labels, seed=subject.seed)
    predicted = fitted.predict(test.images)
    return Finding(
        figure_of(predicted == test.labels),
        beside={"chance": {"": 1 / len(set(train.labels))}},
        notes=(f"{len(train):,} images to learn from; penalty {fitted.strength:g}, chosen on a fifth of them.",),
        failures=mislabelled(test, predicted),
    )
