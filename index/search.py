"""Search: the images of a collection that answer a query, best first.

Command line, page, REST, gradio_client and exports all call `search`, so that one request has one answer.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from index.collection import Collection
from index.retrieval.facets import Rows, facets_of, with_any_tag
from index.retrieval.filters import columns_of, matching_rows
from index.retrieval.ranking import Ranking, rank
from index.retrieval.relevance import NullDistribution
from index.retrieval.request import SearchRequest
from index.retrieval.result import Hit, SearchResult, Threshold
from index.storage.tags import read_tags, rows_by_tag
from training.models.encoder import Encoder
from training.models.errors import UserError

__all__ = ["Hit", "SearchRequest", "SearchResult", "Threshold", "hits_of", "matching", "rows_where", "search"]


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
    rows = _matching(collection, request, tags)
    if request.terms:
        ranking = rank(collection, encoder, request, rows, null, timeout, tags)
    else:
        every = np.arange(len(collection)) if rows is None else rows
        ranking = Ranking(facets_of(collection).ordered(every, request.order) if request.order != "best" else every)
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
    ranking = Ranking(np.array([collection.row(id) for id in ids], np.intp))
    tags = read_tags(collection.path)
    return [ranking.hit(collection, at, tags) for at in range(len(ids))]


def matching(collection: Collection, request: SearchRequest) -> Rows:
    """The rows that pass every filter of a request, whatever its terms."""
    rows = _matching(collection, request, read_tags(collection.path))
    return np.arange(len(collection)) if rows is None else rows


def _matching(collection: Collection, request: SearchRequest, tags: Mapping[str, Sequence[str]]) -> Rows | None:
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
