"""Filters that a page can offer: what the columns of a collection hold, with counts, and the rows that remain."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from training.models.errors import UserError

MOST_VALUES = 60  # of a column that is offered as a list; a column with more is searched by a part of its text
NOT_OFFERED = ("id", "hash", "source")
TAGS = "tags"
SORTS = ("best", "newest", "oldest", "largest", "name")

ORDER = ("values", "dates", "text", "range")  # of the kinds: what is picked by a click comes first

Rows = NDArray[np.intp]


class Facets:
    """The columns of a collection's items, prepared once so that filters and counts are quick.

    tagged, where it is asked for, gives the rows of each tag: tags are a column that changes.
    """

    def __init__(self, items: pd.DataFrame):
        self.items = items
        self._texts: dict[str, tuple[Rows, list[str]]] = {}
        self._files: dict[str, int] | None = None

    def offered(self, rows: Rows | None = None, tagged: Mapping[str, Rows] | None = None) -> list[dict[str, Any]]:
        """Every column that can be filtered by, counted over rows (all of them if None).

        kind is "values" with [value, count] pairs, most frequent first; "range" with low and high;
        "dates" with [year, count] pairs; or "text", which is searched by a part of it.
        """
        shown = np.arange(len(self.items)) if rows is None else rows
        found: list[dict[str, Any] | None] = [self._tags(shown, tagged)] if tagged else []
        found += [self._column(name, shown) for name in self.items.columns if name not in NOT_OFFERED]
        return sorted((facet for facet in found if facet is not None), key=lambda facet: ORDER.index(facet["kind"]))

    def rows(self, filters: Sequence[Mapping[str, Any]], tagged: Mapping[str, Rows] | None = None) -> Rows:
        """The rows that pass every filter. UserError for a column that is not there or a filter of no known kind.

        A filter names a column and one of: values (any of them), low and/or high (inclusive; numbers, or
        dates as YYYY-MM-DD), contains (a part of the text, in whatever case).
        """
        passing = np.ones(len(self.items), bool)
        for one in filters:
            name = str(one.get("column"))
            if name == TAGS and tagged is not None:
                have = np.zeros(len(passing), bool)
                for value in one.get("values") or []:
                    have[tagged.get(str(value), [])] = True
                passing &= have
            elif name in self.items.columns:
                passing &= self._passes(name, one)
            else:
                raise UserError(f"There is no column called {name!r} to filter by.")
        return np.flatnonzero(passing)

    def ordered(self, rows: Rows, by: str) -> Rows:
        """rows in the order of one of SORTS; "best" leaves them as they are. UserError for another word."""
        if by not in SORTS:
            raise UserError(f"Images cannot be sorted by {by!r}; choose from {', '.join(SORTS)}.")
        if by == "best" or not len(rows):
            return rows
        some = self.items.iloc[rows]
        if by in ("newest", "oldest"):
            key = some["date"].fillna(some["modified"]) if "date" in some else some["modified"]
        elif by == "largest":
            key = some["width"].astype(float) * some["height"].astype(float)
        else:
            key = some["path"].str.rpartition("/")[2].str.casefold()
        order = key.argsort() if by in ("oldest", "name") else (-key.rank(method="first", na_option="bottom")).argsort()
        return rows[order.to_numpy()]

    def row_of_file(self, name: str) -> int | None:
        """The first row whose file is called name, in whatever case; None if there is none."""
        if self._files is None:
            files = self.items["path"].str.rpartition("/")[2].str.casefold()
            self._files = {file: row for row, file in reversed(list(enumerate(files)))}
        return self._files.get(name.casefold())

    def _tags(self, shown: Rows, tagged: Mapping[str, Rows]) -> dict[str, Any]:
        inside = np.zeros(len(self.items), bool)
        inside[shown] = True
        values = [[name, int(inside[rows].sum())] for name, rows in tagged.items()]
        return {"column": TAGS, "kind": "values", "values": sorted(values, key=lambda v: (-v[1], v[0]))}

    def _column(self, name: str, shown: Rows) -> dict[str, Any] | None:
        column = self.items[name]
        if pd.api.types.is_datetime64_any_dtype(column):
            years = column.dt.year.to_numpy()
            known = years[~np.isnan(years)] if years.dtype.kind == "f" else years
            if not len(known):
                return None
            counts = pd.Series(years[shown]).value_counts()
            span = range(int(known.min()), int(known.max()) + 1)
            return {"column": name, "kind": "dates", "counts": [[y, int(counts.get(y, 0))] for y in span][-60:]}
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            low, high = float(column.min()), float(column.max())
            return {"column": name, "kind": "range", "low": low, "high": high} if low < high else None
        codes, values = self._text_codes(name)
        if len(values) > MOST_VALUES:
            return {"column": name, "kind": "text"}
        every, here = np.bincount(codes, minlength=len(values)), np.bincount(codes[shown], minlength=len(values))
        order = [at for at in np.argsort(-every, kind="stable") if values[at]]
        listed = [[values[at], int(here[at])] for at in order]
        return {"column": name, "kind": "values", "values": listed} if len(listed) > 1 else None

    def _passes(self, name: str, one: Mapping[str, Any]) -> NDArray[np.bool_]:
        if "values" in one or "contains" in one:
            codes, values = self._text_codes(name)
            if "values" in one:
                wanted = {str(value) for value in one["values"]}
                good = [value in wanted for value in values]
            else:
                part = str(one["contains"]).casefold()
                good = [part in value.casefold() for value in values]
            return np.array(good, bool)[codes]
        if one.get("low") is None and one.get("high") is None:
            raise UserError(f"The filter on {name!r} asks for nothing; give values, a part of the text, or limits.")
        column, passing = self.items[name], np.ones(len(self.items), bool)
        for end, compare in (("low", pd.Series.ge), ("high", pd.Series.le)):
            if one.get(end) is not None:
                passing &= compare(column, _limit(column, one[end], end)).fillna(False).to_numpy(bool)
        return passing

    def _text_codes(self, name: str) -> tuple[Rows, list[str]]:
        """Each row's place in the list of the column's different texts, and that list."""
        if name not in self._texts:
            codes, values = pd.factorize(self.items[name].map(_text), sort=False)
            self._texts[name] = codes, [str(value) for value in values]
        return self._texts[name]


@lru_cache(maxsize=16)
def facets_of(collection: Collection) -> Facets:
    """The facets of an opened collection, prepared once."""
    return Facets(collection.items)


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
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    return str(value)
