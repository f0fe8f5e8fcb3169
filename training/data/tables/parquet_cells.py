"""Cells of parquet columns as the values that a collection's columns hold."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from training.data.tables.header import INDEX_NAME
from training.data.tables.parquet_schema import class_names, holds_text, huggingface_features, is_binary, value_type
from training.data.tables.signatures import is_image_data
from training.data.texts import decode_text, printable_text

HEAD = 50  # rows by which a column is judged
LONGEST_TEXT = 10_000  # bytes


def is_index(field: pa.Field) -> bool:
    """Whether a column is the numbers of the rows that pandas keeps; an index of texts may be the paths."""
    return bool(field.name) and INDEX_NAME.fullmatch(field.name) is not None and not holds_text(field.type)


def texts_in_bytes(parquet: pq.ParquetFile, schema: pa.Schema) -> set[str]:
    """The columns of bytes that are texts: Hadoop's programs, for one, write texts without saying that they are."""
    names = [field.name for field in schema if is_binary(value_type(field.type))]
    batch = next(parquet.iter_batches(HEAD, columns=names), None) if names else None
    return {name for name in names if batch and _are_texts(batch.column(batch.schema.get_field_index(name)))}


def plain_cells(column: pa.ChunkedArray | pa.Array, schema: pa.Schema, name: str, as_text: bool = False) -> list[Any]:
    """The cells of the column called name: classes by their names, dates as timestamps in UTC without a zone.

    as_text: its bytes are texts.
    """
    cells = column.to_pylist()
    classes = class_names(huggingface_features(schema).get(name))
    if classes is not None:
        return [_named(cell, classes) for cell in cells]
    kind = value_type(column.type)
    if as_text:
        return [decode_text(cell) if isinstance(cell, bytes) else cell for cell in cells]
    if pa.types.is_map(kind):
        return [None if cell is None else dict(cell) for cell in cells]
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_decimal(kind):
        return [_plain(cell) for cell in cells]
    if pa.types.is_floating(kind):
        return [None if cell != cell else cell for cell in cells]  # NaN is the only value unlike itself
    return cells


def _are_texts(column: pa.Array) -> bool:
    cells = [cell for cell in column.to_pylist() if cell]
    return bool(cells) and all(len(cell) <= LONGEST_TEXT and _is_text(cell) for cell in cells)


def _is_text(cell: bytes) -> bool:
    try:
        text = cell.decode()
    except UnicodeDecodeError:
        return False
    return printable_text(text) == text and not is_image_data(cell)


def _named(cell: object, classes: list[str]) -> object:
    if isinstance(cell, list):
        return [_named(one, classes) for one in cell]
    if isinstance(cell, int):
        return classes[cell] if 0 <= cell < len(classes) else None
    return cell


def _plain(cell: object) -> object:
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() and cell.as_tuple().exponent == 0 else float(cell)
    if isinstance(cell, date | datetime):
        moment = pd.Timestamp(cell)
        return moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)
    return cell
