"""Conversion and checks of embeddings, which probes accept as numpy arrays or torch tensors."""

from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Array: TypeAlias = Union[npt.ArrayLike, "torch.Tensor"]  # what measures accept

TIE = 1e-6  # cosines that differ by less are tied: the rounding error of float32 encoders is smaller


def rows_of(features: Array, name: str = "features") -> NDArray[np.floating]:
    """Features as [N, D]; float64 stays float64, other types become float32.

    ValueError for another shape, and for values that are not finite.
    """
    array = as_numpy(features)
    array = array.astype(np.float64 if array.dtype == np.float64 else np.float32, copy=False)
    if array.ndim != 2:
        raise ValueError(f"{name} has the shape {array.shape}; it must be [rows, width]")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds values that are not finite numbers")
    return array


def unit_rows(features: Array, name: str = "features") -> NDArray[np.floating]:
    """rows_of, L2-normalised in float64 and returned in their own precision; zero rows stay zero."""
    array = rows_of(features, name)
    exact = array.astype(np.float64)
    exact /= np.maximum(np.linalg.norm(exact, axis=1, keepdims=True), 1e-12)
    return exact.astype(array.dtype)


def nearest(units: NDArray[np.floating], row: int, count: int) -> list[int]:
    """The rows with the largest cosine to one row, the nearest first, without itself. units: unit rows."""
    order = np.argsort(-(units @ units[row]), kind="stable")
    return [int(other) for other in order if other != row][:count]


def exact_unit_rows(features: Array, name: str = "features") -> NDArray[np.float64]:
    """unit_rows in float64, for comparisons that must detect ties."""
    return unit_rows(rows_of(features, name).astype(np.float64), name).astype(np.float64)


def labels_of_rows(labels: Array, count: int, name: str = "labels") -> NDArray[np.int64]:
    """Labels as int64 [count]. ValueError for another number."""
    array = as_numpy(labels)
    if array.shape != (count,):
        raise ValueError(f"{name} has the shape {array.shape}; there are {count} rows")
    return array.astype(np.int64)


def as_numpy(values: Array) -> NDArray[Any]:
    """A numpy array, also from a tensor on any device and of any type, such as bfloat16."""
    if not isinstance(values, np.ndarray) and hasattr(values, "detach"):  # a tensor, without importing torch
        tensor: Any = values.detach().cpu()
        if tensor.is_floating_point() and tensor.dtype.itemsize != 8:
            tensor = tensor.float()
        return tensor.numpy()
    return np.asarray(values)
