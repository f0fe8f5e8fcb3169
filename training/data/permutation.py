"""A keyed permutation, computed for any of its positions without a table."""

import numpy as np
from numpy.typing import NDArray

from training.data.keyed import GOLDEN, mix

ROUNDS = 6  # of the Feistel network; four are sufficient for pseudorandomness (Luby and Rackoff 1988)


def permuted(positions: NDArray[np.int64], size: int, key: NDArray[np.uint64] | int) -> NDArray[np.int64]:
    """A keyed permutation of 0..size-1, applied to positions [P]; key: one for all, or [P].

    A Feistel network over the smallest sufficient power of four, with cycle walking (Black and Rogaway 2002). It needs
    no table of the permutation.
    """
    half = np.uint64(max(1, (max(size - 1, 1).bit_length() + 1) // 2))
    low = (np.uint64(1) << half) - np.uint64(1)
    keys = np.broadcast_to(np.asarray(key, np.uint64), np.shape(positions))
    with np.errstate(over="ignore"):
        rounds = [mix(keys + np.uint64(r + 1) * GOLDEN) for r in range(ROUNDS)]
    values = np.asarray(positions).astype(np.uint64)
    outside = np.ones(values.shape, bool)
    while outside.any():
        left, right = values[outside] >> half, values[outside] & low
        for of_round in rounds:
            left, right = right, left ^ (mix(right ^ of_round[outside]) & low)
        values[outside] = (left << half) | right
        outside = values >= np.uint64(size)
    return values.astype(np.int64)
