"""The rows of a table whose images are files, as items."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from training.data.remote import RemotePath
from training.data.source import Item, unreadable_item
from training.data.tables.paths import FileFinder, FoundFile


class PathRow(NamedTuple):
    """A row of a table. number: as a spreadsheet shows it. cell: the path as it is written there."""

    number: int
    cell: str
    captions: list[str]
    metadata: Mapping[str, Any]


class _Named(NamedTuple):
    """A file, or what is wrong with a cell, and the first row that names it."""

    row: PathRow
    file: FoundFile | None
    reason: str


class PathItems:
    """Items of rows. Rows that name one file are one item, with all their captions and the other columns of the first.

    base: the table's folder. notes: sentences on what was not as it should be, complete once items have been listed.
    without_path: rows that name no image.
    """

    def __init__(self, base: Path | RemotePath):
        self.base = base
        self.finder = FileFinder(base)
        self.notes: list[str] = []
        self.without_path = 0

    def is_file(self, cell: str) -> bool:
        """Whether a cell names an image that is there."""
        return self.finder.refusal(cell) is None and self.finder.find(cell) is not None

    def __call__(self, rows: Iterable[PathRow], prefix: str = "") -> Iterator[Item]:
        """An item for each file that rows name, and one that cannot be read for each cell that names none."""
        named: dict[str, _Named] = {}
        paths: dict[str, str] = {}  # of cells
        empty, again, respelt = [], 0, []
        for row in rows:
            if not row.cell:
                empty.append(row.number)
                continue
            if row.cell not in paths:
                new = self._named(row)
                path = paths[row.cell] = new.file.path if new.file else row.cell
                if new.file and new.file.respelt:
                    respelt.append((row.cell, path))
                if path not in named:
                    named[path] = new
                    continue
            again += 1
            named[paths[row.cell]].row.captions.extend(row.captions)
        self.without_path = len(empty)
        self.notes = self._notes(empty, again, respelt)
        for path, one in named.items():
            yield self._item(prefix + path, one)

    def _named(self, row: PathRow) -> _Named:
        reason = self.finder.refusal(row.cell)
        if reason:
            return _Named(row, None, f"{reason} (row {row.number:,})")
        try:
            file = self.finder.find(row.cell)
        except OSError as error:
            return _Named(row, None, f"{error} (row {row.number:,})")
        return _Named(row, file, f"there is no such file below {self.base} (row {row.number:,})")

    def _item(self, path: str, one: _Named) -> Item:
        if one.file is None:
            return unreadable_item(path, one.reason)
        row, file = one.row, one.file
        return Item(
            path=path,
            stamp=f"{file.size}:{file.modified_ns}:{row.captions}{row.metadata}",
            modified=file.modified_ns / 1e9,
            read=file.read,
            captions=tuple(row.captions),
            metadata=row.metadata,
        )

    def _notes(self, empty: list[int], again: int, respelt: list[tuple[str, str]]) -> list[str]:
        notes = []
        if empty:
            notes.append(f"{len(empty):,} rows name no image, the first is row {empty[0]:,}")
        if again:
            notes.append(f"{again:,} rows name the image of an earlier row: their captions are added to its own")
        if respelt:
            cell, path = respelt[0]
            notes.append(f"{len(respelt):,} paths are spelt otherwise than the files, the first {cell!r} for {path!r}")
        return notes
