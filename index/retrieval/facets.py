"""Facets: what the columns of a collection hold, with counts, filters over them, and orders."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.retrieval.dates import DATES, dates
from index.storage.cells import as_texts
from training.data.metadata.columns import LISTS, split
from training.models.errors import UserError

MOST_VALUES = 60  # of a column that is offered as a list; a column with more is searched by a part of its text
NOT_OFFERED = ("id", "hash", "source", "taken_offset", "orientation")
TAGS = "tags"
ORDERS = ("best", "newest", "oldest", "largest", "name")

KINDS = ("values", "dates", "text", "range")  # in the order of the page: what is chosen by a click comes first

OPERATOR = re.compile(r"(>=|<=|=|~)")  # of a filter as people write it
NUMBER = re.compile(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?")

Rows = NDArray[np.intp]
Facet = dict[str, Any]  # JSON: column, kind and what belongs to the kind, see Facets.counted


@dataclass(frozen=True)
class FacetFilter:
    """A filter over one column: any of values, low to high (inclusive; numbers, or dates as YYYY-MM-DD), or
    contains, a part of the text in whatever case."""

    column: str
    values: tuple[str, ...] | None = None
    low: float | str | None = None
    high: float | str | None = None
    contains: str | None = None


def read_facet_filters(texts: Sequence[str]) -> list[FacetFilter]:
    """Filters as people write them: COLUMN=VALUE, of which those of one column are alternatives, COLUMN>=VALUE,
    COLUMN<=VALUE, and COLUMN~TEXT for a part of a text. UserError for others."""
    values: dict[str, list[str]] = {}
    others = []
    for text in texts:
        column, operator, value = (part.strip() for part in [*OPERATOR.split(text, maxsplit=1), "", ""][:3])
        if not operator or not column:
            raise UserError(f"The filter {text!r} is not COLUMN=VALUE, COLUMN>=VALUE, COLUMN<=VALUE or COLUMN~TEXT.")
        if operator == "=":
            values.setdefault(column, []).append(value)
        elif operator == "~":
            others.append(FacetFilter(column, contains=value))
        else:
            limit = float(value) if NUMBER.fullmatch(value) else value
            others.append(FacetFilter(column, low=limit) if operator == ">=" else FacetFilter(column, high=limit))
    return [FacetFilter(column, values=tuple(of_column)) for column, of_column in values.items()] + others


def facet_texts(facet: FacetFilter) -> list[str]:
    """What read_facet_filters reads as this filter."""
    found = [f"{facet.column}={value}" for value in facet.values or ()]
    found += [f"{facet.column}>={facet.low}"] * (facet.low is not None)
    found += [f"{facet.column}<={facet.high}"] * (facet.high is not None)
    return found + [f"{facet.column}~{facet.contains}"] * bool(facet.contains)


class Facets:
    """The columns of a collection, each prepared when it is first needed, so that filters and counts are quick.

    tagged, where it is a parameter, gives the rows of each tag: tags are a column that changes.
    """

    def __init__(self, columns: Sequence[str], rows: int, column: Callable[[str], pd.Series]):
        self.columns, self._length, self._values = columns, rows, column
        self._texts: dict[str, tuple[NDArray[np.int32], Sequence[str]]] = {}
        self._lists: dict[str, dict[str, Rows]] = {}

    def counted(
        self,
        rows: Rows | None = None,
        tagged: Mapping[str, Rows] | None = None,
        rows_for: Mapping[str, Rows] | None = None,
    ) -> list[Facet]:
        """Every column that can be filtered by, counted over rows (all of them if None).

        rows_for: other rows to count a column over, by its name. A column with a filter of its own is counted over what
        passes the others, so that its other values can be chosen too.

        kind is "values" with [value, count] pairs, most frequent first; "range" with low and high;
        "dates" with [year, count] pairs; or "text", which is searched by a part of it.
        """
        shown = np.arange(self._length) if rows is None else rows
        others = rows_for or {}
        found: list[Facet | None] = [self._several(TAGS, others.get(TAGS, shown), tagged)] if tagged else []
        found += [self._column(name, others.get(name, shown)) for name in self.columns if name not in NOT_OFFERED]
        return sorted((facet for facet in found if facet is not None), key=lambda facet: KINDS.index(facet["kind"]))

    def rows(self, filters: Sequence[FacetFilter], tagged: Mapping[str, Rows] | None = None) -> Rows:
        """The rows that pass every filter. UserError for a column that is not there or a filter without a condition."""
        passing = np.ones(self._length, bool)
        for one in filters:
            if one.column == TAGS and tagged is not None:
                passing &= with_any_tag(len(passing), one.values or (), tagged)
            elif one.column in LISTS and one.column in self.columns and one.values is not None:
                passing &= with_any_tag(len(passing), one.values, self._rows_of_values(one.column))
            elif one.column in self.columns:
                passing &= self._passes(one)
            else:
                raise UserError(f"There is no column called {one.column!r} to filter by.")
        return np.flatnonzero(passing)

    def ordered(self, rows: Rows, by: str) -> Rows:
        """rows in one of ORDERS; "best" leaves them as they are. UserError for another word."""
        if by not in ORDERS:
            raise UserError(f"Images cannot be ordered by {by!r}; choose from {', '.join(ORDERS)}.")
        if by == "best" or not len(rows):
            return rows
        if by in ("newest", "oldest"):
            times = [name for name in DATES if name in self.columns]
            key = dates(pd.DataFrame({name: self._values(name).iloc[rows] for name in times}))
        elif by == "largest":
            key = self._values("width").iloc[rows].astype(float) * self._values("height").iloc[rows].astype(float)
        else:
            key = self._values("path").iloc[rows].str.rpartition("/")[2].str.casefold()
        order = key.argsort() if by in ("oldest", "name") else (-key.rank(method="first", na_option="bottom")).argsort()
        return rows[order.to_numpy()]

    def _several(self, name: str, shown: Rows, rows_of: Mapping[str, Rows]) -> Facet:
        """The facet of a column of which a row may hold several values."""
        inside = np.zeros(self._length, bool)
        inside[shown] = True
        values = [[value, int(inside[rows].sum())] for value, rows in rows_of.items()]
        return {"column": name, "kind": "values", "values": sorted(values, key=lambda v: (-v[1], v[0]))}

    def _rows_of_values(self, name: str) -> dict[str, Rows]:
        """The rows of each value of a column of LISTS."""
        if name not in self._lists:
            codes, texts = self._text_codes(name)
            of_text = pd.Series(np.arange(len(codes))).groupby(codes).indices
            found: dict[str, list[Rows]] = {}
            for code, rows in of_text.items():
                for value in split(texts[code]):
                    found.setdefault(value, []).append(rows)
            self._lists[name] = {value: np.concatenate(parts) for value, parts in found.items()}
        return self._lists[name]

    def _column(self, name: str, shown: Rows) -> Facet | None:
        column = self._values(name)
        if name in LISTS and 0 < len(self._rows_of_values(name)) <= MOST_VALUES:
            return self._several(name, shown, self._rows_of_values(name))
        if pd.api.types.is_datetime64_any_dtype(column):
            years = column.dt.year.to_numpy()
            known = years[~np.isnan(years)] if years.dtype.kind == "f" else years
            if not len(known):
                return None
            counts = pd.Series(years[shown]).value_counts()
            span = range(int(known.min()), int(known.max()) + 1)
            return {"column": name, "kind": "dates", "counts": [[y, int(counts.get(y, 0))] for y in span][-60:]}
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            finite = column.replace([np.inf, -np.inf], np.nan)
            low, high = float(finite.min()), float(finite.max())
            return {"column": name, "kind": "range", "low": low, "high": high} if low < high else None
        codes, values = self._text_codes(name)
        if len(values) > MOST_VALUES:
            return {"column": name, "kind": "text"}
        every, here = np.bincount(codes, minlength=len(values)), np.bincount(codes[shown], minlength=len(values))
        order = [at for at in np.argsort(-every, kind="stable") if values[at]]
        listed = [[values[at], int(here[at])] for at in order]
        divides = len(listed) > 1 or (len(order) == 1 and every[order[0]] < len(codes))
        return {"column": name, "kind": "values", "values": listed} if divides else None

    def _passes(self, one: FacetFilter) -> NDArray[np.bool_]:
        if one.values is not None or one.contains is not None:
            codes, texts = self._text_codes(one.column)
            if one.values is not None:
                wanted = set(one.values)
                matching = [text in wanted for text in texts]
            else:
                part = str(one.contains).casefold()
                matching = [part in text.casefold() for text in texts]
            return np.array(matching, bool)[codes]
        if one.low is None and one.high is None:
            raise UserError(
                f"The filter on {one.column!r} has no condition; give values, a part of the text, or limits."
            )
        column, passing = self._values(one.column), np.ones(self._length, bool)
        for value, end, compare in ((one.low, "low", pd.Series.ge), (one.high, "high", pd.Series.le)):
            if value is not None:
                passing &= compare(column, limit(column, value, end)).fillna(False).to_numpy(bool)
        return passing

    def _text_codes(self, name: str) -> tuple[NDArray[np.int32], Sequence[str]]:
        """Each row's place in the list of the column's different texts, and that list."""
        if name not in self._texts:
            codes, values = pd.factorize(as_texts(self._values(name)), sort=False)
            # A list of a hundred thousand texts takes four times what Arrow does.
            self._texts[name] = codes.astype(np.int32), pd.array(values, dtype="str")
        return self._texts[name]


def facets_of(collection: Collection) -> Facets:
    """The facets of an open collection, prepared once."""
    return collection.derived("facets", lambda: Facets(collection.columns, len(collection), collection.column))


def with_any_tag(images: int, names: Sequence[str], tagged: Mapping[str, Rows]) -> NDArray[np.bool_]:
    """Which of so many images have at least one of the tags: [images]."""
    have = np.zeros(images, bool)
    for name in names:
        have[tagged.get(name, [])] = True
    return have


def limit(column: pd.Series, value: float | str, end: str) -> float | pd.Timestamp:
    try:
        if pd.api.types.is_datetime64_any_dtype(column):
            time = pd.Timestamp(str(value)).tz_localize(None)
            if end == "high" and len(str(value)) <= len("2026-01-31"):  # a day, not a time of day: until its end
                time += pd.Timedelta(days=1) - pd.Timedelta(1, "ns")
            return time.tz_localize(column.dt.tz) if column.dt.tz is not None else time
        return float(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{value!r} is no limit for the column {column.name!r}.") from error
