"""A CSV or TSV file that names images."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.data.remote import RemotePath
from training.data.source import Item, Source, texts_of
from training.data.tables.columns import choose_caption_column, choose_path_column, no_paths
from training.data.tables.commas import columns_with_decimal_comma
from training.data.tables.header import TextTable, read_table
from training.data.tables.lists import ONE_PATH_A_LINE, is_list_of_paths
from training.data.tables.mistaken import refuse_other_kinds
from training.data.tables.options import TableOptions
from training.data.tables.path_items import PathItems, PathRow
from training.data.tables.types import Cell, typed
from training.data.texts import decode_text, encoding_of
from training.models.errors import UserError

PREFERRED_SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t", ".psv": "|"}  # by ending, where a text fits several
NO_UNICODE = "its text is no UTF-8 and was read as {}; where letters are wrong, save the table as UTF-8"


class CsvSource(Source):
    """A CSV or TSV with a path column; every other column travels with the image.

    Paths are relative to the table's own folder. Numbers, dates and booleans become what they stand for.
    """

    is_table = True

    def __init__(self, table: Path | RemotePath, options: TableOptions | None = None):
        self.table = table.resolve()
        self.name = str(self.table)
        options = options or TableOptions()
        try:
            with self.table.open("rb") as file:
                data = file.read()
        except OSError as error:
            raise UserError(f"{table} cannot be read: {error.strerror or error}.") from error
        refuse_other_kinds(table, data)
        text, separator = decode_text(data), options.separator_character
        self.items = PathItems(self.table.parent)
        is_list = separator is None and is_list_of_paths(text.splitlines(), self.items.is_file)
        preferred = PREFERRED_SEPARATORS.get(table.suffix.lower(), ",")
        self.rows = read_table(text, "" if is_list else separator, preferred)
        if not self.rows.columns:
            raise UserError(f"{table} is empty: a table has a row of column names, and a row for each image.")
        path_column, chosen = choose_path_column(
            self.rows.columns, self.rows.head, self.items.is_file, options.path_column
        )
        if path_column is None:
            raise no_paths(table, self.rows.columns, self.rows.head)
        self.path_column = path_column
        self.caption_column = choose_caption_column(
            [name for name in self.rows.columns if name != path_column], options.caption_column
        )
        self.columns, doubts = typed_columns(self.rows, {path_column, self.caption_column})
        encoding = encoding_of(data)[1]
        by_code_page = [] if encoding.startswith("utf") else [NO_UNICODE.format(spoken(encoding))]
        listed = [ONE_PATH_A_LINE] if is_list else []
        self.said = [*by_code_page, *listed, *self.rows.notes, *([chosen] if chosen else []), *doubts]
        self.notes = tuple(self.said)

    def __iter__(self) -> Iterator[Item]:
        yield from self.items(self._rows())
        self.notes = (*self.said, *self.items.notes)
        self.without_image = self.items.without_path

    def _rows(self) -> Iterator[PathRow]:
        names = list(self.columns)
        captions: Sequence[str] = self.rows.column(self.caption_column) if self.caption_column else ()
        paths = self.rows.column(self.path_column)
        cells = zip(*self.columns.values(), strict=True) if names else ((),) * len(paths)
        for i, (cell, values) in enumerate(zip(paths, cells, strict=True)):
            metadata: dict[str, Any] = {n: value for n, value in zip(names, values, strict=True) if value is not None}
            yield PathRow(self.rows.numbers[i], cell, texts_of(captions[i]) if captions else [], metadata)


def spoken(encoding: str) -> str:
    """Python's name of a code page as other programs have it: "cp1252" is "Windows-1252"."""
    return f"Windows-{encoding[2:]}" if re.fullmatch(r"cp125\d", encoding) else encoding.upper().replace("_", "-")


def typed_columns(table: TextTable, without: set[str | None]) -> tuple[dict[str, list[Cell]], list[str]]:
    """The cells of each column but those without, as what they stand for, and sentences on what is in doubt."""
    texts = {name: table.column(name) for name in table.columns if name not in without}
    decimal, doubts = columns_with_decimal_comma(texts, table.separator)
    found: dict[str, list[Cell]] = {}
    for name, cells in texts.items():
        found[name], doubt = typed(name, cells, name in decimal)
        doubts += [doubt] if doubt else []
    return found, doubts
