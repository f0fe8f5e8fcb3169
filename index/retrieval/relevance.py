"""The relevance threshold: how far an image's score for a text stands out of scores for unrelated texts.

A cosine says little by itself: some images have a high cosine with every text, some texts with every image. So
a score is standardised in two ways. Against the image: how many standard deviations it lies above the image's
scores for a fixed bank of everyday words, most of which it does not show, less the collection's median of that.
And against the collection: how many standard deviations it lies above the scores of the other images for the
same text. The first finds a thing that many images show, the second one that few show. Most words of the bank
name nothing that is in the collection, so the best image for them is found by chance: this is the null
distribution. A threshold lies at a fixed multiple of what chance reaches. The normalised score is in units of
the threshold, the larger of the two: from 1 on a match is likely.

docs/search.md has how often the threshold is right; it is measured by benchmarks/relevance.py.
"""

import logging
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.retrieval.sample_queries import collection_sample
from index.storage.background import made_within
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.everyday import everyday_embeddings

log = logging.getLogger(__name__)

# Multiples of chance, chosen on folds of the photographs that `starter` is fitted on and on COCO's split val.
ABOVE_IMAGE, ABOVE_COLLECTION = 2.1, 1.6
CHANCE = 0.2  # the share of the bank's words that surely mean nothing here: their best is chance's best
LEAST = 2.0  # standard deviations that a threshold is at least: one image alone has no distribution to speak of
MOST_ROWS = 200_000  # images that chance is measured on
CHUNK = 4_000  # images at a time: their scores for all words of the bank are in memory three times
BINS = 40

# Encoders for which precision and false alarms were measured and are good enough to show the threshold unasked.
TRUSTED = ("starter", "starter-1")


@dataclass(frozen=True)
class Histogram:
    """Normalised scores of all images in equal bins from low to high."""

    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True)
class NullDistribution:
    """The scores of a collection for texts that it does not show.

    bank: [M, dim] unit rows of everyday words. sample: [S, dim] rows of the collection. mean and std: [S], of
    the sample's scores for the bank. moments: [2, N], mean and std of every image's, or None for a collection
    of more than MOST_ROWS. image_threshold and collection_threshold: the standard deviations by which a likely
    match lies above the image's scores for the bank, or above the collection's for the same text.
    """

    bank: Vectors
    sample: Vectors
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    image_threshold: float
    collection_threshold: float
    moments: NDArray[np.float32] | None = None

    def normalised_scores(self, query: NDArray[np.float32], rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Of images [N, dim] for query [dim] of unit length: [N]; from 1 on a match is likely."""
        rows = np.asarray(rows, np.float32)
        return self._normalised(rows @ query, *_moments(rows @ self.bank.T), self.sample @ query)

    def normalised_cosines(
        self, query: NDArray[np.float32], cosines: NDArray[np.float32], rows: NDArray[np.intp]
    ) -> NDArray[np.float32] | None:
        """The same of the rows of the collection [N] whose cosines to query are known: no vector is read.

        None where the moments of its images are not known.
        """
        if self.moments is None:
            return None
        mean, std = self.moments[:, rows]
        return self._normalised(cosines, mean, std, self.sample @ query)

    def normalised_score_matrix(self, queries: Vectors, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Of images [N, dim] for several queries [K, dim]: [N, K]."""
        rows = np.asarray(rows, np.float32)
        mean, std = _moments(rows @ self.bank.T)
        scores, others = rows @ queries.T, self.sample @ queries.T
        columns = [self._normalised(scores[:, k], mean, std, others[:, k]) for k in range(len(queries))]
        return np.stack(columns, axis=1)

    def histogram(self, query: NDArray[np.float32], images: int, best: float) -> Histogram:
        """The normalised scores of a collection of that many images; best: the highest that is known."""
        scores = self.sample @ query
        normalised = self._normalised(scores, self.mean, self.std, scores)
        low, high = float(normalised.min()), max(float(normalised.max()), best, 1.1)
        counts, _ = np.histogram(normalised, BINS, (low, high + 1e-6))
        scaled = np.round(counts * images / max(1, len(normalised)))
        return Histogram(round(low, 3), round(high, 3), tuple(scaled.astype(int).tolist()))

    def _normalised(
        self,
        scores: NDArray[np.floating],
        mean: NDArray[np.floating],
        std: NDArray[np.floating],
        others: NDArray[np.floating],
    ) -> NDArray[np.float32]:
        """Of scores [N] of images whose scores for the bank have mean and std [N], beside the sample's scores [S]."""
        above_image = (scores - mean) / std - np.median((others - self.mean) / self.std)
        above_others = (scores - others.mean()) / max(float(others.std()), 1e-6)
        best = np.maximum(above_image / self.image_threshold, above_others / self.collection_threshold)
        return best.astype(np.float32)


def cached_null_distribution(
    collection: Collection, encoder: Encoder, timeout: float | None = None
) -> NullDistribution | None:
    """The null distribution of an open collection, computed once, in the background.

    None if it is not ready within timeout seconds. UserError if it cannot be computed.
    """
    return made_within(collection, "null distribution", partial(_computed, encoder=encoder), timeout)


def _computed(collection: Collection, encoder: Encoder) -> NullDistribution:
    try:
        return null_distribution(collection, encoder)
    except UserError:
        raise
    except Exception as error:
        log.exception("the null distribution of %s could not be computed", collection.path)
        sentence = "The relevance threshold could not be computed; the log has the details."
        raise UserError(sentence) from error


def null_distribution(collection: Collection, encoder: Encoder) -> NullDistribution:
    """The null distribution of a collection with images, for texts as the encoder that made it embeds them.

    Takes about a second for 100,000 images.
    """
    bank = everyday_embeddings(encoder)
    vectors = collection.vectors
    sample = collection_sample(collection)
    scores = sample @ bank.T  # [S, M]
    mean, std = _moments(scores)
    medians = np.median((scores - mean[:, None]) / std[:, None], axis=0)  # [M]
    best = np.full((2, len(bank)), -np.inf, np.float32)  # standard deviations, and plain scores
    rows = np.sort(np.random.default_rng(1).permutation(len(vectors))[:MOST_ROWS])
    moments = np.empty((2, len(rows)), np.float32)
    for start in range(0, len(rows), CHUNK):
        part = np.asarray(vectors[rows[start : start + CHUNK]], np.float32) @ bank.T
        m, s = moments[:, start : start + CHUNK] = _moments(part)
        deviations = ((part - m[:, None]) / s[:, None]).max(axis=0)
        best = np.maximum(best, np.stack([deviations, part.max(axis=0)]))
    by_image = np.quantile(best[0] - medians, CHANCE)
    by_collection = np.quantile((best[1] - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-6), CHANCE)
    return NullDistribution(
        bank,
        sample,
        mean,
        std,
        image_threshold=max(ABOVE_IMAGE * float(by_image), LEAST),
        collection_threshold=max(ABOVE_COLLECTION * float(by_collection), LEAST),
        moments=moments if len(rows) == len(vectors) else None,
    )


def _moments(scores: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each row."""
    return scores.mean(axis=1), np.maximum(scores.std(axis=1), 1e-6)
