"""The rows of a CSV file as spreadsheets and scripts write them: whatever separates cells, however ragged they are."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from training.data.source import CAPTION_COLUMNS, PATH_COLUMNS
from training.data.tables.paths import bare, names_image

SEPARATORS = (",", ";", "\t", "|")  # what is looked for, the most common first
SAMPLE = 200  # lines that show the separator
LONGEST_CELL = 1 << 27
ESCAPED, QUOTE = re.compile(r'(\\+)"'), "\0"  # a quote inside a cell, and what stands for it: no text holds a zero here
MOST_RESTARTS = 1000  # cells with a quote too many, after which every line is read as a row

Record = tuple[int, list[str]]  # the number of a row as a spreadsheet shows it, from 1, and its cells


@dataclass
class CsvRows:
    """Cells without the spaces around them. Blank lines are left out, but counted in the numbers of the rows.

    records: of one length each, but for what is ragged. stray_quotes: rows with a quote that is never closed, or not
    at a cell's end: their line was read on its own.
    """

    separator: str
    records: list[Record]
    stray_quotes: list[int] = field(default_factory=list)


def read_rows(text: str, separator: str | None = None, preferred: str = ",") -> CsvRows:
    """The rows of a table. separator: the character that the user names, "" if each line is a cell; else a first line
    `sep=;` says it, else the first lines do. preferred: the one to take where they fit several.

    A quote inside a cell is doubled, or escaped by a backslash if that fits more rows.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").rstrip("\x1a")  # DOS ends files so
    lines = text.replace("\n\ufeff", "\n").split("\n")  # files put one behind the other have marks inside
    first = re.fullmatch(r'"?sep=(.|\\t)"?[,;\t]*', lines[0].strip(" "), re.IGNORECASE)
    if first:
        lines = lines[1:]
        separator = first[1].replace("\\t", "\t") if separator is None else separator
    rows = _rows_of(lines, separator, preferred)
    if rows.stray_quotes and ESCAPED.search(text):
        escaped = _rows_of([ESCAPED.sub(_unescaped, line) for line in lines], separator, preferred, '"')
        rows = escaped if len(escaped.stray_quotes) < len(rows.stray_quotes) else rows
    return rows


def _rows_of(lines: list[str], separator: str | None, preferred: str, quote: str = "") -> CsvRows:
    """The rows of lines in which quote stands as QUOTE inside cells."""
    rows = CsvRows(sniff_separator(lines[:SAMPLE], preferred) if separator is None else separator, [])
    for number, cells in _records(lines, rows.separator, rows.stray_quotes):
        stripped = [cell.strip().replace(QUOTE, quote) for cell in cells]
        if any(stripped):
            rows.records.append((number, stripped))
    return rows


def _unescaped(found: re.Match[str]) -> str:
    r"""Backslashes before a quote: each pair is one, and one that is left makes the quote a letter."""
    pairs, left = divmod(len(found[1]), 2)
    return "\\" * pairs + (QUOTE if left else '"')


def sniff_separator(lines: list[str], preferred: str = ",") -> str:
    """The separator with which most rows name an image in a cell and are as long as the first; else preferred."""
    best, best_score = preferred, (0.0, 0.0, 0, False)
    for separator in SEPARATORS:
        rows = [cells for _, cells in _records(lines, separator, []) if any(cell.strip() for cell in cells)]
        widths = [len(cells) for cells in rows[titles_above(rows) :]]
        if not widths or widths[0] < 2:
            continue
        # Cells with the separator inside that nobody quoted make rows longer, and seldom shorter.
        usual = Counter(widths[1:] or widths).most_common(1)[0][0]
        if usual < 2:
            continue
        same = sum(width == widths[0] for width in widths) / len(widths)
        named = sum(any(map(names_image, cells)) for cells in rows) / len(widths)
        score = (round(named, 1), round(same, 1), min(usual, widths[0]), separator == preferred)
        if score > best_score:
            best, best_score = separator, score
    return best


def titles_above(rows: list[list[str]]) -> int:
    """How many rows of one cell, titles and comments, stand above a row of several cells that name the columns."""
    filled = [sum(map(bool, map(str.strip, cells))) for cells in rows]
    start = next((i for i, count in enumerate(filled) if count > 1), 0)
    names_columns = start > 0 and not any(map(names_image, rows[start]))
    first = rows[0][0].strip().lower() if rows else ""
    return start if names_columns and first not in (*PATH_COLUMNS, *CAPTION_COLUMNS) else 0


def _records(lines: list[str], separator: str, stray_quotes: list[int]) -> Iterator[Record]:
    """Rows with their numbers. A row whose quotes do not fit is its first line, and the next line is the next row."""
    if not separator:
        yield from ((number, [bare(line)]) for number, line in enumerate(lines, 1))
        return
    start, number, restarts, width = 0, 0, 0, 0
    csv.field_size_limit(LONGEST_CELL)
    while start < len(lines):
        # Its lines end in \n, which it needs for a cell of several lines.
        reader = csv.reader(
            (f"{line}\n" for line in lines[start:]), delimiter=separator, skipinitialspace=True, strict=True
        )
        read = 0
        try:
            for cells in reader:
                read, number, width = reader.line_num, number + 1, width or len(cells)
                yield number, cells
            return
        except csv.Error:
            number += 1
            stray_quotes.append(number)
            yield number, _loosely(lines[start + read], separator, width)
            start += read + 1
            restarts += 1
            if restarts > MOST_RESTARTS:
                break
    for line in lines[start:]:
        number += 1
        yield number, _loosely(line, separator, width)


def _loosely(line: str, separator: str, width: int) -> list[str]:
    """The cells of one line whose quotes do not fit: quotes are letters if that gives as many cells as a row has."""
    cells = line.split(separator)
    return cells if len(cells) == width else next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
