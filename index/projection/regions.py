"""Words for the parts of a map: where images lie together, and which word sets them apart from the others."""

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.projection.projection import Points, sample
from training.models.encoder import Encoder
from training.models.everyday import SENTENCE, everyday_embeddings
from training.models.zero_shot import everyday_words

MOST_REGIONS = 24
PER_REGION = 40  # images, about, before there is another region
SAMPLE = 5000  # points that k-means is run on
ROUNDS = 12  # of k-means: places hardly move after ten
STARTS = 3  # of k-means, of which the best is taken


@dataclass(frozen=True)
class Region:
    """A part of a map. word is "" where no word sets it apart; x, y is the place of its middle image."""

    x: float
    y: float
    word: str
    images: int


def regions(points: Points, count: int | None = None) -> NDArray[np.int32]:
    """[N], the region of each point: k-means on a sample of the map, the same regions every time."""
    if not len(points):
        return np.zeros(0, np.int32)
    wanted = count or int(np.clip(len(points) // PER_REGION, min(5, len(points)), MOST_REGIONS))
    few = np.ascontiguousarray(points[sample(len(points), SAMPLE)], np.float32)
    wanted = min(wanted, len(np.unique(few, axis=0)))
    kmeans = faiss.Kmeans(2, wanted, niter=ROUNDS, nredo=STARTS, seed=0, min_points_per_centroid=1)
    kmeans.train(few)
    return kmeans.assign(np.ascontiguousarray(points, np.float32))[1].astype(np.int32)


def named_regions(collection: Collection, points: Points, encoder: Encoder) -> tuple[list[Region], NDArray[np.uint8]]:
    """The regions of a map of the collection with their words, and the region of each point, [N]."""
    own = regions(points)
    bank = everyday_embeddings(encoder, SENTENCE) if encoder.reads_text else None
    return name_regions(points, own, collection.parts, everyday_words(), bank), own.astype(np.uint8)


def name_regions(
    points: Points,
    own: NDArray[np.int32],
    parts: Sequence[NDArray[np.floating]],
    words: Sequence[str],
    bank: NDArray[np.floating] | None,
) -> list[Region]:
    """The regions with their words, each word once, at the region where it stands out most.

    parts: the vectors [n, dim] of all images in order. words with their vectors bank [len(words), dim];
    a word's likeness to a region is standardised over all images, since some words like every image.
    """
    count = int(own.max()) + 1 if len(own) else 0
    sizes = np.bincount(own, minlength=count)
    named = [""] * count
    if bank is not None and count and len(words):
        scores = _standardised(own, count, sizes, parts, bank)
        for flat in np.argsort(-scores, axis=None):
            region, word = np.unravel_index(flat, scores.shape)
            if scores[region, word] <= 0:
                break
            if not named[region] and words[word] not in named:
                named[region] = words[word]
    found = []
    for i in range(count):
        members = points[own == i]
        if len(members):
            centre = np.median(members, axis=0)
            x, y = members[np.square(members - centre).sum(axis=1).argmin()]
            found.append(Region(float(x), float(y), named[i], int(sizes[i])))
        else:
            found.append(Region(0.0, 0.0, "", 0))
    return found


def _standardised(
    own: NDArray[np.int32],
    count: int,
    sizes: NDArray[np.intp],
    parts: Sequence[NDArray[np.floating]],
    bank: NDArray[np.floating],
) -> NDArray[np.float64]:
    """[regions, words]: how far a region's mean likeness to a word lies above that of all, in their deviations."""
    sums = np.zeros((count, bank.shape[1]))
    row = 0
    for part in parts:
        for i in range(0, len(part), 8192):
            rows = np.asarray(part[i : i + 8192], np.float32)
            for region in np.unique(own[row : row + len(rows)]):
                sums[region] += rows[own[row : row + len(rows)] == region].sum(axis=0)
            row += len(rows)
    chosen = sample(row, 2000)
    starts = np.cumsum([0, *(len(part) for part in parts)])
    which = np.searchsorted(starts, chosen, side="right") - 1
    some = np.stack([np.asarray(parts[p][i - starts[p]], np.float32) for p, i in zip(which, chosen, strict=True)])
    deviation = np.maximum((some @ bank.T).std(axis=0), 1e-6)
    mean = sums.sum(axis=0) / max(row, 1)
    return (sums / np.maximum(sizes, 1)[:, None] - mean) @ bank.T / deviation
