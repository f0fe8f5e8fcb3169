"""Calibrated probabilities: of the images that are labelled with a probability of 80 %, four fifths should be right.

Temperature scaling (Guo and others, ICML 2017) divides the logits by one number that is fitted on images with a
known label; it never changes which class comes first. Platt scaling (1999) fits a logistic curve to yes and no.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.intervals import Figure, wilson_figure
from training.models.softmax import softmax

LEAST_LABELS = 20  # below, a fitted temperature says more about chance than about the encoder
MOST_LABELS = 5000  # more change the third digit only
BINS = 10
FOLDS = 5
LOWEST, HIGHEST = 0.01, 100.0  # a temperature beyond means that labels and logits have nothing in common


def logistic(scores: NDArray[np.floating], slope: float = 1.0, offset: float = 0.0) -> NDArray[np.floating]:
    """1 / (1 + exp(-(slope * scores + offset))), in the precision of scores."""
    import scipy.special  # takes a third of a second, which the start of the page need not wait for

    probabilities: NDArray[np.floating] = scipy.special.expit(slope * scores + offset)
    return probabilities


def negative_log_likelihood(logits: NDArray[np.floating], truth: NDArray[np.int64], temperature: float = 1.0) -> float:
    """Mean over images [N, K] of minus the log probability of the true classes [N], in nats."""
    from scipy.special import log_softmax

    scaled = np.asarray(logits, np.float64) / temperature
    return float(-log_softmax(scaled, axis=1)[np.arange(len(truth)), truth].mean())


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """The temperature of the least negative log likelihood of the true classes [N], between LOWEST and HIGHEST.

    The likelihood is unimodal in the temperature's logarithm, over which the minimum is searched.
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda x: negative_log_likelihood(logits, truth, float(np.exp(x))),
        bounds=(np.log(LOWEST), np.log(HIGHEST)),
        method="bounded",
        options={"xatol": 1e-5},
    )
    return float(np.exp(found.x))


def fit_platt(scores: NDArray[np.floating], yes: NDArray[np.bool_]) -> tuple[float, float]:
    """slope and offset of a logistic curve from scores [N] to yes [N] (Platt 1999).

    The targets are drawn in a little, as Platt does, so that perfectly separated scores keep a finite slope.
    """
    from scipy.optimize import minimize

    positive, negative = int(yes.sum()), int((~yes).sum())
    target = np.where(yes, (positive + 1) / (positive + 2), 1 / (negative + 2))
    x = np.stack([np.asarray(scores, np.float64), np.ones(len(yes))], axis=1)

    def loss(beta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = x @ beta
        return float((np.logaddexp(0, z) - target * z).mean()), x.T @ (logistic(z) - target) / len(x)

    start = np.array([0.0, np.log((positive + 1) / (negative + 1))])
    found = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-9})
    return float(found.x[0]), float(found.x[1])


def folds(n: int) -> NDArray[np.int64]:
    """Which of FOLDS folds each of n images belongs to, drawn at random."""
    return np.random.default_rng(0).permutation(n) % FOLDS


def held_out(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> NDArray[np.floating]:
    """Calibrated probabilities [N, K] of images that their temperature was not fitted on."""
    part = folds(len(truth))
    probabilities = np.zeros_like(logits)
    for fold in range(FOLDS):
        away = part == fold
        if away.any():
            probabilities[away] = softmax(logits[away], fit_temperature(logits[~away], truth[~away]))
    return probabilities


@dataclass(frozen=True)
class Reliability:
    """How often labels are right at each level of confidence.

    error: the expected calibration error, the mean gap between confidence and accuracy over images.
    bins: from, to, confidence and accuracy with its interval, of the bins with images.
    """

    error: float
    n: int
    bins: list[dict[str, Any]]


def reliability(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> Reliability:
    """Of labels given with confidence [N] that were right or not [N], in BINS bins of equal width."""
    confidence = np.asarray(confidence, np.float64)
    at = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins, gap = [], 0.0
    for b in range(BINS):
        here = at == b
        n = int(here.sum())
        if not n:
            continue
        mean, hits = float(confidence[here].mean()), int(right[here].sum())
        gap += n * abs(mean - hits / n)
        bins.append({"from": b / BINS, "to": (b + 1) / BINS, "confidence": mean, "accuracy": wilson_figure(hits, n)})
    return Reliability(gap / max(1, len(confidence)), len(confidence), bins)


@dataclass(frozen=True)
class ClassCalibration:
    """Of images labelled as one class: their mean probability of it, and how many of them are of it."""

    answer: int
    probability: float
    accuracy: Figure


def class_calibrations(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], yes: bool
) -> list[ClassCalibration]:
    """The classes that at least LEAST_LABELS images with a known label [N] were labelled as; below, nothing is said.

    probabilities: [N, K]. yes: whether each class is judged by itself, so that an image may be labelled as several.
    """
    labelled = probabilities > 0.5 if yes else np.eye(probabilities.shape[1], dtype=bool)[probabilities.argmax(axis=1)]
    found = []
    for k in np.flatnonzero(labelled.sum(axis=0) >= LEAST_LABELS).tolist():
        here = labelled[:, k]
        right = wilson_figure(int((truth[here] == k).sum()), int(here.sum()))
        found.append(ClassCalibration(k, float(probabilities[here, k].mean()), right))
    return found
