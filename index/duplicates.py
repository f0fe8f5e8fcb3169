"""Duplicates: images that a collection holds more than once, and which of each to keep.

Two tiers (copies/groups.py): the same image, and similar shots. Search hides copies by the same groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from index.collection import Collection
from index.copies.best import reason
from index.copies.groups import Copies, Progress, Tier, exact_copies, load_copies, make_copies, save_copies

COLUMNS = ("group", "kind", "keep", "id", "source", "path", "width", "height", "bytes", "cosine", "why")


@dataclass(frozen=True)
class Group:
    """Rows that are copies of one image, the one to keep first, to which all others were compared.

    kind: "same file", "same image" or "similar shot". cosines: of their embeddings to the first's.
    """

    kind: str
    rows: tuple[int, ...]
    cosines: tuple[float, ...]
    why: str


def find_duplicates(
    collection: Collection,
    tier: Tier | None = "same",
    progress: Progress = lambda done, total: None,
) -> list[Group]:
    """Every group of copies, largest first.

    tier: None compares no pixels, so that only files of one content are found. What was found is stored in the
    collection where that can be written.
    """
    if tier is None:
        copies = exact_copies(collection)
    else:
        try:
            copies = save_copies(collection, tier, progress)
        except OSError:
            copies = load_copies(collection, tier) or make_copies(collection, tier)
    same = copies if tier != "similar" else load_copies(collection, "same") or make_copies(collection)
    hashes = collection.column("hash")
    return [_group(collection, hashes, same, [int(row) for row in rows]) for rows in copies.groups()]


def report(collection: Collection, groups: Sequence[Group]) -> pd.DataFrame:
    """One row an image that has a copy, COLUMNS; keep is true for one of each group."""
    lines = []
    for number, group in enumerate(groups, 1):
        for row, cosine in zip(group.rows, group.cosines, strict=True):
            record = collection.record(row)
            head = {"group": number, "kind": group.kind, "keep": row == group.rows[0]}
            facts = {name: record[name] for name in ("id", "source", "path", "width", "height", "bytes")}
            lines.append({**head, **facts, "cosine": round(cosine, 4), "why": group.why})
    return pd.DataFrame(lines, columns=list(COLUMNS))


def _group(collection: Collection, hashes: pd.Series, same: Copies, rows: list[int]) -> Group:
    vectors = collection.vectors[np.array(rows)].astype(np.float32)
    cosines = tuple(float(min(1.0, cosine)) for cosine in vectors @ vectors[0])
    if hashes.iloc[rows].nunique() == 1:
        return Group("same file", tuple(rows), cosines, "all have the same bytes; the oldest is kept")
    kind = "same image" if len(np.unique(same.leaders[rows])) == 1 else "similar shot"
    return Group(kind, tuple(rows), cosines, reason(collection, rows))
