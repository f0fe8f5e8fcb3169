"""A table's columns by name, out of rows as they come: with or without a header, an index, or cells too many."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from training.data.source import CAPTION_COLUMNS, PATH_COLUMNS
from training.data.tables.paths import names_image
from training.data.tables.rows import CsvRows, Record, read_rows, titles_above

INDEX_NAME = re.compile(r"|unnamed: \d+(\.\d+)*|__index_level_\d+__", re.IGNORECASE)  # as pandas and R write them
LISTED = 5  # row numbers that a sentence names
HEAD = 50  # rows by which columns are judged


@dataclass
class TextTable:
    """columns: names, each once. cells: of each column, as text. numbers: of the rows, as a spreadsheet shows them.

    notes: sentences on what was not as a table should be. separator: what stood between the cells.
    """

    columns: list[str]
    cells: list[list[str]]
    numbers: list[int]
    notes: list[str] = field(default_factory=list)
    separator: str = ","

    def column(self, name: str) -> list[str]:
        """The cells of the column of this name."""
        return self.cells[self.columns.index(name)]

    def head(self, name: str) -> Sequence[str]:
        """The first cells of a column that are not empty."""
        return [cell for cell in self.column(name)[:HEAD] if cell]


def read_table(text: str, separator: str | None = None, preferred: str = ",") -> TextTable:
    """The table in a text. separator: if the user names it; preferred: if the text fits several."""
    rows = read_rows(text, separator, preferred)
    if not rows.records:
        return TextTable([], [], [])
    notes = _on_quotes(rows)
    header, body = _header_and_body(_without_titles(rows.records, notes), notes)
    body = _without_repeated_header(header, body, notes)
    header, body = _without_row_names(header, body)
    notes += _on_widths(header, body)
    padded = [(cells + [""] * (len(header) - len(cells)))[: len(header)] for _, cells in body]
    columns = [list(column) for column in zip(*padded, strict=True)] if padded else [[] for _ in header]
    kept = [i for i, name in enumerate(header) if not _is_index(name, columns[i])]
    names = _unique([header[i] for i in kept], kept, notes)
    return TextTable(names, [columns[i] for i in kept], [number for number, _ in body], notes, rows.separator)


def _without_titles(records: list[Record], notes: list[str]) -> list[Record]:
    """The rows without those above the names of the columns: titles and comments, of one cell each."""
    start = titles_above([cells for _, cells in records[:HEAD]])
    if start:
        notes.append(f"{_rows([number for number, _ in records[:start]])} a title instead of columns and was left out")
    return records[start:]


def _without_repeated_header(header: list[str], body: list[Record], notes: list[str]) -> list[Record]:
    """The rows without those that name the columns again, as tables do that were put one behind the other."""
    again = [number for number, cells in body if cells == header]
    if again:
        notes.append(f"{_rows(again)} the names of the columns again and no image")
    return [record for record in body if record[1] != header]


def _header_and_body(records: list[Record], notes: list[str]) -> tuple[list[str], list[Record]]:
    """The names of the columns, which are numbers where the first row is that of an image, and the other rows."""
    first = records[0][1]
    known = {*PATH_COLUMNS, *CAPTION_COLUMNS}
    if not any(map(names_image, first)) or any(cell.lower() in known for cell in first):
        return first, records[1:]
    path = next(i for i, cell in enumerate(first) if names_image(cell))
    head = records[:HEAD]
    names = [f"column_{i + 1}" for i in range(len(first))]
    names[path] = "path"
    spoken = [i for i in range(len(first)) if i != path and any(" " in cells[i] for _, cells in head if i < len(cells))]
    if spoken:
        names[spoken[0]] = "caption"
    notes.append(f"the table has no row of column names; its columns are taken to be {', '.join(names)}")
    return names, records


def _without_row_names(header: list[str], body: list[Record]) -> tuple[list[str], list[Record]]:
    """The table without the names of rows that R writes first: each row is then one cell longer than the header."""
    names = {cells[0] for _, cells in body if len(cells) == len(header) + 1}
    if len(names) < len(body) or "" in names or any(map(names_image, names)):
        return header, body
    if not body or not any(cells[-1] for _, cells in body):  # only a separator at the end
        return header, body
    return header, [(number, cells[1:]) for number, cells in body]


def _is_index(name: str, cells: list[str]) -> bool:
    """Whether a column without a name, or with one that pandas makes up, holds nothing, or the numbers of the rows."""
    if not INDEX_NAME.fullmatch(name):
        return False
    return not any(cells) or all(map(str.isdigit, cells))


def _unique(header: list[str], numbers: list[int], notes: list[str]) -> list[str]:
    """Names for columns without one or with one that another has."""
    names: list[str] = []
    for number, name in zip(numbers, header, strict=True):
        name, copy = name or f"column_{number + 1}", 2
        taken = {*names, *header} if name in names else set(names)
        new = name
        while new in taken:
            new, copy = f"{name}_{copy}", copy + 1
        if new != name:
            notes.append(f"two columns are called {name}; the second is called {new} here")
        names.append(new)
    return names


def _on_quotes(rows: CsvRows) -> list[str]:
    if not rows.stray_quotes:
        return []
    return [f"{_rows(rows.stray_quotes)} a quote that is never closed or stands inside a cell; it was read as a letter"]


def _on_widths(header: list[str], body: list[Record]) -> list[str]:
    short = [number for number, cells in body if len(cells) < len(header)]
    long = [number for number, cells in body if any(cells[len(header) :])]
    notes = []
    if short:
        notes.append(f"{_rows(short)} fewer cells than the {len(header)} columns; the missing ones are empty")
    if long:
        notes.append(f"{_rows(long)} more cells than the {len(header)} columns; the cells beyond are left out")
    return notes


def _rows(numbers: list[int]) -> str:
    """The subject of a sentence about rows, with its verb."""
    if len(numbers) == 1:
        return f"row {numbers[0]} has"
    more = f" and {len(numbers) - LISTED:,} more" if len(numbers) > LISTED else ""
    return f"{len(numbers):,} rows ({', '.join(map(str, numbers[:LISTED]))}{more}) have"
