"""Queries that the effort of a search structure is set by, and the recall of what it finds for them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.nearest import CHUNK, exact
from index.storage.manifest import Manifest
from training.models.encoder import Encoder, Vectors, unit
from training.models.text_cache import cached_texts, embed_texts_cached
from training.models.zero_shot import everyday_words

IMAGE_QUERIES = 200
SAMPLE = 4096  # images whose scores for a text have the mean, the spread and the histogram of all

Neighbours = list[tuple[NDArray[np.float32], NDArray[np.int64]]]  # scores and rows, best first, one a query


@dataclass(frozen=True)
class SampleQueries:
    """Images of the collection and everyday words as queries. words: [M, dim], None if they are not known."""

    collection: Collection
    words: Vectors | None

    @cached_property
    def kinds(self) -> dict[str, Vectors]:
        """Queries by the name of the recall that they measure."""
        images = unit(np.concatenate(list(sampled_rows(self.collection, IMAGE_QUERIES, seed=1))))
        return {"recall_at_10": images} | ({} if self.words is None else {"recall_at_10_words": self.words})

    @cached_property
    def nearest(self) -> dict[str, Neighbours]:
        """Scores and rows of the ten nearest to each."""
        found = iter(exact(self.collection, np.concatenate(list(self.kinds.values())), 10))  # one pass over the rows
        return {name: [next(found) for _ in queries] for name, queries in self.kinds.items()}


def sampled_rows(collection: Collection, most: int, seed: int = 0) -> Iterator[Vectors]:
    """Up to most rows, spread over the collection, some at a time: [n, dim] each."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(collection))[:most])
    for start in range(0, len(rows), CHUNK):
        yield np.asarray(collection.vectors[rows[start : start + CHUNK]], np.float32)


def collection_sample(collection: Collection) -> Vectors:
    """Rows that stand for all of an open collection, [SAMPLE, dim] or fewer, made once."""
    empty = np.zeros((0, collection.dim), np.float32)
    return collection.derived("sample", lambda: np.concatenate([*sampled_rows(collection, SAMPLE), empty]))


def recall(
    found: Neighbours,
    true: Neighbours,
) -> float:
    """The share of the true nearest that were found; those that are as near as the last of them count too."""
    shares = []
    for (scores, _), (best, _) in zip(found, true, strict=True):
        shares.append(float((scores >= best[-1] - 1e-4).sum()) / len(best))
    return round(min(1.0, float(np.mean(shares))), 4)


def text_queries(encoder: Encoder | None, manifest: Manifest, compute: bool) -> Vectors | None:
    """Everyday words, as the collection's encoder embeds them: [M, dim]; None if that is not known.

    compute: embed them if no process has done so yet; an exhaustive search is not worth it.
    """
    prompts = [f"a photo of a {word}" for word in everyday_words()]
    if compute and encoder is not None and encoder.reads_text:
        return embed_texts_cached(encoder, prompts)
    return cached_texts(manifest, prompts)
