"""Where likely matches end: how far a picture's answer to some words stands out of the collection's own noise.

A cosine says little by itself: some pictures answer every text, some texts answer every picture. So a
score is standardised twice. Against the picture: how many deviations it lies above the picture's
scores for a fixed bank of everyday words, most of which it does not show. Against the text: less the
collection's median of that, since most pictures do not show any one thing. What remains is called
strength. For most words of the bank nothing in the collection is meant, and the strength of the best
picture for them is what chance reaches here; the line lies at a fixed multiple of it.

docs/search.md has how often the line is right; it is measured by benchmarks/relevance.py.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from training.models.encoder import Encoder, Vectors, unit
from training.models.zero_shot import everyday_words

# Chosen on every second class of two labelled collections, measured on the others: docs/search.md.
ABOVE_CHANCE = 2.4
CHANCE = 0.2  # the share of the bank's words that surely mean nothing here: their best is chance's best
SAMPLE = 4096  # pictures that medians and histograms are taken over
MOST_ROWS = 200_000  # pictures that chance is measured on
CHUNK = 20_000
BINS = 40

# Encoders for which precision and false alarms were measured and are good enough to show the line unasked.
TRUSTED = ("starter",)


@dataclass(frozen=True)
class Noise:
    """What a collection answers to words in general.

    bank: [M, dim] unit rows of everyday words. sample: [S, dim] rows of the collection. mean and
    spread: [S], of the sample's scores for the bank. line: the strength from which on a match is likely.
    """

    bank: Vectors
    sample: Vectors
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    line: float

    def strengths(self, query: NDArray, rows: NDArray) -> NDArray[np.float32]:
        """Of pictures [N, dim] for query [dim] of unit length: [N], in deviations above this collection's noise."""
        rows = np.asarray(rows, np.float32)
        mean, spread = _moments(rows @ self.bank.T)
        return (rows @ query - mean) / spread - np.float32(np.median(self._of_sample(query)))

    def histogram(self, query: NDArray, pictures: int, best: float) -> dict[str, object]:
        """low, high and counts of the strengths of a collection of that many pictures; best: the strongest known."""
        strengths = self._of_sample(query)
        strengths -= np.median(strengths)
        low, high = float(strengths.min()), max(float(strengths.max()), best, self.line * 1.1)
        counts, _ = np.histogram(strengths, BINS, (low, high + 1e-6))
        scaled = np.round(counts * pictures / max(1, len(strengths)))
        return {"low": round(low, 3), "high": round(high, 3), "counts": scaled.astype(int).tolist()}

    def _of_sample(self, query: NDArray) -> NDArray[np.float32]:
        return (self.sample @ query - self.mean) / self.spread


@lru_cache(maxsize=8)
def noise_of(collection: Collection, encoder: Encoder) -> Noise:
    """The noise of a collection with pictures, as the encoder that made it answers words.

    A matter of seconds for 100,000 pictures, and kept for as long as the collection is open.
    """
    bank = unit(encoder.embed_texts([f"a photo of a {word}" for word in everyday_words()]))
    vectors = collection.vectors
    random = np.random.default_rng(0)
    sample = np.asarray(vectors[np.sort(random.permutation(len(vectors))[:SAMPLE])], np.float32)
    scores = sample @ bank.T
    mean, spread = _moments(scores)
    medians = np.median((scores - mean[:, None]) / spread[:, None], axis=0)  # [M]
    best = np.full(len(bank), -np.inf, np.float32)
    rows = np.sort(random.permutation(len(vectors))[:MOST_ROWS])
    for start in range(0, len(rows), CHUNK):
        scores = np.asarray(vectors[rows[start : start + CHUNK]], np.float32) @ bank.T
        m, s = _moments(scores)
        best = np.maximum(best, ((scores - m[:, None]) / s[:, None]).max(axis=0))
    line = ABOVE_CHANCE * float(np.quantile(best - medians, CHANCE))
    return Noise(bank, sample, mean, spread, max(line, ABOVE_CHANCE))  # one picture alone has no noise to speak of


def _moments(scores: NDArray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return scores.mean(axis=1), np.maximum(scores.std(axis=1), 1e-6)
