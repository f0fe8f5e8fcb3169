"""95 % intervals of measured figures: the bootstrap over items, Student's t over seeds, Wilson's for shares.

Bootstrap (Efron 1979, "Bootstrap Methods"): percentile intervals, the same for the same items each time.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

REPLICATES = 1000
LEVEL = 0.95
NORMAL = 1.959963984540054  # the standard normal distribution's quantile at (1 + LEVEL) / 2
CHUNK = 1 << 22  # random draws held at once


class Figure(TypedDict):
    """A measured number. low, high: its 95 % interval over items. n: how many items it is the mean of."""

    value: float
    low: float
    high: float
    n: int


def figure_of(values: ArrayLike, seed: int = 0) -> Figure:
    """The mean of one value an item, with its interval.

    Where all items of a share agree (0 of n, or n of n) resampling them says nothing, and the interval is
    Clopper and Pearson's: 0 of 30 is consistent with a share of up to 12 %.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"a figure is the mean of at least one value, not of {array.shape}")
    mean, n = float(array.mean()), len(array)
    if (array == array[0]).all():
        far = ((1 - LEVEL) / 2) ** (1 / n)
        low, high = {0.0: (0.0, 1 - far), 1.0: (far, 1.0)}.get(mean, (mean, mean))
        return Figure(value=mean, low=low, high=high, n=n)
    return _figure(mean, resampled_means(array, seed), n)


def resampled_means(values: NDArray[np.float64], seed: int = 0) -> NDArray[np.float64]:
    """Means of REPLICATES resamples of values [n], or of the rows of [n, m]: [REPLICATES] or [REPLICATES, m]."""
    rng = np.random.default_rng(seed)
    n = len(values)
    at_once = max(1, CHUNK // n)
    parts = []
    for start in range(0, REPLICATES, at_once):
        drawn = rng.integers(0, n, (min(at_once, REPLICATES - start), n))
        parts.append(np.stack([values[row].mean(axis=0) for row in drawn]))
    return np.concatenate(parts)


def figure_of_statistic(
    statistic: Callable[[NDArray[np.float64]], float], n: int, replicates: int = 200, seed: int = 0
) -> Figure:
    """A figure that is no mean. statistic: of how often each of n items counts, [n] (all ones: the figure itself).

    A resample repeats items, which biases what depends on their variety; its spread is laid around the
    figure itself, so that the bias does not move the interval.
    """
    value = statistic(np.ones(n))
    rng = np.random.default_rng(seed)
    drawn = np.array([statistic(rng.multinomial(n, np.full(n, 1 / n)).astype(float)) for _ in range(replicates)])
    return _figure(value, value + drawn - drawn.mean(), n)


def student_interval(values: Sequence[float]) -> tuple[float, float]:
    """Student's 95 % interval of the mean of values, for example one a seed; without bounds for fewer than two."""
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return -math.inf, math.inf
    mean = float(np.mean(values))
    half = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return mean - half, mean + half


def wilson_figure(hits: int, n: int) -> Figure:
    """The share hits / n with Wilson's 95 % score interval, sensible where hits are few, none or all too.

    By the formula, since a confusion matrix of a thousand classes needs two thousand, and scipy's takes a millisecond.
    """
    z2 = NORMAL**2
    share = hits / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return Figure(value=share, low=max(0.0, middle - half), high=min(1.0, middle + half), n=n)


def _figure(value: float, drawn: NDArray[np.float64], n: int) -> Figure:
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Figure(value=float(value), low=float(low), high=float(high), n=n)
