"""failures.csv: the files of the sources of a collection that gave no image."""

from pathlib import Path

import pandas as pd

from index.storage.layout import FAILURE_COLUMNS, FAILURES
from index.storage.tables import plain


def read_failures(folder: Path) -> pd.DataFrame:
    """failures.csv, or no rows where there is none. A file without kinds lists what could not be read."""
    try:
        rows = pd.read_csv(folder / FAILURES, dtype=str, keep_default_na=False).map(plain)
    except (OSError, ValueError):
        return pd.DataFrame({name: [] for name in FAILURE_COLUMNS}, dtype=str)
    if "kind" not in rows:
        rows["kind"] = "unreadable"
    return rows.reindex(columns=list(FAILURE_COLUMNS), fill_value="")
