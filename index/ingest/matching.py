"""The files of a source beside the rows that a collection holds of them, whatever source they once came by."""

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pandas as pd

from training.data.folder import FolderSource
from training.data.source import Item, Source


class StoredPlaces:
    """Where the rows of a collection come from, by row: sources, paths and stamps."""

    def __init__(self, stored: pd.DataFrame):
        self.sources: list[str] = stored["source"].tolist()
        self.paths: list[str] = stored["path"].tolist()
        self.stamps: list[str] = stored["stamp"].tolist()
        self._rows: dict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(self.sources):
            self._rows[name].append(row)

    @property
    def names(self) -> list[str]:
        """The names of all sources."""
        return list(self._rows)

    def of(self, name: str) -> list[int]:
        """The rows of one source."""
        return self._rows.get(name, [])

    def within(self, source: Source) -> dict[str, int]:
        """Rows by their path relative to source, those of its own first.

        A folder also has the rows of folders inside it, and those that lie in it of the folders around it.
        """
        found: dict[str, int] = {}
        if isinstance(source, FolderSource):
            for name in self.names:
                for row in self.of(name) if name != source.name else ():
                    path = relative(name, self.paths[row], source.name)
                    if path is not None:
                        found[path] = row
        return found | {self.paths[row]: row for row in self.of(source.name)}


def relative(source: str, path: str, folder: str) -> str | None:
    """path, relative to source, as it is relative to folder; None if it does not lie there, or source is no folder."""
    inside = _below(source, folder)
    if inside is not None:
        return f"{inside}/{path}"
    around = _below(folder, source)
    return path.removeprefix(f"{around}/") if around is not None and path.startswith(f"{around}/") else None


def _below(inner: str, outer: str) -> str | None:
    """The path of one folder within another, "/" between its parts; None if it does not lie there."""
    base = outer if outer.endswith(os.sep) else outer + os.sep
    return inner[len(base) :].replace(os.sep, "/") if inner.startswith(base) else None


def contains(folder: FolderSource, name: str) -> bool:
    """Whether a walk through folder comes to the folder called name below it."""
    inside = _below(name, folder.name)
    return inside is not None and folder.rules.way_rule(f"{inside}/") is None


@dataclass
class Matched:
    """What comparing a source found. seen: rows whose file is still there.

    images: what has to be looked at, in order, each with the row that it was, None if it is new. gone: rows whose file
    is not there any more. known: how many rows there were.
    """

    images: list[tuple[Item, int | None]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    known: int = 0


def match(source: Source, places: StoredPlaces, rehash: bool = False) -> Matched:
    """Compare a source with the rows of a collection. rehash: look at every file, also where its stamp is as it was."""
    rows = places.within(source)
    found = Matched()
    for item in with_unique_paths(source):
        row = rows.get(item.path)
        if row is not None:
            found.seen.add(row)
        if row is None or rehash or places.stamps[row] != item.stamp:
            found.images.append((item, row))
    _match_forms(found, rows)
    # Rows of another source count as gone only if its files are indeed among those of this one: shards are not.
    shared = {places.sources[row] for row in found.seen} | {source.name}
    known = {row for row in rows.values() if places.sources[row] in shared} | set(places.of(source.name))
    found.gone, found.known = known - found.seen, len(known)
    return found


def seem_moved(found: Matched, places: StoredPlaces) -> set[int]:
    """The rows of found that are gone and whose file seems to lie in another folder now: one of its size and date.

    A folder that got another name is no loss, though its rows are found again only when its files are read.
    """
    new = Counter(_size_and_date(item.stamp) for item, row in found.images if row is None)
    moved = set()
    for row in sorted(found.gone):
        facts = _size_and_date(places.stamps[row])
        if new[facts] > 0:
            new[facts] -= 1
            moved.add(row)
    return moved


def _size_and_date(stamp: str) -> str:
    """The part of a file's stamp that says nothing of its sidecars."""
    return stamp.partition("+")[0]


def with_unique_paths(items: Iterable[Item]) -> Iterable[Item]:
    """Items of which no two have one path: a tar may hold a name twice, a folder names that are not UTF-8."""
    paths: dict[str, int] = {}
    for item in items:
        paths[item.path] = copy = paths.get(item.path, 0) + 1
        yield replace(item, path=f"{item.path} ({copy})") if copy > 1 else item


def _match_forms(found: Matched, rows: dict[str, int]) -> None:
    """Match what only changed its Unicode form, NFC or NFD, as names do on their way from macOS to other systems."""
    if all(row is not None for _, row in found.images):
        return
    unseen = {_form(path): row for path, row in rows.items() if row not in found.seen}
    for number, (item, row) in enumerate(found.images):
        same = unseen.get(_form(item.path)) if row is None else None
        if same is not None and same not in found.seen:
            found.images[number] = item, same
            found.seen.add(same)


def _form(path: str) -> str:
    return unicodedata.normalize("NFC", path)
