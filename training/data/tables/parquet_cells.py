"""Cells of parquet columns as the values that a collection's columns hold."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa

from training.data.tables.parquet_schema import class_names, huggingface_features


def plain_cells(column: pa.ChunkedArray, schema: pa.Schema, name: str) -> list[Any]:
    """The cells of the column called name: classes by their names, dates as timestamps in UTC without a zone."""
    cells = column.to_pylist()
    classes = class_names(huggingface_features(schema).get(name))
    if classes is not None:
        return [_named(cell, classes) for cell in cells]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_decimal(kind):
        return [_plain(cell) for cell in cells]
    if pa.types.is_floating(kind):
        return [None if cell != cell else cell for cell in cells]  # NaN is the only value unlike itself
    return cells


def _named(cell: Any, classes: list[str]) -> Any:
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
