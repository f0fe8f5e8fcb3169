"""What comparisons of encoders on the same images share: which images, and differences of the same ones.

Differences are of the same images, so that their intervals are paired: far narrower than those of the encoders
themselves.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from training.models.errors import UserError
from training.models.intervals import LEVEL, Figure, figure_of

MOST = 2000  # images that are searched among
Figures = list[dict[str, Figure]]  # by the name of a metric, of each encoder


def in_all(collections: Sequence[Collection], ids: Iterable[str]) -> list[str]:
    """The images of ids that every collection has, in order; MOST of them drawn where there are more."""
    if len(collections) < 2:
        raise UserError("One collection is nothing to compare with; name two or more.")
    found = sorted(set(ids).intersection(*(one.column("id") for one in collections)))
    if len(found) <= MOST:
        return found
    chosen = np.random.default_rng(0).choice(len(found), MOST, replace=False)
    return [found[i] for i in sorted(chosen)]


def vectors_of(collection: Collection, ids: Sequence[str]) -> NDArray[np.float32]:
    """The embeddings of images by their ids: [N, D]."""
    row_of = dict(zip(collection.column("id"), range(len(collection)), strict=True))
    return np.asarray(collection.vectors[[row_of[id] for id in ids]], np.float32)


def paired_figures(values: Sequence[dict[str, NDArray[np.float64]]]) -> tuple[Figures, Figures]:
    """The figures of each encoder and their differences from the first. values: [N] of each metric, by encoder."""
    first = values[0]
    figures = [{name: figure_of(array) for name, array in of.items()} for of in values]
    return figures, [{name: difference_of(array - first[name]) for name, array in of.items()} for of in values]


def difference_of(values: NDArray[np.float64]) -> Figure:
    """The mean of differences of the same images, within -1 to 1, with its interval.

    Where all are equal, resampling says nothing: n images without a difference leave room for a share of images with
    one, either way, as Clopper and Pearson bound it.
    """
    if not (values == values[0]).all():
        return figure_of(values)
    far = 1 - ((1 - LEVEL) / 2) ** (1 / len(values))
    mean = float(values[0])
    return Figure(value=mean, low=max(-1.0, mean - far), high=min(1.0, mean + far), n=len(values))
