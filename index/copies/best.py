"""Which copy of an image is the best one.

The one with most pixels; of those the one with most bytes, which was compressed least; then one that still has what its
camera or a person wrote into it; then the oldest; then the first by path.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection

FACTS = ("width", "height", "bytes", "modified", "path", "source")
OF_ORIGINALS = ("taken", "camera", "lens", "latitude", "rating", "keywords", "title")  # columns that resaving loses


def quality_places(collection: Collection) -> NDArray[np.int32]:
    """The place of each row [N] in an order of all of them, the best first."""
    facts = collection.frame(FACTS)
    facts["pixels"] = facts["width"].astype(np.int64) * facts["height"].astype(np.int64)
    facts["said"] = _said(collection)
    order = facts.sort_values(
        ["pixels", "bytes", "said", "modified", "path", "source"],
        ascending=[False, False, False, True, True, True],
        kind="stable",
    ).index.to_numpy()
    places = np.empty(len(facts), np.int32)
    places[order] = np.arange(len(facts), dtype=np.int32)
    return places


def reason(collection: Collection, rows: Sequence[int]) -> str:
    """Why the first of rows is the best of them, as a sentence's end."""
    facts = collection.frame(FACTS).iloc[list(rows)]
    best, others = facts.iloc[0], facts.iloc[1:]
    if (others["width"] * others["height"] < best["width"] * best["height"]).any():
        return "it has most pixels"
    if (others["bytes"] < best["bytes"]).any():
        return "it has as many pixels as any, and most bytes, so it was compressed least"
    said = _said(collection)[list(rows)]
    if (said[1:] < said[0]).any():
        return "it has as many pixels and bytes as any, and most metadata"
    return "it is the oldest of equals"


def _said(collection: Collection) -> NDArray[np.int64]:
    """How many of the columns of originals each row has."""
    columns = [name for name in OF_ORIGINALS if name in collection.columns]
    if not columns:
        return np.zeros(len(collection), np.int64)
    table: pd.DataFrame = collection.frame(columns)
    return (table.notna() & (table != "")).sum(axis=1).to_numpy(np.int64)
