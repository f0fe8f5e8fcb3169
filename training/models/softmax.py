"""Logits to probabilities."""

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.floating]:
    """[N, K] logits, divided by temperature, to probabilities of the same precision: rows that sum to 1."""
    import scipy.special  # takes a third of a second, which the start of the page need not wait for

    probabilities: NDArray[np.floating] = scipy.special.softmax(logits / logits.dtype.type(temperature), axis=1)
    return probabilities
