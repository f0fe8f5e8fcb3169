"""Embeddings as the probes take them: rows of any library's array, checked."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

TIE = 1e-6  # a cosine that is greater by less has not won: rounding of float32 towers stays below


def rows_of(features: Any, name: str = "features") -> NDArray[np.floating]:
    """features as [N, D]: numpy or torch, on any device; float64 stays, everything else becomes float32.

    ValueError if it is not a matrix, or holds something that is not a number.
    """
    if hasattr(features, "detach"):  # a tensor, without importing torch to ask
        features = features.detach().cpu()
        features = (features.double() if features.dtype.itemsize == 8 else features.float()).numpy()
    array = np.asarray(features)
    array = array.astype(np.float64 if array.dtype == np.float64 else np.float32, copy=False)
    if array.ndim != 2:
        raise ValueError(f"{name} has the shape {array.shape}; it must be [rows, width]")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite numbers")
    return array


def unit_rows(features: Any, name: str = "features") -> NDArray[np.floating]:
    """rows_of, scaled to length one in float64 and handed back in their own precision; zeros stay zero."""
    array = rows_of(features, name)
    exact = array.astype(np.float64)
    exact /= np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12)
    return exact.astype(array.dtype)


def exact_unit_rows(features: Any, name: str = "features") -> NDArray[np.float64]:
    """unit_rows in float64, where a tie must be seen as one."""
    return unit_rows(rows_of(features, name).astype(np.float64), name).astype(np.float64)


def labels_of_rows(labels: Any, count: int, name: str = "labels") -> NDArray[np.int64]:
    """labels as int64 [count]. ValueError if there are more or fewer."""
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    array = np.asarray(labels)
    if array.shape != (count,):
        raise ValueError(f"{name} has the shape {array.shape}; there are {count} rows")
    return array.astype(np.int64)
