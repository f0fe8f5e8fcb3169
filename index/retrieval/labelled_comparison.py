"""Encoders on the same labelled images: each image searches among the others, and those with its label are right.

No class names and no text are needed, so image-only encoders take part.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.labels.ground_truth import read_labels
from index.retrieval.paired import Figures, difference_of, in_all, paired_figures, vectors_of
from index.storage.corrections import read_corrections
from training.models.errors import UserError
from training.models.intervals import Figure, figure_of

CORRECTIONS = "corrections"  # what a person said, in place of a column
NEIGHBOURS, TEMPERATURE = 20, 0.07  # of the vote: Wu et al. 2018
CHUNK = 256  # images whose ranking is in memory at a time
METRICS = ("accuracy", "recall@1", "recall@10", "mAP")


@dataclass(frozen=True)
class ClassComparison:
    """The mAP of one class by each encoder, and of each the difference from the first."""

    name: str
    images: int
    figures: list[Figure]
    differences: list[Figure]


@dataclass(frozen=True)
class LabelledComparison:
    """METRICS of each encoder, and their paired differences from the first. by_class: the largest change first."""

    source: str
    images: int
    figures: Figures
    differences: Figures
    by_class: list[ClassComparison]


def label_sources(collection: Collection) -> list[str]:
    """The columns with labels that several images share, and CORRECTIONS where there are such."""
    names = [
        name
        for name in collection.columns
        if (values := collection.column(name)).dtype == object or pd.api.types.is_string_dtype(values)
        if len(_shared(labels_of(collection, name))) >= 2
    ]
    return [*names, *([CORRECTIONS] if len(_shared(labels_of(collection, CORRECTIONS))) >= 2 else [])]


def labels_of(collection: Collection, source: str) -> dict[str, str]:
    """The label of each image, by its id. source: a column, a CSV file of paths and labels, or CORRECTIONS."""
    if source == CORRECTIONS:
        return {id: label for id, label in read_corrections(collection.path).items() if label}
    labels = read_labels(collection, source)
    known = labels.notna() & (labels != "")
    return dict(zip(collection.column("id")[known], labels[known], strict=True))


def compare_by_labels(
    collections: Sequence[Collection],
    source: str,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> LabelledComparison:
    """The figures of two or more collections of the same images, each embedded by an encoder of its own.

    source: see labels_of, of the first collection. progress is called with the searches that are done and their total,
    one an image and encoder. UserError where fewer than two labels are shared by images that all have.
    """
    labels = labels_of(collections[0], source)
    several = _shared(labels)
    ids = in_all(collections, (id for id, label in labels.items() if label in several))
    shared = _shared({id: labels[id] for id in ids})
    if len(shared) < 2:
        raise UserError(
            f"{source} gives no two labels that several images of all these collections share; choose another column."
        )
    ids = [id for id in ids if labels[id] in shared]
    names, numbers = np.unique([labels[id] for id in ids], return_inverse=True)
    found: list[dict[str, NDArray[np.float64]]] = []

    def report(done: int) -> None:
        progress(len(found) * len(ids) + done, len(collections) * len(ids))

    for one in collections:
        found.append(per_image(vectors_of(one, ids), numbers, report))
    by_class = _by_class([of["mAP"] for of in found], names.tolist(), numbers)
    return LabelledComparison(source, len(ids), *paired_figures(found), by_class)


def per_image(
    vectors: NDArray[np.float32], labels: NDArray[np.intp], progress: Callable[[int], object] = lambda done: None
) -> dict[str, NDArray[np.float64]]:
    """METRICS of each image as a query among the others: [N] each. vectors: unit rows [N, D]. labels: int [N].

    progress is called with the queries that are done.
    """
    parts = []
    for start in range(0, len(vectors), CHUNK):
        progress(start)
        parts.append(_ranked(vectors, labels, start))
    progress(len(vectors))
    return {name: np.concatenate([part[name] for part in parts]) for name in METRICS}


def _ranked(vectors: NDArray[np.float32], labels: NDArray[np.intp], start: int) -> dict[str, NDArray[np.float64]]:
    """METRICS of the images from start on, of a CHUNK."""
    scores = vectors[start : start + CHUNK] @ vectors.T
    count = len(scores)
    scores[np.arange(count), start + np.arange(count)] = -np.inf  # an image is no result of itself
    order = np.argsort(-scores, axis=1, kind="stable")[:, :-1]
    right = labels[order] == labels[start : start + count, None]
    places = np.arange(1, right.shape[1] + 1)
    precision = np.cumsum(right, axis=1) / places
    near = order[:, :NEIGHBOURS]
    votes = np.exp((np.take_along_axis(scores, near, axis=1) - 1) / TEMPERATURE)
    tally = np.zeros((count, int(labels.max()) + 1))
    np.add.at(tally, (np.arange(count)[:, None], labels[near]), votes)
    return {
        "accuracy": (tally.argmax(axis=1) == labels[start : start + count]).astype(float),
        "recall@1": right[:, :1].any(axis=1).astype(float),
        "recall@10": right[:, :10].any(axis=1).astype(float),
        "mAP": (precision * right).sum(axis=1) / right.sum(axis=1),
    }


def _by_class(found: list[NDArray[np.float64]], names: list[str], numbers: NDArray[np.intp]) -> list[ClassComparison]:
    classes = []
    for number, name in enumerate(names):
        of_class = [values[numbers == number] for values in found]
        figures = [figure_of(values) for values in of_class]
        differences = [difference_of(values - of_class[0]) for values in of_class]
        classes.append(ClassComparison(name, len(of_class[0]), figures, differences))
    return sorted(classes, key=lambda one: -max(abs(figure["value"]) for figure in one.differences))


def _shared(labels: dict[str, str]) -> set[str]:
    """The labels that more than one image has."""
    return {label for label, count in Counter(labels.values()).items() if count > 1}
