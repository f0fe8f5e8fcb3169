"""Search: the images of a collection that answer a query, best first.

Command line, page, REST, gradio_client and exports all call `search`, so that one request has one answer.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection, file_name
from index.nearest import Nearest, load_nearest
from index.query import Term, embed_query, with_file_names
from index.retrieval.facets import Facet, FacetFilter, Rows, facets_of, with_any_tag
from index.retrieval.filters import columns_of, matching_rows
from index.retrieval.relevance import TRUSTED, Histogram, NullDistribution, cached_null_distribution
from index.storage.cells import JsonCell, as_json
from index.storage.tags import read_tags, rows_by_tag
from training.models.encoder import Encoder
from training.models.errors import UserError

DEPTH = 1200  # images that are ranked at least: those among them can be likely and can be put in another order
ORDERED = 240  # of them are put in another order where there is no threshold: weak matches are not worth it

NO_THRESHOLD = {
    "off": "the threshold is off",
    "pending": "the threshold is not known yet, try again in a moment",
    "images": "the threshold is defined for texts, and the query has images",
}

ThresholdSetting = float | Literal["auto", "on", "off"]


def threshold_setting(text: str) -> ThresholdSetting:
    """auto, on, off or a number, as people write it; UserError for anything else."""
    if text in ("auto", "on", "off"):
        return cast(ThresholdSetting, text)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"The threshold {text!r} is not a number, auto, on or off.")
    return value


@dataclass(frozen=True)
class SearchRequest:
    """What is searched for. Without terms every image passes, unscored, in the order of the collection.

    filter: an expression over the columns, as in `width >= 1000 and folder == "beach"`. facets: filters that
    all have to pass. tags: an image must have each of them. order: one of facets.ORDERS, for the likely matches.
    threshold: the normalised score from which a match is likely; "on" is 1, "auto" is "on" for encoders that
    it was measured for, "off" leaves it out. likely_only: leave out what is not likely. offset, count: the
    part of the hits that is returned.
    """

    terms: Sequence[Term] = ()
    filter: str = ""
    facets: Sequence[FacetFilter] = ()
    tags: Sequence[str] = ()
    order: str = "best"
    threshold: ThresholdSetting = "auto"
    likely_only: bool = False
    offset: int = 0
    count: int = 60
    with_histogram: bool = False
    with_facets: bool = False

    @property
    def needs_encoder(self) -> bool:
        return any(term.needs_encoder for term in self.terms)


@dataclass(frozen=True)
class Hit:
    """One image that was found.

    rank: from 1. score: cosine to the query, None if there is none. normalised_score: in units of the threshold.
    likely: whether it reaches the threshold, None where none is shown. row: its row in the collection.
    record: every column of its row.
    """

    rank: int
    score: float | None
    id: str
    path: str
    caption: str
    row: int
    normalised_score: float | None = None
    likely: bool | None = None
    tags: tuple[str, ...] = ()
    record: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def columns(self) -> dict[str, JsonCell]:
        """The columns of its row besides id, path and caption, as JSON holds them."""
        return {name: as_json(cell) for name, cell in self.record.items() if name not in ("id", "path", "caption")}

    @property
    def name(self) -> str:
        """Its caption, or the name of its file."""
        return self.caption or file_name(self.path)

    def as_json(self) -> dict[str, object]:
        """What is known of it as JSON: its own fields, then the columns of its row."""
        fields: dict[str, object] = {
            "rank": self.rank,
            "score": None if self.score is None else round(self.score, 5),
            "id": self.id,
            "path": self.path,
            "caption": self.caption,
            "normalised_score": None if self.normalised_score is None else round(self.normalised_score, 3),
            "likely": self.likely,
            "tags": list(self.tags),
        }
        return fields | {name: cell for name, cell in self.columns.items() if name not in fields}


@dataclass(frozen=True)
class Threshold:
    """The relevance threshold of a search, and why it is not shown if it is not.

    measured: how often it is right was measured for this encoder. value: the normalised score from which a match
    is likely. best: the highest normalised score, None if there are none. reason: "" where it is shown, else "off";
    "pending", the null distribution is not ready; "images", the query is not of texts alone; or "unmeasured".
    """

    shown: bool
    measured: bool
    value: float = 1.0
    best: float | None = None
    histogram: Histogram | None = None
    reason: str = ""


@dataclass(frozen=True)
class SearchResult:
    """The hits from request.offset on, likely ones first, and what is known of all images.

    total: images of the collection. matching: how many pass the filters. likely: how many reach the threshold,
    None where none is shown. threshold: None without terms. facets: over the images that pass, if requested.
    """

    hits: tuple[Hit, ...]
    total: int
    matching: int
    likely: int | None = None
    threshold: Threshold | None = None
    facets: list[Facet] | None = None
    seconds: float = 0.0


def search(
    collection: Collection,
    encoder: Encoder | None,
    request: SearchRequest,
    null: NullDistribution | None = None,
    *,
    timeout: float | None = None,
) -> SearchResult:
    """The images of a collection that answer a request.

    encoder: the one that made the collection; None if no term needs it. null: the null distribution if it is at
    hand; otherwise it is computed once for each open collection, and a search that has waited timeout seconds for
    it goes on without. UserError if encoder did not make the collection, or the request makes no sense.
    """
    started = time.perf_counter()
    if not len(collection):
        raise UserError(
            f"{collection.path} holds no images yet; build it: python -m index build FOLDER --into {collection.path}"
        )
    tags = read_tags(collection.path)
    rows = matching_request(collection, request, tags)
    if request.terms:
        ranking = _ranked(collection, encoder, request, rows, null, timeout)
    else:
        every = np.arange(len(collection)) if rows is None else rows
        ranking = _Ranking(facets_of(collection).ordered(every, request.order) if request.order != "best" else every)
    shown = range(*slice(request.offset, request.offset + request.count).indices(len(ranking.rows)))
    facets = facets_of(collection).counted(rows, rows_by_tag(collection, tags)) if request.with_facets else None
    return SearchResult(
        tuple(ranking.hit(collection, at, tags) for at in shown),
        total=len(collection),
        matching=len(collection) if rows is None else len(rows),
        likely=ranking.likely,
        threshold=ranking.threshold,
        facets=facets,
        seconds=time.perf_counter() - started,
    )


def hits_of(collection: Collection, ids: Sequence[str]) -> list[Hit]:
    """Images by their ids as hits without a score, in that order. KeyError for an id that is not there."""
    ranking = _Ranking(np.array([collection.row(id) for id in ids], np.intp))
    tags = read_tags(collection.path)
    return [ranking.hit(collection, at, tags) for at in range(len(ids))]


def matching_request(collection: Collection, request: SearchRequest, tags: Mapping[str, Sequence[str]]) -> Rows | None:
    """The rows that pass every filter of a request, None if it has none. tags: those of the collection, by id."""
    passing: Rows | None = None
    if request.filter:
        passing = rows_where(collection, request.filter)
    if request.facets or request.tags:
        tagged = rows_by_tag(collection, tags)
        if request.facets:
            passing = _both(passing, facets_of(collection).rows(request.facets, tagged))
        for name in request.tags:
            passing = _both(passing, np.flatnonzero(with_any_tag(len(collection), [name], tagged)))
    return passing


def _both(some: Rows | None, others: Rows) -> Rows:
    return others if some is None else np.intersect1d(some, others, assume_unique=True)


def rows_where(collection: Collection, expression: str) -> Rows:
    """The rows that a filter expression holds for; only the columns that it compares are read."""
    compared = {name: collection.column(name) for name in columns_of(expression, collection.columns)}
    return np.flatnonzero(matching_rows(pd.DataFrame(compared), expression))


@dataclass(frozen=True)
class _Ranking:
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


def _ranked(
    collection: Collection,
    encoder: Encoder | None,
    request: SearchRequest,
    among: Rows | None,
    null: NullDistribution | None,
    timeout: float | None,
) -> _Ranking:
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
    return _Ranking(rows[order], scores[order], None if normalised is None else normalised[order], likely, threshold)


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
