"""The rows of a collection as a table of the database: a row a file, its vector, its tags, and where it came from.

SEGMENT and OFFSET name the row's place in the collection's segments. The rows of a segment never change and its name is
never given again, so that an export knows from them alone what is new and what is gone.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from index.collection import Collection
from index.retrieval.facets import TAGS
from index.storage.items import with_storable_types
from index.storage.layout import OFFLINE

VECTOR, SEGMENT, OFFSET, COPIED = "vector", "gelato_segment", "gelato_offset", "gelato_copied"
OURS = (VECTOR, TAGS, SEGMENT, OFFSET, COPIED)  # columns of the table that are none of the collection's
CHUNK = 20_000  # rows that are in memory at a time


def columns_of(collection: Collection) -> dict[str, str]:
    """The name in the database of each column of a collection; a database takes no dots and no backticks in one."""
    names: dict[str, str] = {}
    for column in collection.columns:
        if column != OFFLINE:
            name = column.replace(".", "_").replace("`", "_") or "unnamed"
            names[column] = f"source_{name}" if name in OURS else name
    return names


def schema_of(collection: Collection) -> pa.Schema:
    """The schema of the whole table: a column has the kind that holds the cells of every segment."""
    names, kinds = columns_of(collection), dict[str, pa.DataType]()
    for part in collection.schemas:
        for field in part:
            if field.name in names:
                before = kinds.get(field.name, field.type)
                kinds[field.name] = _wider(before, field.type)
    fields = [pa.field(names[name], kinds[name]) for name in names]
    fields += [pa.field(TAGS, pa.list_(pa.string())), pa.field(SEGMENT, pa.string()), pa.field(OFFSET, pa.int64())]
    fields += [pa.field(COPIED, pa.bool_()), pa.field(VECTOR, pa.list_(pa.float16(), collection.dim))]
    return pa.schema(fields)


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    both = (one, other)
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in both):
        return pa.float64()
    return one if all(pa.types.is_timestamp(kind) for kind in both) else pa.string()


def batches(
    collection: Collection, segments: list[str], tags: dict[str, list[str]], copied: set[str], schema: pa.Schema
) -> Iterator[pa.Table]:
    """The rows of some segments, a chunk at a time; no chunk reaches over two of them."""
    names, wanted = columns_of(collection), set(segments)
    parts = zip(collection.manifest.segments, collection.parts, collection.segment_frames(), strict=False)
    for (segment, count), vectors, frame in parts:
        if segment in wanted:
            rows = with_storable_types(frame[[name for name in names if name in frame]]).rename(columns=names)
            for start in range(0, count, CHUNK):
                stop = min(start + CHUNK, count)
                yield _table(rows.iloc[start:stop], vectors[start:stop], segment, start, tags, copied, schema)


def _table(
    rows: pd.DataFrame,
    vectors: np.ndarray,
    segment: str,
    start: int,
    tags: dict[str, list[str]],
    copied: set[str],
    schema: pa.Schema,
) -> pa.Table:
    ids = rows["id"].tolist()
    made: dict[str, pa.Array] = {
        TAGS: pa.array([tags.get(id, []) for id in ids], pa.list_(pa.string())),
        SEGMENT: pa.array([segment] * len(ids), pa.string()),
        OFFSET: pa.array(range(start, start + len(ids)), pa.int64()),
        COPIED: pa.array([id in copied for id in ids], pa.bool_()),
        VECTOR: pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).ravel()), vectors.shape[1]),
    }
    arrays = [made[field.name] if field.name in made else _column(rows, field) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def _column(rows: pd.DataFrame, field: pa.Field) -> pa.Array:
    if field.name not in rows:
        return pa.nulls(len(rows), field.type)
    cells = rows[field.name]
    if pa.types.is_string(field.type):
        cells = cells.map(str, na_action="ignore")
    return pa.array(cells, field.type, from_pandas=True)
