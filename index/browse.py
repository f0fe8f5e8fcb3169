"""Browsing: the images of a collection that pass filters, in an order, in groups of a day, month, folder or place."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.retrieval.collapsing import Groups, groups_among
from index.retrieval.dates import DATES, clocks
from index.retrieval.deadline import Deadline
from index.retrieval.facets import Rows, facets_of
from index.retrieval.ranking import Ranking
from index.retrieval.request import SearchRequest
from index.retrieval.result import Hit
from index.search import matching
from index.storage.annotation_cache import annotations_version
from index.storage.cells import as_texts
from index.storage.layout import OFFLINE
from index.storage.tags import read_tags
from training.models.errors import UserError
from training.models.lru_cache import LRUCache

Grouping: TypeAlias = Literal["auto", "day", "month", "folder", "place", "none"]
MOST_GROUPS = 20_000
DENSE = 4  # images of an average day, from which the groups of `auto` are days; they are months else
PLACES = ("place", "city", "location", "country")  # columns of a source that name places; the first that there is
HELD = 8  # orders of a collection that are held, for its next pages


@dataclass(frozen=True)
class Browsing:
    """Every image of a request, in order. rows: of the best copy of each, [n]. copies: files that each stands for, [n].

    group: what the images are grouped by. keys: of each group, in order: YYYY-MM-DD, YYYY-MM, a folder or a place; ""
    where that is not known. counts: images of each group. choices: what this collection can be grouped by. matching:
    files that pass the filters.
    """

    collection: Collection
    rows: Rows
    copies: NDArray[np.intp]
    group: Grouping
    keys: tuple[str, ...]
    counts: tuple[int, ...]
    choices: tuple[Grouping, ...]
    matching: int

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def version(self) -> str:
        """Differs whenever a place may hold another image, of which a person has chosen places."""
        facts = f"{self.collection.fingerprint} {self.collection.revision}".encode()
        return hashlib.blake2b(self.rows.tobytes() + facts, digest_size=12).hexdigest()

    def ids(self, end: int | None = None) -> list[str]:
        """The ids of the images up to a place, of all if None."""
        return list(map(str, self.collection.column("id").to_numpy()[self.rows[:end]]))

    def hits(self, offset: int, count: int) -> list[Hit]:
        """A part of the images. They have no columns: neighbours in time lie far apart on disk."""
        collection, tags = self.collection, read_tags(self.collection.path)
        ids, paths, captions = (collection.column(name) for name in ("id", "path", "caption"))
        found = []
        for at in range(*slice(offset, offset + count).indices(len(self))):
            row = int(self.rows[at])
            facts = str(ids.iat[row]), str(paths.iat[row]), str(captions.iat[row])
            offline = {OFFLINE: bool(collection.offline[row])}
            of_image = {"tags": tuple(tags.get(facts[0], ())), "copies": int(self.copies[at])}
            found.append(Hit(at + 1, None, *facts, row, record=offline, **of_image))  # type: ignore[arg-type]
        return found


def browse(
    collection: Collection, request: SearchRequest, group: Grouping = "auto", timeout: float | None = None
) -> Browsing:
    """The images that pass the filters of a request, in its order ("best" is the newest first) and in groups.

    Its terms, offset and count are not looked at. Days and months are those of the clock where an image was taken; they
    follow the order of the request only where that is newest or oldest, and else there are no groups of time. timeout:
    seconds to wait for the groups of copies. UserError for more than MOST_GROUPS groups.
    """
    request = replace(request, terms=(), offset=0, count=0)  # all pages are of one order
    rows = matching(collection, request)
    whole = len(rows) == len(collection)
    copies = groups_among(collection, request.collapse, None if whole else rows, Deadline.after(timeout))
    tagged = annotations_version(collection.path) if request.facets or request.tags else ""
    key = (repr(request), group, tagged, None if copies is None else (copies.collapse, copies.count))
    held: LRUCache[object, Browsing] = collection.derived("browsing", lambda: LRUCache(HELD))
    return held.get_or_make(key, partial(_browse, collection, request, group, rows, copies))


def _browse(
    collection: Collection, request: SearchRequest, group: Grouping, rows: Rows, copies: Groups | None
) -> Browsing:
    order = "newest" if request.order == "best" else request.order
    ranking = Ranking(rows) if copies is None else copies.collapsed(Ranking(rows))
    files = np.ones(len(collection), np.intp)
    if ranking.copies is not None:
        files[ranking.rows] = ranking.copies
    shown = _ordered(collection, ranking.rows, order)  # by what is shown of it: a copy may have another date
    choices = _choices(collection, order)
    chosen = _chosen(collection, shown, group, choices)
    keys, counts, places = _grouped(collection, shown, chosen)
    shown = shown[places]
    return Browsing(collection, shown, files[shown], chosen, keys, counts, choices, len(rows))


def _ordered(collection: Collection, rows: Rows, order: str) -> Rows:
    """Rows in an order; of the same moment as they come, and those without a date last."""
    if order not in ("newest", "oldest"):
        return facets_of(collection).ordered(rows, order)
    times = _clocks(collection)[rows]
    known = ~np.isnat(times)
    sorted_ = np.argsort(times[known], kind="stable")
    sorted_ = sorted_[::-1] if order == "newest" else sorted_
    return np.concatenate([rows[known][sorted_], rows[~known]])


def _choices(collection: Collection, order: str) -> tuple[Grouping, ...]:
    """What images in this order can be grouped by."""
    time: tuple[Grouping, ...] = ("day", "month") if order in ("newest", "oldest") else ()
    others = [name for name in ("folder", "place") if len(_names(collection, name)[1]) > 1]
    return (*time, *others, "none")  # type: ignore[arg-type]


def _chosen(collection: Collection, rows: Rows, group: Grouping, choices: tuple[Grouping, ...]) -> Grouping:
    if group != "auto":
        return group if group in choices else "none"
    if "day" not in choices or not len(rows):
        return "none"
    days = len(np.unique(_clocks(collection)[rows].astype("datetime64[D]")))
    return "day" if len(rows) >= DENSE * days else "month"


def _grouped(
    collection: Collection, rows: Rows, group: Grouping
) -> tuple[tuple[str, ...], tuple[int, ...], NDArray[np.intp]]:
    """The key and the size of each group, and the places of rows in the order of the groups."""
    if group == "none" or not len(rows):
        return ("",), (len(rows),), np.arange(len(rows))
    if group in ("day", "month"):  # the order is that of time already
        spans = _clocks(collection)[rows].astype("datetime64[D]" if group == "day" else "datetime64[M]").astype(str)
        starts = np.flatnonzero(np.concatenate([[True], spans[1:] != spans[:-1]]))
        keys, places = np.where(spans[starts] == "NaT", "", spans[starts]).tolist(), np.arange(len(rows))
    else:
        of_row, names = _names(collection, group)
        places = np.argsort(of_row[rows], kind="stable")
        codes = of_row[rows][places]
        starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
        keys = [names[code] for code in codes[starts]]
    if len(starts) > MOST_GROUPS:
        raise UserError(f"By {group} there are {len(starts):,} groups; the most is {MOST_GROUPS:,}. Group otherwise.")
    return tuple(keys), tuple(np.diff([*starts, len(rows)]).tolist()), places


def _clocks(collection: Collection) -> NDArray[np.datetime64]:
    names = [name for name in (*DATES, "taken_offset") if name in collection.columns]
    return collection.derived("clocks", lambda: clocks(collection.frame(names)).to_numpy("datetime64[s]"))


def _names(collection: Collection, group: str) -> tuple[Rows, list[str]]:
    """Each row's place in the list of folders or places, and that list in the order in which they are shown."""
    make = _folders if group == "folder" else _places
    return collection.derived(f"names of {group}", lambda: make(collection))


def _folders(collection: Collection) -> tuple[Rows, list[str]]:
    """The folders by name; with that of their source, where there are several."""
    folders = as_texts(collection.column("path")).str.rpartition("/")[0]
    sources = as_texts(collection.column("source")).str.rstrip("/").str.rpartition("/")[2]
    if sources.nunique() > 1:
        folders = (sources + "/" + folders).str.rstrip("/")
    codes, names = pd.factorize(folders)
    order = sorted(range(len(names)), key=lambda at: (names[at].casefold(), names[at]))
    return np.argsort(order)[codes], [str(names[at]) for at in order]


def _places(collection: Collection) -> tuple[Rows, list[str]]:
    """The places with the most images first, and what has none last."""
    codes, names = pd.factorize(np.array(list(_place_names(collection)), object))
    counts = np.bincount(codes, minlength=len(names))
    order = sorted(range(len(names)), key=lambda at: (names[at] == "", -counts[at], names[at]))
    return np.argsort(order)[codes], [str(names[at]) for at in order]


def _place_names(collection: Collection) -> Iterator[str]:
    """The place of each row as its source names it, else to a tenth of a degree, about 10 km; "" if not known."""
    named = next((name for name in PLACES if name in collection.columns), None)
    if named is not None:
        yield from as_texts(collection.column(named))
    elif {"latitude", "longitude"} <= set(collection.columns):
        for north, east in zip(collection.column("latitude"), collection.column("longitude"), strict=True):
            yield _degrees(north, east)
    else:
        yield from [""] * len(collection)


def _degrees(north: object, east: object) -> str:
    numbers = isinstance(north, float | int) and isinstance(east, float | int) and north == north and east == east
    if not numbers:
        return ""
    return f"{abs(north):.1f}° {'NS'[north < 0]}, {abs(east):.1f}° {'EW'[east < 0]}"  # type: ignore[arg-type, operator]
