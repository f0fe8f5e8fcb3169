"""Where likely matches end: how far an image's answer to some words stands out of the collection's own noise.

A cosine says little by itself: some images answer every text, some texts answer every image. So a
score is standardised in two ways. Against the image: how many deviations it lies above the image's
scores for a fixed bank of everyday words, most of which it does not show, less the collection's median of
that. And against the collection: how many deviations it lies above what the other images answer to the
same words. The first tells a thing that many images show, the second one that few do. For most words of
the bank nothing in the collection is meant, and what the best image reaches for them is chance; the line
lies at a fixed multiple of chance. Strength is in units of that: from 1 on, by either measure, a match is
likely.

docs/search.md has how often the line is right; it is measured by benchmarks/relevance.py.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from training.models.encoder import Encoder, Vectors, unit
from training.models.text_cache import remembered_texts
from training.models.zero_shot import everyday_words

# Multiples of chance, chosen on every second class of two labelled collections, measured on the others.
ABOVE_IMAGE, ABOVE_COLLECTION = 2.4, 1.6
CHANCE = 0.2  # the share of the bank's words that surely mean nothing here: their best is chance's best
LEAST = 2.0  # deviations that the line asks for in any case: one image alone has no noise to speak of
SAMPLE = 4096  # images that medians and histograms are taken over
MOST_ROWS = 200_000  # images that chance is measured on
CHUNK = 20_000
BINS = 40

# Encoders for which precision and false alarms were measured and are good enough to show the line unasked.
TRUSTED = ("starter",)


@dataclass(frozen=True)
class Noise:
    """What a collection answers to words in general.

    bank: [M, dim] unit rows of everyday words. sample: [S, dim] rows of the collection. mean and
    spread: [S], of the sample's scores for the bank. moments: [2, N], mean and spread of every image's, or
    None for a collection of more than MOST_ROWS. image_line and collection_line: the deviations
    that a likely match lies above its image's answers, or above the collection's.
    """

    bank: Vectors
    sample: Vectors
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    image_line: float
    collection_line: float
    moments: NDArray[np.float32] | None = None

    def strengths(self, query: NDArray, rows: NDArray, numbers: NDArray | None = None) -> NDArray[np.float32]:
        """Of images [N, dim] for query [dim] of unit length: [N]; from 1 on a match is likely.

        numbers: the rows' numbers in the collection, which save most of the work.
        """
        rows = np.asarray(rows, np.float32)
        if numbers is not None and self.moments is not None:
            mean, spread = self.moments[:, numbers]
        else:
            mean, spread = _moments(rows @ self.bank.T)
        return self._strengths(rows @ query, mean, spread, self.sample @ query)

    def strengths_of(self, queries: Vectors, rows: NDArray) -> NDArray[np.float32]:
        """Of images [N, dim] for several queries [K, dim]: [N, K]."""
        rows = np.asarray(rows, np.float32)
        mean, spread = _moments(rows @ self.bank.T)
        scores, others = rows @ queries.T, self.sample @ queries.T
        columns = [self._strengths(scores[:, k], mean, spread, others[:, k]) for k in range(len(queries))]
        return np.stack(columns, axis=1)

    def histogram(self, query: NDArray, images: int, best: float) -> dict[str, Any]:
        """low, high and counts of the strengths of a collection of that many images; best: the strongest known."""
        scores = self.sample @ query
        strengths = self._strengths(scores, self.mean, self.spread, scores)
        low, high = float(strengths.min()), max(float(strengths.max()), best, 1.1)
        counts, _ = np.histogram(strengths, BINS, (low, high + 1e-6))
        scaled = np.round(counts * images / max(1, len(strengths)))
        return {"low": round(low, 3), "high": round(high, 3), "counts": scaled.astype(int).tolist()}

    def _strengths(self, scores: NDArray, mean: NDArray, spread: NDArray, others: NDArray) -> NDArray[np.float32]:
        """Of scores [N] of images whose answers have mean and spread [N], beside the sample's scores [S]."""
        above_image = (scores - mean) / spread - np.median((others - self.mean) / self.spread)
        above_others = (scores - others.mean()) / max(float(others.std()), 1e-6)
        return np.maximum(above_image / self.image_line, above_others / self.collection_line).astype(np.float32)


@lru_cache(maxsize=4)
def _bank(encoder: Encoder) -> Vectors:
    """The everyday words as the encoder reads them: [M, dim]."""
    return unit(remembered_texts(encoder, [f"a photo of a {word}" for word in everyday_words()]))


def noise_of(collection: Collection, encoder: Encoder) -> Noise:
    """The noise of a collection with images, as the encoder that made it answers words.

    Takes about a second for 100,000 images.
    """
    bank = _bank(encoder)
    vectors = collection.vectors
    random = np.random.default_rng(0)
    sample = np.asarray(vectors[np.sort(random.permutation(len(vectors))[:SAMPLE])], np.float32)
    scores = sample @ bank.T  # [S, M]
    mean, spread = _moments(scores)
    medians = np.median((scores - mean[:, None]) / spread[:, None], axis=0)  # [M]
    best = np.full((2, len(bank)), -np.inf, np.float32)  # deviations, and plain scores
    rows = np.sort(random.permutation(len(vectors))[:MOST_ROWS])
    moments = np.empty((2, len(rows)), np.float32)
    for start in range(0, len(rows), CHUNK):
        part = np.asarray(vectors[rows[start : start + CHUNK]], np.float32) @ bank.T
        m, s = moments[:, start : start + CHUNK] = _moments(part)
        deviations = ((part - m[:, None]) / s[:, None]).max(axis=0)
        best = np.maximum(best, np.stack([deviations, part.max(axis=0)]))
    by_image = np.quantile(best[0] - medians, CHANCE)
    by_collection = np.quantile((best[1] - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-6), CHANCE)
    return Noise(
        bank,
        sample,
        mean,
        spread,
        image_line=max(ABOVE_IMAGE * float(by_image), LEAST),
        collection_line=max(ABOVE_COLLECTION * float(by_collection), LEAST),
        moments=moments if len(rows) == len(vectors) else None,
    )


def _moments(scores: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return scores.mean(axis=1), np.maximum(scores.std(axis=1), 1e-6)
