"""Duplicates: images that a collection holds more than once, and which of each to keep.

Two tiers (copies/groups.py): the same image, and similar shots. Search hides copies by the same groups.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.copies.best import reason
from index.copies.groups import Copies, Progress, Tier, exact_copies, load_copies, make_copies, save_copies
from training.models.errors import UserError

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


@dataclass(frozen=True)
class Duplicates:
    """The groups of copies of one state of a collection, of which only those that are looked at are described.

    rows: of each group, the best first; groups with most rows first. same: the groups of the tier "same".
    """

    collection: Collection
    rows: Sequence[NDArray[np.intp]]
    same: Copies

    @property
    def copies(self) -> int:
        """How many images could go."""
        return sum(len(rows) - 1 for rows in self.rows)

    @property
    def spare(self) -> int:
        """The bytes of these."""
        if not self.rows:
            return 0
        return int(self.collection.column("bytes").iloc[np.concatenate([rows[1:] for rows in self.rows])].sum())

    def groups(self, start: int = 0, end: int | None = None) -> list[Group]:
        """The groups from one place up to another."""
        return [self._group([int(row) for row in rows]) for rows in self.rows[start:end]]

    def choosing(self, kept: Mapping[int, Sequence[int]]) -> list[Group]:
        """The groups of which something goes, where a person chose what stays.

        kept: the rows that stay, by the row that the group proposes to keep, of the groups that a person changed. The
        others keep their best. UserError if nothing of a group would stay, or a row is of no such group.
        """
        chosen = {leader: list(rows) for leader, rows in kept.items()}
        found = []
        for rows in self.rows:
            members = [int(row) for row in rows]
            stays = chosen.pop(members[0], members[:1])
            if not stays or not set(stays) <= set(members):
                raise UserError("At least one image of each group has to stay.")
            goes = [row for row in members if row not in stays]
            if goes:
                best = next(row for row in members if row in stays)
                found.append(Group("", (best, *goes), (), ""))
        if chosen:
            raise UserError("One of these groups is not there any more; look again.")
        return found

    def _group(self, rows: list[int]) -> Group:
        vectors = self.collection.vectors[np.array(rows)].astype(np.float32)
        cosines = tuple(float(min(1.0, cosine)) for cosine in vectors @ vectors[0])
        if self.collection.column("hash").iloc[rows].nunique() == 1:
            return Group("same file", tuple(rows), cosines, "all have the same bytes; the oldest is kept")
        kind = "same image" if len(np.unique(self.same.leaders[rows])) == 1 else "similar shot"
        return Group(kind, tuple(rows), cosines, reason(self.collection, rows))


def stored_duplicates(collection: Collection, tier: Tier | None) -> Duplicates | None:
    """The groups of a tier without comparing pixels; None where they have to be found first."""
    if tier is None:
        return all_duplicates(collection, None)
    copies, same = load_copies(collection, tier), load_copies(collection, "same")
    return Duplicates(collection, copies.groups(), same) if copies and same else None


def all_duplicates(
    collection: Collection, tier: Tier | None = "same", progress: Progress = lambda done, total: None
) -> Duplicates:
    """The groups of copies of a collection; for the arguments see find_duplicates."""
    if tier is None:
        exact = exact_copies(collection)
        return Duplicates(collection, exact.groups(), exact)
    same = _made(collection, "same", progress)
    copies = same if tier == "same" else _made(collection, tier, progress)
    return Duplicates(collection, copies.groups(), same)


def find_duplicates(
    collection: Collection,
    tier: Tier | None = "same",
    progress: Progress = lambda done, total: None,
) -> list[Group]:
    """Every group of copies, largest first.

    tier: None compares no pixels, so that only files of one content are found. What was found is stored in the
    collection where that can be written.
    """
    return all_duplicates(collection, tier, progress).groups()


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


def _made(collection: Collection, tier: Tier, progress: Progress) -> Copies:
    try:
        return save_copies(collection, tier, progress)
    except OSError:  # it may only be read
        return load_copies(collection, tier) or make_copies(collection, tier, progress)
