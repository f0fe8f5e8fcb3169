"""Ranking: the images of a collection by their scores for a query, likely ones first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.nearest import Nearest, load_nearest
from index.query import Term, embed_query, with_file_names
from index.retrieval.deadline import Deadline
from index.retrieval.facets import Rows, facets_of
from index.retrieval.relevance import TRUSTED, NullDistribution, cached_null_distribution
from index.retrieval.request import SearchRequest
from index.retrieval.result import Hit, Matched, Threshold
from index.retrieval.text_ranking import Tags, TextMatches, cached_text_index, deviations, text_matches
from training.models.encoder import Encoder
from training.models.errors import UserError

DEPTH = 1200  # images that are ranked at least: those among them can be likely and can be put in another order
ORDERED = 240  # of them are put in another order where there is no threshold: weak matches are not worth it
ALONE = 30.0  # seconds that a search waits for the index of texts where it has nothing else
STANDS_OUT = 2.0  # standard deviations of a cosine above the mean, where no threshold is known

NO_THRESHOLD = {
    "off": "the threshold is off",
    "pending": "the threshold is not known yet, try again in a moment",
    "images": "the threshold is defined for texts, and the query has images",
}


@dataclass(frozen=True)
class Ranking:
    """Rows in the order in which they are returned, with their scores where there are any.

    copies: how many files each row stands for, None if every row stands for itself.
    """

    rows: NDArray[np.intp]
    scores: NDArray[np.float32] | None = None
    normalised: NDArray[np.float32] | None = None
    likely: int | None = None
    threshold: Threshold | None = None
    matched: Sequence[Matched] | None = None
    copies: NDArray[np.intp] | None = None

    def hit(
        self,
        collection: Collection,
        at: int,
        tags: Mapping[str, Sequence[str]],
        record: Mapping[str, Any] | None = None,
    ) -> Hit:
        """The hit at a place. record: its columns, where they are at hand."""
        row = int(self.rows[at])
        record = collection.record(row) if record is None else record
        return Hit(
            rank=at + 1,
            score=None if self.scores is None else float(self.scores[at]),
            id=record["id"],
            path=record["path"],
            caption=record["caption"],
            row=row,
            normalised_score=None if self.normalised is None else float(self.normalised[at]),
            likely=None if self.likely is None else at < self.likely,
            matched=None if self.matched is None else self.matched[at],
            tags=tuple(tags.get(record["id"], ())),
            copies=1 if self.copies is None else int(self.copies[at]),
            record=record,
        )


def rank(
    collection: Collection,
    encoder: Encoder | None,
    request: SearchRequest,
    among: Rows | None,
    null: NullDistribution | None,
    deadline: Deadline,
    tags: Tags,
) -> Ranking:
    """The images among the given rows (all if None) by their scores for the terms of a request."""
    if encoder is not None:
        collection.check_encoder(encoder)
    terms = with_file_names(request.terms, collection)
    embedded = [term for term in terms if term.text is None or encoder is None or encoder.reads_text]
    if not request.text_ranking:
        embedded = terms
    depth = depth_of(request, len(collection) if among is None else len(among))
    # "orange - green" asks for a direction between images; a file called orange.jpg would be no answer to it.
    by_text = request.text_ranking and (not embedded or all(term.sign > 0 for term in terms))
    until = deadline if embedded else deadline.in_seconds(ALONE)
    matches = _text_matches(collection, terms, tags, until) if by_text else None
    if not embedded:
        return _by_text_alone(collection, request, matches, depth, among)
    vector = embed_query(embedded, collection, encoder)
    scores, rows = nearest_of(collection)(vector, depth, among)
    if matches is not None:
        others = np.setdiff1d(matches.best(depth, among), rows)
        cosines = np.asarray(collection.vectors[others], np.float32) @ vector
        rows, scores = np.concatenate([rows, others]), np.concatenate([scores, cosines])
    texts_only = all(term.text is not None for term in terms)
    if null is None and encoder is not None and texts_only and request.threshold != "off":
        null = cached_null_distribution(collection, encoder, deadline.left)
        if null is None:
            deadline.missed.append("threshold")
    normalised = None
    if null is not None and texts_only and request.threshold != "off":
        normalised = null.normalised_cosines(vector, scores, rows)
        if normalised is None:
            normalised = null.normalised_scores(vector, collection.vectors[rows])
    measured = (encoder.name if encoder is not None else collection.encoder_name) in TRUSTED
    threshold = _threshold(request, texts_only, measured, normalised)
    if null is not None and normalised is not None and request.with_histogram:
        histogram = null.histogram(vector, len(collection), threshold.best or 0.0)
        threshold = replace(threshold, histogram=histogram)
    spread = None if matches is None else deviations(collection, vector, scores)
    reached = None if normalised is None else normalised >= threshold.value
    order, likely = _order(collection, request, rows, spread, matches, reached if threshold.shown else None)
    return Ranking(
        rows[order],
        scores[order],
        None if normalised is None else normalised[order],
        likely,
        threshold,
        _matched(rows, matches, reached if reached is not None or spread is None else spread >= STANDS_OUT, order),
    )


def depth_of(request: SearchRequest, matching: int) -> int:
    """How many images are ranked, of those that pass the filters."""
    return min(max(DEPTH, request.offset + request.count), max(matching, 1))


def _text_matches(collection: Collection, terms: Sequence[Term], tags: Tags, deadline: Deadline) -> TextMatches | None:
    """What names and captions have of the texts among terms; None if that is nothing."""
    if all(term.text is None for term in terms):
        return None
    index = cached_text_index(collection, deadline.left)
    if index is None:
        deadline.missed.append("texts")
    return None if index is None else text_matches(collection, index, terms, tags)


def _by_text_alone(
    collection: Collection, request: SearchRequest, matches: TextMatches | None, depth: int, among: Rows | None
) -> Ranking:
    """The images that a query of texts finds where the encoder reads no text."""
    rows = np.array([], np.intp) if matches is None else matches.best(depth, among)
    threshold = Threshold(False, False, reason="off" if request.threshold == "off" else "names")
    complete = None if matches is None or request.threshold == "off" else np.ones(len(rows), bool)
    if matches is not None and complete is not None:
        complete = matches.complete[rows]
    bm25 = None if matches is None else matches.bm25[rows]
    order, likely = _order(collection, request, rows, bm25, matches, complete)
    return Ranking(rows[order], likely=likely, threshold=threshold, matched=["text"] * len(order))


def _order(
    collection: Collection,
    request: SearchRequest,
    rows: NDArray[np.intp],
    spread: NDArray[np.float32] | None,
    matches: TextMatches | None,
    likely: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.intp], int | None]:
    """Places of rows in the order in which they are returned, and how many of them are likely.

    rows: by their cosines. spread: what scores of matches are added to, the cosines in standard deviations. likely:
    whether each reaches the threshold, None where none is shown; an image with all words of the query is likely too,
    unless the request names a score.
    """
    by_words = isinstance(request.threshold, str)
    keys: list[NDArray[Any]] = [np.arange(len(rows))]
    if matches is not None and spread is not None:
        keys.append(-(spread + matches.score[rows]))
    if matches is not None:
        keys.append(~matches.whole[rows])
    if likely is not None:
        likely = likely if matches is None or not by_words else likely | matches.complete[rows]
        keys.append(~likely)
    order = np.lexsort(keys)
    count = None if likely is None else int(likely.sum())
    if request.order != "best":
        best = ORDERED if count is None else count
        place = {int(row): at for at, row in zip(order[:best], rows[order[:best]], strict=True)}
        first = facets_of(collection).ordered(rows[order[:best]], request.order)
        order = np.concatenate([np.array([place[int(row)] for row in first], np.intp), order[best:]])
    return (order[:count] if request.likely_only else order), count


def _matched(
    rows: NDArray[np.intp], matches: TextMatches | None, by_image: NDArray[np.bool_] | None, order: NDArray[np.intp]
) -> list[Matched]:
    """What each hit was found by. by_image: whether its embedding alone stands out for the query."""
    if matches is None or by_image is None:
        return ["image"] * len(order)
    return [("both" if by_image[at] else "text") if matches.found[rows[at]] else "image" for at in order]


def _threshold(
    request: SearchRequest, texts_only: bool, measured: bool, normalised: NDArray[np.float32] | None
) -> Threshold:
    """The threshold of a request. UserError if only likely images are wanted and there is none."""
    if normalised is None:
        reason = "off" if request.threshold == "off" else "pending" if texts_only else "images"
        if request.likely_only:
            raise UserError(f"There are no likely images here: {NO_THRESHOLD[reason]}.")
        return Threshold(False, measured, reason=reason)
    best = float(normalised.max()) if len(normalised) else 0.0
    shown = measured or request.threshold != "auto" or request.likely_only
    value = 1.0 if isinstance(request.threshold, str) else float(request.threshold)
    return Threshold(shown, measured, value, best, reason="" if shown else "unmeasured")


def nearest_of(collection: Collection) -> Nearest:
    """The search structure of an open collection, loaded once."""
    return collection.derived("nearest", lambda: load_nearest(collection))
