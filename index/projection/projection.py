"""A flat image of a collection: each image's place on a map, and how far the map can be trusted.

    map-pca.npz, map-umap.npz    beside the segments: places, and the revision they belong to; replaced atomically

PCA is worked out at once from vectors read segment by segment, in memory that does not grow with their
number; that of a large collection is stored: two seconds' work for 100,000 images. UMAP (McInnes et al. 2018)
takes minutes and a package of its own; `python -m index.projection.projection DIR` works it out in a
process of its own, so that a page stays quick meanwhile, and keeps it beside the collection.
"""

import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import faiss
import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from training.models.atomic import write_file
from training.models.errors import UserError

PCA_KEPT_FROM = 10_000  # images: the PCA of fewer takes no longer than reading it
SAMPLE = 20_000  # images that the axes of a large collection are found from; their variance is measured on all
CHUNK = 8192  # rows in memory at a time
NEIGHBOURS = 10  # of an image, compared between the map and the embeddings
NEIGHBOUR_QUERIES, NEIGHBOUR_CANDIDATES = 200, 10_000  # how many images' neighbours, among how many
UMAP_NEIGHBOURS = 15
UMAP_LEAST = 16  # images: fewer have no neighbourhoods to keep

Points = NDArray[np.float32]  # [N, 2], within -1..1, both axes to one scale


@dataclass(frozen=True)
class Projection:
    """Where every image lies. explained: the share of the variance on each axis (PCA only).

    preserved: share of an image's 10 nearest neighbours by embedding that are among its 10 nearest on the map, 0..1.
    """

    method: str
    points: Points
    explained: tuple[float, float] | None
    preserved: float | None


def pca(parts: Sequence[NDArray[np.floating]], dim: int) -> Projection:
    """Rows of unit length, in parts [n, dim], on the two axes along which they differ most.

    The sign of an axis is fixed by its largest weight, so that the same rows give the same map.
    """
    mean, axes = _axes(parts, dim)
    flat, total = [], 0.0
    for rows in _chunks(parts):
        centred = rows - mean
        total += float(np.einsum("ij,ij->", centred, centred, dtype=np.float64))
        flat.append(centred @ axes)
    points = np.concatenate(flat) if flat else np.zeros((0, 2), np.float32)
    on_axes = np.square(points, dtype=np.float64).sum(axis=0) / max(total, 1e-12)
    explained = (float(on_axes[0]), float(on_axes[1]))
    return Projection("pca", _fitted(points), explained, neighbours_preserved(parts, points))


def _axes(parts: Sequence[NDArray[np.floating]], dim: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean [dim] of all rows and the two directions [dim, 2] of most variance in an even sample of them."""
    count = sum(len(part) for part in parts)
    mean = np.zeros(dim, np.float64)
    for rows in _chunks(parts):
        mean += rows.sum(axis=0, dtype=np.float64)
    centre = (mean / max(count, 1)).astype(np.float32)
    rows = np.concatenate([np.zeros((0, dim), np.float32), *_chunks(parts, sample(count, SAMPLE))])
    return centre, principal_axes(rows, 2).T


def principal_axes(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """[count, dim]: the orthonormal directions of most variance in rows [N, dim], most first.

    The largest weight of each is positive. Directions that there are not are zero.
    """
    dim = rows.shape[1]
    axes = np.zeros((count, dim), np.float32)
    found = min(count, dim)
    if len(rows) > 1:
        pca_matrix = faiss.PCAMatrix(dim, found)
        pca_matrix.train(np.ascontiguousarray(rows))
        axes[:found] = faiss.vector_to_array(pca_matrix.A).reshape(-1, dim)[:found]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return axes * np.where(largest < 0, -1, 1).astype(np.float32)


def sample(count: int, most: int, seed: int = 0) -> NDArray[np.intp]:
    """At most `most` of `count` rows, in order, the same ones every time."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def _chunks(
    parts: Sequence[NDArray[np.floating]], chosen: NDArray[np.intp] | None = None
) -> Iterable[NDArray[np.float32]]:
    """Rows as float32, at most CHUNK at a time; only the chosen ones (in order) if they are given."""
    start = 0
    for part in parts:
        if chosen is None:
            for i in range(0, len(part), CHUNK):
                yield np.asarray(part[i : i + CHUNK], np.float32)
        else:
            here = chosen[(chosen >= start) & (chosen < start + len(part))] - start
            for i in range(0, len(here), CHUNK):
                yield np.asarray(part[here[i : i + CHUNK]], np.float32)
        start += len(part)


def _fitted(points: NDArray[np.floating]) -> Points:
    """Centred and scaled to -1..1 by one factor: what is far stays far."""
    if not len(points):
        return np.zeros((0, 2), np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    half = max(float((high - low).max()) / 2, 1e-9)
    return ((points - (low + high) / 2) / half).astype(np.float32)


def neighbours_preserved(parts: Sequence[NDArray[np.floating]], points: NDArray[np.floating]) -> float | None:
    """The mean share of nearest neighbours that a map preserves, by a sample; None for too few images to say."""
    if len(points) <= 2 * NEIGHBOURS:
        return None
    chosen = sample(len(points), NEIGHBOUR_CANDIDATES)
    full = np.concatenate(list(_chunks(parts, chosen)))
    flat = points[chosen].astype(np.float64)
    queries = np.random.default_rng(1).permutation(len(chosen))[:NEIGHBOUR_QUERIES]
    shares = []
    likeness = full[queries] @ full.T
    for i, row in zip(queries, likeness, strict=True):
        row[i] = -np.inf
        near = np.argpartition(-row, NEIGHBOURS)[:NEIGHBOURS]
        distance = np.square(flat - flat[i]).sum(axis=1)
        distance[i] = np.inf
        shares.append(len(np.intersect1d(near, np.argpartition(distance, NEIGHBOURS)[:NEIGHBOURS])) / NEIGHBOURS)
    return float(np.mean(shares))


def has_umap() -> bool:
    return find_spec("umap") is not None


def map_file(collection: Collection, method: str) -> Path:
    return collection.home / f"map-{method}.npz"


def load_map(collection: Collection, method: str) -> Projection | None:
    """The map stored beside the collection, or None if there is none of this very revision."""
    try:
        with np.load(map_file(collection, method), allow_pickle=False) as stored:
            whose = (str(stored["fingerprint"]), int(stored["revision"]))
            points = np.asarray(stored["points"], np.float32)
            share, explained = float(stored["kept"]), tuple(map(float, stored["explained"]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    if whose != (collection.fingerprint, collection.content) or points.shape != (len(collection), 2):
        return None
    of_axes = (explained[0], explained[1]) if len(explained) == 2 else None
    return Projection(method, points, of_axes, None if np.isnan(share) else share)


def save_map(collection: Collection, projection: Projection) -> None:
    """Store a map beside the collection; OSError if that cannot be written to."""

    def write(file: BinaryIO) -> None:
        np.savez(
            file,
            points=projection.points,
            revision=collection.content,
            fingerprint=collection.fingerprint,
            kept=np.nan if projection.preserved is None else projection.preserved,
            explained=projection.explained or (),
        )

    write_file(map_file(collection, projection.method), write)


def make_pca(collection: Collection) -> Projection:
    """PCA of a collection, stored beside it if it is large."""
    found = load_map(collection, "pca")
    if found is None:
        found = pca(collection.parts, collection.dim)
        if len(collection) >= PCA_KEPT_FROM:
            with suppress(OSError):  # a collection that cannot be written to can still be looked at
                save_map(collection, found)
    return found


def make_umap(collection: Collection) -> Projection:
    """Work out UMAP and keep it beside the collection; it starts from PCA, so that both maps lie alike.

    UserError if the package is missing or there are too few images.
    """
    if not has_umap():
        raise UserError("UMAP needs a package of its own: pip install -r requirements-map.txt")
    count = len(collection)
    if count < UMAP_LEAST:
        raise UserError(f"UMAP needs at least {UMAP_LEAST} images; there are {count} here.")
    from umap import UMAP

    parts = collection.parts
    rows = np.concatenate(list(_chunks(parts)))
    if rows.shape[1] > 50:  # what lies beyond hardly changes who is whose neighbour, and costs most of the time
        rows -= rows.mean(axis=0)
        rows = rows @ principal_axes(rows[sample(count, SAMPLE)], 50).T
    start = 10 * pca(parts, collection.dim).points
    start = start + np.random.default_rng(0).normal(scale=1e-3, size=start.shape).astype(np.float32)
    points = UMAP(
        n_neighbors=min(UMAP_NEIGHBOURS, count - 1), min_dist=0.1, metric="cosine", init=start, random_state=0, n_jobs=1
    ).fit_transform(rows)
    points = np.asarray(points, np.float32)
    projection = Projection("umap", _fitted(points), None, neighbours_preserved(parts, points))
    save_map(collection, projection)
    return projection


def main(folder: str) -> None:
    """Work out UMAP of the collection at folder."""
    import os
    import sys

    getattr(os, "nice", int)(5)  # somebody is looking at a page meanwhile
    try:
        make_umap(Collection.open(folder))
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
