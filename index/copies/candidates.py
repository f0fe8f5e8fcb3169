"""Pairs of contents that may be copies, without comparing all pairs.

Two searches for the nearest few, each over an inverted file where there are many contents (FAISS): by the frequencies
of the perceptual hash, which a smaller or poorer copy keeps, and by the embedding, which a crop keeps. What they
propose is decided by pixels (comparison.py), so that no threshold here depends on the encoder.
"""

from collections.abc import Iterator

import faiss
import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.copies.contents import Contents, Looks
from training.models.encoder import Vectors

NEIGHBOURS = 12  # of each content, by each of the two
EXACT = 20_000  # contents up to which all are compared by their vectors
PROBES = 8  # lists that are looked into
SAMPLE = 64  # contents a list that the lists are made from
CHUNK = 5_000

SAME_FREQUENCIES = 0.97  # correlation; measured: 0.988 at a quarter of the size, 0.992 at quality 30
SAME_COLOURS = 8.0  # of 255, mean difference of cells; measured: 4
FILTERED = 0.95  # from this correlation on, any colours may be a filter's; measured: 0.97
CROPPED_COLOURS = 45.0  # measured: 42 at a crop by 20 %
CROPPED_FREQUENCIES = -0.1
LEAST_COSINE = 0.75  # of a crop; measured for starter: 0.72 to 0.79
DEVIATIONS = 4.0  # or as many standard deviations above the mean cosine, whichever is less


def same_pairs(looks: Looks) -> NDArray[np.int32]:
    """Pairs [P, 2] of contents that look the same by their perceptual hashes, the better one first."""
    pairs = _nearest_pairs(looks.frequencies[looks.known], np.flatnonzero(looks.known).astype(np.int32))
    return pairs[_alike(looks, pairs, SAME_FREQUENCIES) & (_apart(looks, pairs) <= SAME_COLOURS)]


def similar_pairs(collection: Collection, contents: Contents, looks: Looks) -> NDArray[np.int32]:
    """Pairs [P, 2] of contents that may be similar shots, the better one first."""
    known = np.flatnonzero(looks.known).astype(np.int32)
    by_looks = _nearest_pairs(looks.frequencies[known], known)
    by_looks = by_looks[_alike(looks, by_looks, FILTERED)]
    rows = contents.best[known]
    by_embedding = _nearest_pairs(Stored(collection, rows), known)
    cosines = _products(Stored(collection, contents.best), by_embedding)
    near = cosines >= _least_cosine(Stored(collection, rows))
    near &= (_apart(looks, by_embedding) <= CROPPED_COLOURS) & _alike(looks, by_embedding, CROPPED_FREQUENCIES)
    return np.unique(np.concatenate([by_looks, by_embedding[near]]), axis=0)


class Stored:
    """The embeddings of some rows of a collection as float32, read when they are needed."""

    def __init__(self, collection: Collection, rows: NDArray[np.int32]):
        self.collection, self.rows = collection, rows
        self.shape = len(rows), collection.dim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: slice | NDArray[np.integer]) -> NDArray[np.float32]:
        return np.asarray(self.collection.vectors[self.rows[at]], np.float32)


def _nearest_pairs(vectors: "Vectors | Stored", names: NDArray[np.int32]) -> NDArray[np.int32]:
    """Pairs of names of which one is among the NEIGHBOURS nearest of the other, each pair once. vectors: unit rows."""
    count = len(names)
    if count < 2:
        return np.zeros((0, 2), np.int32)
    index = _index(vectors)
    found = []
    for start, part in _chunks(vectors):
        _, at = index.search(part, min(NEIGHBOURS + 1, count))
        left = np.repeat(np.arange(start, start + len(part)), at.shape[1])
        right = at.ravel()
        real = (right >= 0) & (right != left)
        pairs = names[np.stack([left[real], right[real]], axis=1)]
        found.append(np.sort(pairs, axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _index(vectors: "Vectors | Stored") -> faiss.Index:
    """A filled index of inner products: all of them, or of the nearest lists of an inverted file."""
    count, dim = vectors.shape
    if count <= EXACT:
        index: faiss.Index = faiss.IndexFlatIP(dim)
    else:
        lists = 2 ** int(np.log2(2 * np.sqrt(count)))
        half = faiss.ScalarQuantizer.QT_fp16
        inverted = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dim), dim, lists, half, faiss.METRIC_INNER_PRODUCT, False
        )
        inverted.cp.niter, inverted.cp.spherical, inverted.cp.min_points_per_centroid = 5, True, 1
        sample = np.random.default_rng(0).permutation(count)[: SAMPLE * lists]
        inverted.train(np.ascontiguousarray(vectors[np.sort(sample)]))
        inverted.nprobe = PROBES
        index = inverted
    for _, part in _chunks(vectors):
        index.add(part)
    return index


def _chunks(vectors: "Vectors | Stored") -> Iterator[tuple[int, NDArray[np.float32]]]:
    for start in range(0, vectors.shape[0], CHUNK):
        yield start, np.ascontiguousarray(vectors[start : start + CHUNK], np.float32)


def _products(vectors: "NDArray[np.float32] | Stored", pairs: NDArray[np.int32]) -> NDArray[np.float32]:
    """The inner product of each pair of rows."""
    parts = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
    products = [np.einsum("pd,pd->p", vectors[part[:, 0]], vectors[part[:, 1]]) for part in parts]
    return np.concatenate([np.zeros(0, np.float32), *products])


def _alike(looks: Looks, pairs: NDArray[np.int32], least: float) -> NDArray[np.bool_]:
    return _products(looks.frequencies, pairs) >= least


def _apart(looks: Looks, pairs: NDArray[np.int32]) -> NDArray[np.float32]:
    """The mean difference of the colours of each pair."""
    parts = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
    colours = looks.colours.astype(np.int16)
    apart = [np.abs(colours[part[:, 0]] - colours[part[:, 1]]).mean(axis=1, dtype=np.float32) for part in parts]
    return np.concatenate([np.zeros(0, np.float32), *apart])


def _least_cosine(vectors: Stored) -> float:
    """The cosine from which a pair is compared by its pixels; of a collection of copies alone it is LEAST_COSINE."""
    pairs = np.random.default_rng(0).integers(0, max(len(vectors), 1), (min(4096, len(vectors)), 2)).astype(np.int32)
    cosines = _products(vectors, pairs[pairs[:, 0] != pairs[:, 1]])
    if not len(cosines):
        return LEAST_COSINE
    return min(LEAST_COSINE, float(cosines.mean() + DEVIATIONS * cosines.std()))
