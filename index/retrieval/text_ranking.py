"""How well what is written about each image answers the texts of a query, and the fusion with the embedding.

Fusion is a weighted sum of both scores (Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid
Retrieval"), not of reciprocal ranks: ranks put a caption with one word of ten beside the best embedding. The score
of the embedding is the cosine in standard deviations of the collection's cosines to the query. That of the texts is
WEIGHT times BM25, as a share of what an image with every word has, times the square of the share of the words.
benchmarks/hybrid.py measures both rules; docs/search.md has the figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.query import Term
from index.retrieval.sample_queries import collection_sample
from index.retrieval.text_index import TextIndex, load_text_index, make_text_index
from index.retrieval.tokenization import document_words, query_words
from index.storage.background import made_within
from index.storage.tags import rows_by_tag

WEIGHT = 8.0  # of an image that has every word of the query, in standard deviations of the cosines
LEAST = 0.4  # of a query's words, by their inverse document frequency, that an image has to have
ALL = 0.999  # of them, but for rounding
SPREAD = 1e-3  # of the cosines at least: images that are all alike have none
TAG = 1.0  # BM25's weight of a word of a tag

Tags = Mapping[str, Sequence[str]]  # names by id


@dataclass(frozen=True)
class TextMatches:
    """What the texts of a query find in names and captions; arrays have one entry an image, [N].

    bm25: as a share of what an image with all words has, negative where a negative term is found. score: what is added
    to the cosine in standard deviations: no more than WEIGHT, so that the embedding orders the images that have all
    words. found: whether enough of the words of a positive term are there. complete: whether all words of all positive
    terms are, and none of the negative terms. whole: whether the query is one text and the image's whole name, caption
    or title.
    """

    bm25: NDArray[np.float32]
    score: NDArray[np.float32]
    found: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    whole: NDArray[np.bool_]

    def best(self, count: int, among: NDArray[np.intp] | None = None) -> NDArray[np.intp]:
        """At most count rows that were found, best first; among: only these rows."""
        rows = np.flatnonzero(self.found) if among is None else among[self.found[among]]
        order = np.lexsort((rows, -self.bm25[rows], ~self.complete[rows], ~self.whole[rows]))
        return rows[order[:count]]


def text_matches(collection: Collection, index: TextIndex, terms: Sequence[Term], tags: Tags) -> TextMatches | None:
    """What the texts among terms find; None if that is nothing.

    Images among the terms count for the share of a text in the query: beside one image, a text has half its weight.
    """
    texts = [term for term in terms if term.text is not None]
    rows_of_word = _tagged_rows(collection, [term.text or "" for term in texts], tags)
    summed, score = np.zeros((2, index.images), np.float32)
    found, absent = np.zeros(index.images, bool), np.zeros(index.images, bool)
    complete = np.ones(index.images, bool)
    total = sum(term.weight for term in terms if term.sign > 0) or sum(term.weight for term in terms) or 1.0
    for term in texts:
        signed = term.sign * (term.weight / total)
        bm25, share = bm25_scores(index, query_words(term.text or ""), rows_of_word)
        enough = share >= LEAST
        summed += np.where(enough, signed * bm25, 0)
        bounded = np.where(share >= ALL, 1, np.minimum(bm25, 1))
        score += np.where(enough, signed * WEIGHT * bounded * share**2, 0)
        if term.sign > 0:
            found |= enough
            complete &= share >= ALL
        else:
            absent |= share >= ALL
    complete &= found & ~absent
    whole = np.zeros(index.images, bool)
    if len(terms) == 1 and texts and texts[0].sign > 0:
        whole[index.whole(texts[0].text or "")] = True
        found, complete = found | whole, complete | whole
    return TextMatches(summed, score, found, complete, whole) if found.any() or score.any() else None


def bm25_scores(
    index: TextIndex, words: Sequence[str], tagged: Mapping[str, NDArray[np.intp]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """BM25 of words as a share of what an image with all of them has, and the share of the words: [N] each."""
    bm25, share = np.zeros(index.images, np.float32), np.zeros(index.images, np.float32)
    total = 0.0
    for word in words:
        rows, weights = index.find(word)
        others = np.setdiff1d(tagged.get(word, rows[:0]), rows)
        images = len(rows) + len(others)
        idf = float(np.log1p((index.images - images + 0.5) / (images + 0.5)))
        total += idf
        bm25[rows] += idf * weights.astype(np.float32)
        bm25[others] += idf * TAG
        share[rows] += idf
        share[others] += idf
    return (bm25 / total, share / total) if total else (bm25, share)


def _tagged_rows(collection: Collection, texts: Sequence[str], tags: Tags) -> dict[str, NDArray[np.intp]]:
    """The rows that have a tag with a word of texts, by that word."""
    if not tags or not texts:
        return {}
    wanted = {word for text in texts for word in query_words(text)}
    words = {name: wanted.intersection(document_words(name)) for name in {name for of in tags.values() for name in of}}
    by_word: dict[str, list[NDArray[np.intp]]] = {}
    matching = {id: [name for name in names if words[name]] for id, names in tags.items()}
    for name, rows in rows_by_tag(collection, {id: names for id, names in matching.items() if names}).items():
        for word in words[name]:
            by_word.setdefault(word, []).append(rows)
    return {word: np.unique(np.concatenate(rows)) for word, rows in by_word.items()}


def deviations(collection: Collection, query: NDArray[np.float32], scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """scores, cosines to query [dim], in standard deviations above the mean of all images of the collection."""
    cosines = collection_sample(collection) @ query
    return ((scores - cosines.mean()) / max(float(cosines.std()), SPREAD)).astype(np.float32)


def cached_text_index(collection: Collection, timeout: float | None = None) -> TextIndex | None:
    """The text index of an open collection: the stored one, or one that is made in the background, once.

    None if that takes longer than timeout seconds.
    """
    return made_within(collection, "text index", make_text_index, timeout, load_text_index)
