"""Filters that a page can offer: what the columns of a collection hold, with counts, and the rows that remain."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.models.errors import UserError

MOST_VALUES = 60  # of a column that is offered as a list; a column with more is searched by a part of its text
NOT_OFFERED = ("id", "hash")


def facets(items: pd.DataFrame, rows: NDArray[np.intp] | None = None) -> list[dict[str, Any]]:
    """Every column that can be filtered by, counted over rows (all of them if None).

    kind is "values" with [value, count] pairs, most frequent first; "range" with low, high and counts
    of BINS equal parts; "dates" likewise by year; or "text", which is searched by a part of it.
    """
    shown = items if rows is None else items.iloc[rows]
    offered = [_facet(name, items[name], shown[name]) for name in items.columns if name not in NOT_OFFERED]
    return [facet for facet in offered if facet is not None]


def _facet(name: str, column: pd.Series, shown: pd.Series) -> dict[str, Any] | None:
    known = column.dropna()
    if not len(known):
        return None
    if pd.api.types.is_datetime64_any_dtype(column):
        years = known.dt.year
        counts = shown.dropna().dt.year.value_counts()
        span = range(int(years.min()), int(years.max()) + 1)
        return {"column": name, "kind": "dates", "counts": [[year, int(counts.get(year, 0))] for year in span][-60:]}
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        texts = column.map(_text)
        if texts.nunique() > MOST_VALUES:
            return {"column": name, "kind": "text"}
        counts = shown.map(_text).value_counts()
        order = texts.value_counts().index
        values = [[value, int(counts.get(value, 0))] for value in order if value]
        return {"column": name, "kind": "values", "values": values} if len(values) > 1 else None
    low, high = float(known.min()), float(known.max())
    return {"column": name, "kind": "range", "low": low, "high": high} if low < high else None


def rows_of(items: pd.DataFrame, filters: Sequence[Mapping[str, Any]]) -> NDArray[np.intp]:
    """The rows that pass every filter. UserError for a column that is not there or a filter of no known kind.

    A filter names a column and one of: values (any of them), low and/or high (inclusive; numbers, or
    dates as YYYY-MM-DD), contains (a part of the text, in whatever case).
    """
    passing = np.ones(len(items), bool)
    for one in filters:
        name = str(one.get("column"))
        if name not in items.columns:
            raise UserError(f"There is no column called {name!r} to filter by.")
        passing &= _passes(items[name], one)
    return np.flatnonzero(passing)


def _passes(column: pd.Series, one: Mapping[str, Any]) -> NDArray[np.bool_]:
    if "values" in one:
        return column.map(_text).isin([str(value) for value in one["values"]]).to_numpy()
    if "contains" in one:
        part = str(one["contains"]).casefold()
        return column.map(_text).str.casefold().str.contains(part, regex=False).to_numpy()
    if "low" not in one and "high" not in one:
        raise UserError(f"The filter on {column.name!r} asks for nothing; give values, a part of the text, or limits.")
    passing = np.ones(len(column), bool)
    for end, compare in (("low", pd.Series.ge), ("high", pd.Series.le)):
        if one.get(end) is not None:
            passing &= compare(column, _limit(column, one[end], end)).fillna(False).to_numpy(bool)
    return passing


def _limit(column: pd.Series, value: Any, end: str) -> Any:
    try:
        if pd.api.types.is_datetime64_any_dtype(column):
            moment = pd.Timestamp(str(value)).tz_localize(None)
            if end == "high" and len(str(value)) <= len("2026-01-31"):  # a day, not a moment: until its end
                moment += pd.Timedelta(days=1) - pd.Timedelta(1, "ns")
            return moment.tz_localize(column.dt.tz) if column.dt.tz is not None else moment
        return float(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{value!r} is no limit for the column {column.name!r}.") from error


def _text(value: Any) -> str:
    """A cell as people read it; nothing for a missing one."""
    if value is None or (isinstance(value, float) and value != value) or value is pd.NaT:
        return ""
    return str(value)
