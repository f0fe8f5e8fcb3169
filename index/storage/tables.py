"""CSV files for people, safe to open in a spreadsheet.

A text that a spreadsheet would run as a formula gets an apostrophe before it, and so does one that begins with
apostrophes and then such a text, so that `plain` gives back exactly what was written.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_RUN = re.compile(r"'*[=+\-@\t\r]")  # how a cell begins that a spreadsheet runs, or that looks like a safe one


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows under their columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(safe, columns))
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()


def csv_of(table: "pd.DataFrame") -> bytes:
    """A table with its columns' names as CSV in UTF-8."""
    texts = table.copy()
    for name in texts.select_dtypes(["object", "str"]):
        texts[name] = texts[name].map(safe)
    return texts.rename(columns=safe).to_csv(index=False).encode()


def safe(cell: object) -> object:
    """cell as it may stand in a table; anything but text as it is."""
    if not isinstance(cell, str):
        return cell
    cell = cell.encode("utf-8", "backslashreplace").decode()  # names of old disks are no UTF-8
    return f"'{cell}" if _RUN.match(cell) else cell


def plain(cell: object) -> object:
    """What `safe` made cell of."""
    return cell[1:] if isinstance(cell, str) and cell.startswith("'") and _RUN.match(cell) else cell
