"""Probabilities that mean what they say: of what is called 80 % sure, four fifths should be right.

One number, a temperature that the logits are divided by, is fitted on images whose label is known
(Guo and others, ICML 2017). It never changes which class comes first.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.models.intervals import wilson_figure

LEAST_LABELS = 20  # below, a fitted temperature says more about chance than about the encoder
MOST_LABELS = 5000  # more change the third digit only
BINS = 10
FOLDS = 5
COLDEST, HOTTEST = 0.01, 100.0  # a temperature beyond means that labels and logits have nothing in common


def softmax(logits: NDArray, temperature: float = 1.0) -> NDArray[np.float32]:
    """[N, K] logits to probabilities, rows that sum to 1."""
    scaled = np.asarray(logits, np.float32) / np.float32(temperature)
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def surprise(logits: NDArray, truth: NDArray[np.int64], temperature: float) -> float:
    """Mean negative log likelihood of the true classes [N], in nats."""
    scaled = np.asarray(logits, np.float64) / temperature
    top = scaled.max(axis=1)
    log_sum = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float((log_sum - scaled[np.arange(len(truth)), truth]).mean())


def fit_temperature(logits: NDArray, truth: NDArray[np.int64]) -> float:
    """The temperature under which the true classes [N] surprise least, between COLDEST and HOTTEST.

    The surprise is convex in one over the temperature, so a golden section over its logarithm finds the least.
    """
    low, high = np.log(COLDEST), np.log(HOTTEST)
    shrink = (5**0.5 - 1) / 2
    left, right = high - shrink * (high - low), low + shrink * (high - low)
    at_left, at_right = (surprise(logits, truth, float(np.exp(x))) for x in (left, right))
    while high - low > 1e-3:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - shrink * (high - low)
            at_left = surprise(logits, truth, float(np.exp(left)))
        else:
            low, left, at_left = left, right, at_right
            right = low + shrink * (high - low)
            at_right = surprise(logits, truth, float(np.exp(right)))
    return float(np.exp((low + high) / 2))


def fit_yes(strengths: NDArray, yes: NDArray[np.bool_]) -> tuple[float, float]:
    """slope and offset of a logistic curve from strengths [N] to yes [N] (Platt 1999), by Newton's steps.

    The targets are drawn in a little, as Platt does, so that perfectly parted answers keep a finite slope.
    """
    positive, negative = int(yes.sum()), int((~yes).sum())
    target = np.where(yes, (positive + 1) / (positive + 2), 1 / (negative + 2))
    x = np.stack([np.asarray(strengths, np.float64), np.ones(len(yes))], axis=1)
    beta = np.array([0.0, np.log((positive + 1) / (negative + 1))])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (p - target)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        beta = beta - step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    return float(beta[0]), float(beta[1])


def folds(n: int, seed: int = 0) -> NDArray[np.int64]:
    """Which of FOLDS parts each of n things belongs to, drawn by chance."""
    return np.random.default_rng(seed).permutation(n) % FOLDS


def held_out(logits: NDArray, truth: NDArray[np.int64]) -> NDArray[np.float32]:
    """Calibrated probabilities [N, K] of images that their temperature was not fitted on."""
    part = folds(len(truth))
    probabilities = np.zeros(logits.shape, np.float32)
    for fold in range(FOLDS):
        away = part == fold
        if away.any():
            probabilities[away] = softmax(logits[away], fit_temperature(logits[~away], truth[~away]))
    return probabilities


@dataclass(frozen=True)
class Reliability:
    """How often answers are right at each height of confidence.

    error: the expected calibration error, the mean gap between confidence and accuracy over images.
    bins: low, high, n, confidence, accuracy and its interval, of the bins with images.
    """

    error: float
    n: int
    bins: list[dict[str, Any]]


def reliability(confidence: NDArray, right: NDArray[np.bool_]) -> Reliability:
    """Of answers given with confidence [N] that were right or not [N], in BINS bins of equal width."""
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
        bins.append({"from": b / BINS, "to": (b + 1) / BINS, "confidence": mean, "accuracy": share(hits, n)})
    return Reliability(gap / max(1, len(confidence)), len(confidence), bins)


def share(hits: int, n: int) -> dict[str, Any]:
    """value, low, high and n: hits of n with Wilson's 95 % interval."""
    return {**wilson_figure(hits, n)}
