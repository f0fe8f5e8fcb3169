"""Rows of a segment as parquet can hold them: each column of one type, each text valid."""

import pandas as pd
import pyarrow as pa

from index.storage.layout import BUILD_COLUMNS, REQUIRED_COLUMNS


def with_storable_types(items: pd.DataFrame) -> pd.DataFrame:
    """items with every column of one kind: what mixes kinds, or nests, becomes text."""
    first = [c for c in REQUIRED_COLUMNS + BUILD_COLUMNS if c in items]
    items = items[first + [c for c in items.columns if c not in first]].reset_index(drop=True)
    for column in items.columns:
        if items[column].dtype == object:
            present = items[column].dropna()
            kinds = {type(value) for value in present}
            one_kind = kinds <= {str} or kinds <= {bool} or kinds <= {int, float}
            if not one_kind or not _fits(items[column]):
                items[column] = present.map(lambda value: escape_surrogates(str(value))).reindex(items.index)
    return items


def _fits(column: pd.Series) -> bool:
    """Whether a column can be stored as it is: no number beyond 64 bits, no half of a surrogate pair."""
    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError, UnicodeError):
        return False
    return True


def escape_surrogates(text: str) -> str:
    """text that any file can hold: halves of surrogate pairs, which JSON may bring, become \\uNNNN."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
