"""Ranking: the images of a collection by their scores for a query, likely ones first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.nearest import Nearest, load_nearest
from index.query import embed_query, with_file_names
from index.retrieval.facets import Rows, facets_of
from index.retrieval.relevance import TRUSTED, NullDistribution, cached_null_distribution
from index.retrieval.request import SearchRequest
from index.retrieval.result import Hit, Threshold
from training.models.encoder import Encoder
from training.models.errors import UserError

DEPTH = 1200  # images that are ranked at least: those among them can be likely and can be put in another order
ORDERED = 240  # of them are put in another order where there is no threshold: weak matches are not worth it

NO_THRESHOLD = {
    "off": "the threshold is off",
    "pending": "the threshold is not known yet, try again in a moment",
    "images": "the threshold is defined for texts, and the query has images",
}


@dataclass(frozen=True)
class Ranking:
    """Rows in the order in which they are returned, with their scores where there are any."""

    rows: NDArray[np.intp]
    scores: NDArray[np.float32] | None = None
    normalised: NDArray[np.float32] | None = None
    likely: int | None = None
    threshold: Threshold | None = None

    def hit(self, collection: Collection, at: int, tags: Mapping[str, Sequence[str]]) -> Hit:
        row = int(self.rows[at])
        record = collection.record(row)
        return Hit(
            rank=at + 1,
            score=None if self.scores is None else float(self.scores[at]),
            id=record["id"],
            path=record["path"],
            caption=record["caption"],
            row=row,
            normalised_score=None if self.normalised is None else float(self.normalised[at]),
            likely=None if self.likely is None else at < self.likely,
            tags=tuple(tags.get(record["id"], ())),
            record=record,
        )


def rank(
    collection: Collection,
    encoder: Encoder | None,
    request: SearchRequest,
    among: Rows | None,
    null: NullDistribution | None,
    timeout: float | None,
) -> Ranking:
    """The images among the given rows (all if None) by their scores for the terms of a request."""
    if encoder is not None:
        collection.check_encoder(encoder)
    terms = with_file_names(request.terms, collection)
    vector = embed_query(terms, collection, encoder)
    matching = len(collection) if among is None else len(among)
    depth = min(max(DEPTH, request.offset + request.count), max(matching, 1))
    scores, rows = nearest_of(collection)(vector, depth, among)
    texts_only = all(term.text is not None for term in terms)
    if null is None and encoder is not None and texts_only and request.threshold != "off":
        null = cached_null_distribution(collection, encoder, timeout)
    normalised = None
    if null is not None and texts_only and request.threshold != "off":
        normalised = null.normalised_scores(vector, collection.vectors[rows], rows)
    measured = (encoder.name if encoder is not None else collection.encoder_name) in TRUSTED
    threshold = _threshold(request, texts_only, measured, normalised)
    if null is not None and normalised is not None and request.with_histogram:
        histogram = null.histogram(vector, len(collection), threshold.best or 0.0)
        threshold = replace(threshold, histogram=histogram)
    order, likely = np.arange(len(rows)), None
    if threshold.shown and normalised is not None:
        reached = normalised >= threshold.value
        order, likely = np.argsort(~reached, kind="stable"), int(reached.sum())
    if request.order != "best":
        best = ORDERED if likely is None else likely
        place = {int(row): at for at, row in zip(order[:best], rows[order[:best]], strict=True)}
        first = facets_of(collection).ordered(rows[order[:best]], request.order)
        order = np.concatenate([np.array([place[int(row)] for row in first], np.intp), order[best:]])
    if request.likely_only:
        order = order[:likely]
    return Ranking(rows[order], scores[order], None if normalised is None else normalised[order], likely, threshold)


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
