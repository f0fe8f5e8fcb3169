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
    return places_of(collection.frame(FACTS), _of_originals(collection))


def places_of(facts: pd.DataFrame, originals: pd.DataFrame) -> NDArray[np.int32]:
    """The same of rows that are given: their FACTS, and those columns of OF_ORIGINALS that there are."""
    pixels = facts["width"].astype(np.int64) * facts["height"].astype(np.int64)
    facts = facts.assign(pixels=pixels, said=_said(originals))
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
    facts = pd.DataFrame([collection.record(row) for row in rows])
    best, others = facts.iloc[0], facts.iloc[1:]
    if (others["width"] * others["height"] < best["width"] * best["height"]).any():
        return "it has most pixels"
    if (others["bytes"] < best["bytes"]).any():
        return "it has as many pixels as any, and most bytes, so it was compressed least"
    said = _said(facts[[name for name in OF_ORIGINALS if name in facts]])
    if (said[1:] < said[0]).any():
        return "it has as many pixels and bytes as any, and most metadata"
    return "it is the oldest of equals"


def _of_originals(collection: Collection) -> pd.DataFrame:
    columns = [name for name in OF_ORIGINALS if name in collection.columns]
    return collection.frame(columns) if columns else pd.DataFrame(index=range(len(collection)))


def _said(table: pd.DataFrame) -> NDArray[np.int64]:
    """How many of the columns of originals each row has."""
    return (table.notna() & (table != "")).sum(axis=1).to_numpy(np.int64)
