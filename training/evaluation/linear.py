"""Linear probe: accuracy of a linear classifier on the features.

Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes". Multinomial logistic
regression on standardised features, solved by L-BFGS. The regularisation strength is chosen on a part of the training
rows, with the same search for every encoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.failures import mislabelled
from training.evaluation.rows import Array, labels_of_rows, rows_of
from training.evaluation.subject import ProbeResult, Subject
from training.models.intervals import figure_of

STRENGTHS = tuple(10.0**power for power in range(-6, 3))  # of the penalty; the loss is a mean over rows
HELD_OUT = 0.2  # fraction of the training rows on which the strength is chosen
ITERATIONS = 200
FLAT = 1e-8  # features whose deviation is below this fraction of the largest value are ignored


def linear_accuracy(
    train_features: Array,
    train_labels: Array,
    test_features: Array,
    test_labels: Array,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> float:
    """Test accuracy of a linear classifier fitted on the training rows.

    features: [N, D], standardised here with the statistics of the training rows. labels: int [N]. strengths: of the
    penalty, compared on a held-out fifth of the training rows; the best one is fitted on all of them.
    """
    probe = fit_linear(train_features, train_labels, strengths, seed)
    predicted = probe.predict(test_features)
    return float((predicted == labels_of_rows(test_labels, len(predicted), "test_labels")).mean())


@dataclass(frozen=True)
class Linear:
    """A fitted linear classifier. weights: [D + 1, K], the last row is the bias. strength: of the chosen penalty."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    classes: NDArray[np.int64]
    strength: float

    def logits(self, features: Array) -> NDArray[np.float64]:
        """Logits [N, K]."""
        return _with_bias((rows_of(features) - self.mean) / self.scale) @ self.weights

    def predict(self, features: Array) -> NDArray[np.int64]:
        """The predicted class of each row."""
        return self.classes[self.logits(features).argmax(axis=1)]


def fit_linear(features: Array, labels: Array, strengths: Sequence[float] = STRENGTHS, seed: int = 0) -> Linear:
    """Fit a classifier of rows [N, D]; of several strengths, use the best on a held-out part."""
    rows = rows_of(features).astype(np.float64)
    classes, numbers = np.unique(labels_of_rows(labels, len(rows)), return_inverse=True)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    scale = np.where(deviation > FLAT * max(float(np.abs(rows).max()), 1e-300), deviation, np.inf)
    inputs = _with_bias((rows - mean) / scale)
    strength = strengths[0]
    if len(strengths) > 1 and len(rows) > len(classes) + 1:
        strength = _best(inputs, numbers, len(classes), sorted(strengths, reverse=True), seed)
    return Linear(mean, scale, _solve(inputs, numbers, len(classes), strength), classes, strength)


def _best(
    inputs: NDArray[np.float64], numbers: NDArray[np.int64], classes: int, strengths: Sequence[float], seed: int
) -> float:
    """The strength with the highest accuracy on held-out rows; of equal ones the strongest."""
    order = np.random.default_rng(seed).permutation(len(inputs))
    held = order[: max(1, int(HELD_OUT * len(order)))]
    rest = order[len(held) :]
    accuracy = []
    weights: NDArray[np.float64] | None = None
    for strength in strengths:  # from strong to weak, each initialised with the previous solution
        weights = _solve(inputs[rest], numbers[rest], classes, strength, weights)
        accuracy.append(((inputs[held] @ weights).argmax(axis=1) == numbers[held]).mean())
    return strengths[int(np.argmax(accuracy))]


def _solve(
    inputs: NDArray[np.float64],
    numbers: NDArray[np.int64],
    classes: int,
    strength: float,
    start: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Weights [D + 1, K] that minimise the mean cross entropy + strength / 2 * |weights without bias|^2."""
    from scipy.optimize import minimize

    rows, width = inputs.shape
    target = np.zeros((rows, classes))
    target[np.arange(rows), numbers] = 1

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
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


def _with_bias(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1)


def probe(subject: Subject) -> ProbeResult:
    """Accuracy of a linear probe."""
    train, test = subject.split
    fitted = fit_linear(train.images, train.labels, seed=subject.seed)
    predicted = fitted.predict(test.images)
    return ProbeResult(
        figure_of(predicted == test.labels),
        beside={"chance": {"": 1 / len(set(train.labels))}},
        notes=(f"{len(train):,} training images; penalty {fitted.strength:g}, chosen on a fifth of them.",),
        failures=mislabelled(test, predicted),
    )
