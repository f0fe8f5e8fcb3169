"""Cells of a table as people and as JSON read them."""

from datetime import date

import numpy as np
import pandas as pd

JsonCell = str | int | float | bool | None


def as_text(cell: object) -> str:
    """A cell as text; empty for a missing one."""
    return "" if _missing(cell) else str(cell)


def as_display(cell: object) -> str:
    """A cell as a page shows it: dates to the minute, numbers without needless digits; empty for a missing one."""
    if isinstance(cell, pd.Timestamp) and not _missing(cell):
        return f"{cell:%Y-%m-%d %H:%M}"
    return f"{cell:g}" if isinstance(cell, float) and not _missing(cell) else as_text(cell)


def as_json(cell: object) -> JsonCell:
    """A cell as JSON holds it: dates in ISO 8601, None for a missing one, other objects as text."""
    if _missing(cell):
        return None
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, date):  # a pandas Timestamp is one too
        return cell.isoformat()
    return cell if isinstance(cell, str | int | float | bool) else str(cell)


def _missing(cell: object) -> bool:
    return (
        cell is None
        or cell is pd.NaT
        or cell is pd.NA
        or (isinstance(cell, float | np.floating) and bool(cell != cell))
    )
