"""A selection as one table: CSV, JSON or parquet. The command and the page's downloads write the same."""

import io
import json

import pandas as pd

from index.export.selection import Selection
from index.storage.cells import as_json
from index.storage.items import with_storable_types
from index.storage.tables import csv_of

LIST_SEPARATOR = "; "  # between the tags of an image, where a cell is text


def table_csv(selection: Selection) -> bytes:
    """A row an image, in UTF-8; no cell is a formula."""
    return csv_of(_with_text(selection.table()))


def table_json(selection: Selection) -> bytes:
    """A list of objects, strict JSON: what is missing is null, dates are ISO 8601, tags are a list."""
    rows = selection.table().to_dict("records")
    document = [
        {str(name): value if isinstance(value, list) else as_json(value) for name, value in row.items()} for row in rows
    ]
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False).encode()


def table_parquet(selection: Selection) -> bytes:
    out = io.BytesIO()
    with_storable_types(_with_text(selection.table())).to_parquet(out, index=False)
    return out.getvalue()


def _with_text(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(tags=table["tags"].map(LIST_SEPARATOR.join))
