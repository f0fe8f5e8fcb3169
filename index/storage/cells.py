"""Cells of a table as people and as JSON read them."""

import pandas as pd

from training.models import strict_json
from training.models.strict_json import is_missing

JsonCell = str | int | float | bool | None


def as_text(cell: object) -> str:
    """A cell as text; empty for a missing one."""
    return "" if is_missing(cell) else str(cell)


def as_texts(column: pd.Series) -> pd.Series:
    """as_text of each cell. A column of texts stays in Arrow: as objects it would take four times the memory."""
    return column.fillna("") if column.dtype == "str" else column.map(as_text)


def as_display(cell: object) -> str:
    """A cell as a page shows it: dates to the minute, numbers without needless digits; empty for a missing one."""
    if isinstance(cell, pd.Timestamp) and not is_missing(cell):
        return f"{cell:%Y-%m-%d %H:%M}"
    return f"{cell:g}" if isinstance(cell, float) and not is_missing(cell) else as_text(cell)


def as_json(cell: object) -> JsonCell:
    """A cell as JSON holds it: dates in ISO 8601, None for a missing one or no finite number, other objects as text."""
    found = strict_json.as_json(cell)
    return found if found is None or isinstance(found, str | int | float | bool) else str(cell)
