"""From what a person asks for to images, best first."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.nearest import Nearest, load_nearest
from index.query import Term, embed_query, parse_query
from index.retrieval.filters import columns_of, matching_rows
from training.models.encoder import Encoder
from training.models.errors import UserError


@dataclass(frozen=True)
class Hit:
    """One image found. rank counts from 1; score is the cosine to the query; row is its row in the collection."""

    rank: int
    score: float
    id: str
    path: str
    caption: str
    row: int


def search(
    collection: Collection,
    encoder: Encoder,
    query: str | Sequence[Term],
    k: int = 10,
    *,
    where: str | None = None,
    offset: int = 0,
) -> list[Hit]:
    """The k images that answer query best, after the first offset of them.

    where: a filter over the columns, applied before ranking, so it never empties the results by
    itself. UserError if encoder did not make the collection, or the query or filter makes no sense.
    """
    collection.check_encoder(encoder)
    if not len(collection):
        raise UserError(
            f"{collection.path} holds no images yet; build it: python -m index build FOLDER --into {collection.path}"
        )
    terms = parse_query(query) if isinstance(query, str) else list(query)
    vector = embed_query(terms, collection, encoder)
    return by_vector(collection, vector, k, where=where, offset=offset)


def by_vector(
    collection: Collection, vector: NDArray[np.float32], k: int, *, where: str | None = None, offset: int = 0
) -> list[Hit]:
    """The k images nearest to vector [dim], after the first offset of them; no encoder is needed for it."""
    if vector.shape != (collection.dim,):
        shape = list(vector.shape)
        raise UserError(f"The vector has the shape {shape}; those of {collection.name} have {collection.dim} numbers.")
    among = rows_where(collection, where) if where else None
    scores, rows = ranked(collection, vector, offset + k, among)
    found = zip(rows[offset:], scores[offset:], strict=True)
    return [hit(collection, int(row), float(score), offset + i) for i, (row, score) in enumerate(found, 1)]


def rows_where(collection: Collection, expression: str) -> NDArray[np.intp]:
    """The rows that a filter holds for; only the columns that it compares are read."""
    compared = {name: collection.column(name) for name in columns_of(expression, collection.columns)}
    return np.flatnonzero(matching_rows(pd.DataFrame(compared), expression))


def ranked(
    collection: Collection, vector: NDArray[np.float32], k: int, among: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Scores and rows of the k images nearest to vector [dim], best first; only of the rows in among, if given."""
    return nearest_of(collection)(vector, k, among)


def hit(collection: Collection, row: int, score: float, rank: int) -> Hit:
    """Row of the collection as an answer."""
    found = collection.record(row)
    return Hit(rank, score, found["id"], found["path"], found["caption"], row)


def hit_fields(collection: Collection, found: Hit) -> dict[str, Any]:
    """A hit as `python -m index search --json` prints it, with every column of its row."""
    row = collection.record(found.row)
    fields = {name: _plain(value) for name, value in row.items() if name not in ("id", "path", "caption")}
    head = {"rank": found.rank, "score": round(found.score, 5), "id": found.id, "path": found.path}
    return {**head, "caption": found.caption, **fields}


def _plain(value: Any) -> Any:
    """A cell as JSON holds it."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "item"):
        value = value.item()
    return None if value != value else value


@lru_cache(maxsize=16)
def nearest_of(collection: Collection) -> Nearest:
    """The collection's search structure, loaded once for each opened collection."""
    return load_nearest(collection)
