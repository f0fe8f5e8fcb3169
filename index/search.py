"""Search: the images of a collection that answer a query, best first.

Command line, page, REST, gradio_client and exports all call `search`, so that one request has one answer.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from index.collection import Collection
from index.database.database import Database
from index.database.searching import search_database
from index.retrieval.collapsing import Groups, groups_among, rows_of_groups
from index.retrieval.deadline import Deadline
from index.retrieval.facets import Facet, Rows, facets_of, with_any_tag
from index.retrieval.filters import columns_of, matching_rows
from index.retrieval.ranking import Ranking, depth_of, rank
from index.retrieval.relevance import NullDistribution
from index.retrieval.request import Collapse, SearchRequest
from index.retrieval.result import Hit, SearchResult, Threshold
from index.storage.json_files import image_id
from index.storage.tags import read_tags, rows_by_tag
from training.models.encoder import Encoder
from training.models.errors import UserError

__all__ = [
    "Hit",
    "SearchRequest",
    "SearchResult",
    "Threshold",
    "copies_of",
    "hits_of",
    "hits_of_rows",
    "matching",
    "rows_where",
    "search",
    "with_copies",
]

DEEPER = 4  # times as many images are ranked, where those ranked before are copies of too few
MANY = 500  # rows from which whole segments are read


def search(
    collection: Collection | Database,
    encoder: Encoder | None,
    request: SearchRequest,
    null: NullDistribution | None = None,
    *,
    timeout: float | None = None,
) -> SearchResult:
    """The images of a collection, or of a database that one was exported to, that answer a request.

    encoder: the one that made the collection; None if no term needs it. null: the null distribution if it is at
    hand; otherwise it is computed once for each open collection. timeout: seconds after which a search goes on without
    what is not ready: that, the index of texts, or the groups of copies; its result says what. UserError if encoder did
    not make the collection, or the request makes no sense.
    """
    if isinstance(collection, Database):
        return search_database(collection, encoder, request)
    started, deadline = time.perf_counter(), Deadline.after(timeout)
    if not len(collection):
        raise UserError(
            f"{collection.path} holds no images yet; build it: python -m index build FOLDER --into {collection.path}"
        )
    tags = read_tags(collection.path)
    rows = _matching(collection, request, tags)
    matching = len(collection) if rows is None else len(rows)
    groups = groups_among(collection, request.collapse, rows, deadline)

    def ranked(request: SearchRequest) -> Ranking:
        return rank(collection, encoder, request, rows, null, deadline, tags)

    if request.terms:
        ranking = _collapsed(ranked, request, groups, matching)
    else:
        every = np.arange(len(collection)) if rows is None else rows
        ranking = Ranking(facets_of(collection).ordered(every, request.order) if request.order != "best" else every)
        ranking = ranking if groups is None else groups.collapsed(ranking)
    shown = range(*slice(request.offset, request.offset + request.count).indices(len(ranking.rows)))
    facets = _counted(collection, request, rows, tags) if request.with_facets else None
    return SearchResult(
        tuple(ranking.hit(collection, at, tags) for at in shown),
        total=len(collection),
        matching=matching,
        distinct=matching if groups is None else groups.count,
        collapse="none" if groups is None else groups.collapse,
        likely=ranking.likely,
        threshold=ranking.threshold,
        facets=facets,
        pending=tuple(dict.fromkeys(deadline.missed)),
        seconds=time.perf_counter() - started,
    )


def _collapsed(
    ranked: Callable[[SearchRequest], Ranking], request: SearchRequest, groups: Groups | None, matching: int
) -> Ranking:
    """The ranking of a request, collapsed; more is ranked until there are as many hits as were requested."""
    if groups is None:
        return ranked(request)
    deeper = request
    while True:
        ranking, depth = ranked(deeper), depth_of(deeper, matching)
        found = groups.collapsed(ranking)
        if len(found.rows) >= request.offset + request.count or len(ranking.rows) < depth or depth >= matching:
            return found
        deeper = replace(deeper, count=DEEPER * depth)


def hits_of(collection: Collection, ids: Sequence[str]) -> list[Hit]:
    """Images by their ids as hits without a score, in that order. KeyError for an id that is not there."""
    rows = collection.rows(ids)
    of_id = dict(zip(reversed(collection.column("id").to_numpy()[rows].tolist()), reversed(rows.tolist()), strict=True))
    return hits_of_rows(collection, [of_id[image_id(id)] for id in ids])


def copies_of(collection: Collection, id: str, collapse: Collapse = "same", timeout: float | None = None) -> list[Hit]:
    """Every copy of the image called id, as hits without a score, the best first. KeyError if there is none."""
    groups = groups_among(collection, collapse, None, Deadline.after(timeout))
    rows = list(collection.rows([id])) if groups is None else rows_of_groups(groups, [collection.row(id)], None)
    if not rows:
        raise KeyError(id)
    return hits_of_rows(collection, rows)


def with_copies(
    collection: Collection, request: SearchRequest, hits: Sequence[Hit], timeout: float | None = None
) -> list[Hit]:
    """Every file that the hits of a request stand for, each with its own facts and the score of its hit.

    timeout: as the search had, so that both are of the same groups.
    """
    rows = _matching(collection, request, read_tags(collection.path))
    groups = groups_among(collection, request.collapse, rows, Deadline.after(timeout))
    if groups is None:
        return list(hits)
    found: list[Hit] = []
    for hit in hits:
        copies = hits_of_rows(collection, rows_of_groups(groups, [hit.row], rows)) if hit.copies > 1 else [hit]
        facts = {name: getattr(hit, name) for name in ("score", "normalised_score", "likely", "matched")}
        found += [replace(copy, **facts, rank=len(found) + at) for at, copy in enumerate(copies, 1)]
    return found


def hits_of_rows(collection: Collection, rows: Sequence[int]) -> list[Hit]:
    """Rows of a collection as hits without a score, in that order."""
    ranking, tags = Ranking(np.array(rows, np.intp)), read_tags(collection.path)
    records = collection.records(ranking.rows) if len(rows) >= MANY else [None] * len(rows)
    return [ranking.hit(collection, at, tags, record) for at, record in enumerate(records)]


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


def _counted(
    collection: Collection, request: SearchRequest, rows: Rows | None, tags: Mapping[str, Sequence[str]]
) -> list[Facet]:
    """The facets of the rows that pass a request; a column that it filters by, of what passes its other filters."""
    rows_for = {}
    for column in {one.column for one in request.facets}:
        others = replace(request, facets=[one for one in request.facets if one.column != column])
        passing = _matching(collection, others, tags)
        rows_for[column] = np.arange(len(collection)) if passing is None else passing
    return facets_of(collection).counted(rows, rows_by_tag(collection, tags), rows_for)


def _both(some: Rows | None, others: Rows) -> Rows:
    return others if some is None else np.intersect1d(some, others, assume_unique=True)


def rows_where(collection: Collection, expression: str) -> Rows:
    """The rows that a filter expression holds for; only the columns that it compares are read."""
    compared = {name: collection.column(name) for name in columns_of(expression, collection.columns)}
    return np.flatnonzero(matching_rows(pd.DataFrame(compared), expression))
