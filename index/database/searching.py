"""A search of a vector database: the request and the result are those of `index.search`, which calls this.

Images are ranked by their embeddings alone: the rank of names and captions, the relevance threshold and other orders
need what is derived from a whole collection. Copies are files with one image id, which exact copies have.
"""

import time
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from index.copies.best import FACTS, OF_ORIGINALS, places_of
from index.database.conditions import any_of, condition_of
from index.database.connecting import first_line
from index.database.database import Database
from index.database.effort import ROW, SCORE, search_vectors
from index.database.tables import COPIED
from index.nearest import EXACT_ROWS
from index.query import Term, embed_query
from index.retrieval.facets import TAGS
from index.retrieval.request import SearchRequest
from index.retrieval.result import Hit, SearchResult, Threshold
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.formats import IMAGES

DEEPER = 4  # times as many rows are ranked, where those ranked before are copies of too few


def search_database(database: Database, encoder: Encoder | None, request: SearchRequest) -> SearchResult:
    """The images of a database that answer a request. UserError for what only a collection can answer."""
    started = time.perf_counter()
    _check(request)
    if encoder is not None:
        database.check_encoder(encoder)
    where = condition_of(request, database.table.schema)
    try:
        matching = int(database.table.count_rows(where)) if where else database.total
        collapsed = request.collapse != "none"
        first, shown = _first(database, encoder, request, where, matching), (request.offset, request.count)
        page = first.iloc[shown[0] : sum(shown)]
        hits = _hits(database, page, where, request, collapsed)
        distinct = matching - _surplus(database, where) if collapsed else matching
    except (OSError, RuntimeError) as error:
        raise UserError(f"The database {database.path} cannot be searched: {first_line(error)}") from error
    return SearchResult(
        tuple(hits),
        total=database.total,
        matching=matching,
        distinct=distinct,
        collapse="same" if collapsed else "none",
        threshold=Threshold(False, False, reason="off" if request.threshold == "off" else "unmeasured")
        if request.terms
        else None,
        seconds=time.perf_counter() - started,
    )


def _check(request: SearchRequest) -> None:
    asked = {
        f"orders by {request.order}": request.order != "best",
        "knows likely images": request.likely_only or request.threshold not in ("auto", "off"),
        "counts facets": request.with_facets,
    }
    for what, wanted in asked.items():
        if wanted:
            raise UserError(f"Only a collection {what}, not a database; search the collection that was exported.")


def _first(
    database: Database, encoder: Encoder | None, request: SearchRequest, where: str, matching: int
) -> pd.DataFrame:
    """The best rows by id, ROW and SCORE, as many as the request shows; of an image one row if it collapses copies."""
    wanted, columns = request.offset + request.count, ["id", "path", "source"]
    query = embed_query(_with_file_names(request.terms, database), database, encoder) if request.terms else None
    depth = min(max(wanted, 1), max(matching, 1))
    while True:
        if query is None:
            found = database.rows(where, ["id"], depth).to_pandas().assign(**{SCORE: None})
        else:
            few = bool(where) and matching <= max(EXACT_ROWS, depth)
            facts = database.facts["search"]
            found = search_vectors(database.table, facts, query, depth, where, columns, few).to_pandas()
        distinct = found.drop_duplicates("id") if request.collapse != "none" else found
        if len(distinct) >= wanted or depth >= matching:
            return distinct
        depth = min(DEEPER * depth, matching)


def _with_file_names(terms: Sequence[Term], database: Database) -> list[Term]:
    """terms, each text that is the name of an image file replaced by that image."""
    found = []
    for term in terms:
        named = term.text is not None and term.text.lower().endswith(IMAGES)
        id = database.id_of_file(term.text) if named and term.text is not None else None
        found.append(term if id is None else Term(term.sign, term.weight, image_id=id))
    return found


def _hits(database: Database, page: pd.DataFrame, where: str, request: SearchRequest, collapsed: bool) -> list[Hit]:
    """The rows of a page as hits, each the best of its copies that pass."""
    if not len(page):
        return []
    one_of = any_of("id", page["id"].tolist())
    rows = database.rows(f"({one_of}) AND {where}" if where else one_of, [*database.columns, TAGS])
    by_id: dict[str, list[dict[str, Any]]] = {}
    for record in rows.to_pylist():
        by_id.setdefault(str(record["id"]), []).append(record)
    hits = []
    for rank, (id, at, score) in enumerate(page[["id", ROW, SCORE]].itertuples(index=False), request.offset + 1):
        copies = by_id[id]
        best = _best(copies) if collapsed else next(record for record in copies if record[ROW] == at)
        hits.append(_hit(database, best, rank, score, len(copies) if collapsed else 1))
    return hits


def _best(copies: list[dict[str, Any]]) -> dict[str, Any]:
    """The best of copies, by the rules of collections."""
    if len(copies) == 1:
        return copies[0]
    table = pd.DataFrame(copies)
    places = places_of(table[list(FACTS)], table[[name for name in OF_ORIGINALS if name in table]])
    return copies[int(places.argmin())]


def _hit(database: Database, record: dict[str, Any], rank: int, score: float | None, copies: int) -> Hit:
    return Hit(
        rank=rank,
        score=None if score is None else float(score),
        id=str(record["id"]),
        path=str(record["path"]),
        caption=str(record["caption"]),
        row=int(record[ROW]),
        matched=None if score is None else "image",
        tags=tuple(record[TAGS]),
        copies=copies,
        record={name: record[name] for name in database.columns},
    )


def _surplus(database: Database, where: str) -> int:
    """How many of the rows that pass are further copies of others that pass."""
    copied = f"{COPIED} AND {where}" if where else COPIED
    ids: pa.Table = database.table.search().where(copied).select(["id"]).limit(None).to_arrow()
    return len(ids) - len(ids["id"].unique())
