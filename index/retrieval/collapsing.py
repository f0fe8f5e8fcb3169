"""Collapsing: of the copies of an image that answer a search, one hit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.copies.groups import Copies, cached_copies, exact_copies
from index.retrieval.deadline import Deadline
from index.retrieval.facets import Rows
from index.retrieval.ranking import Ranking
from index.retrieval.request import Collapse


@dataclass(frozen=True)
class Groups:
    """The groups of copies among the rows that pass a filter. collapse: the tier that they are of.

    best: the best row of each group that passes, by the row that leads the group, [N]. sizes: how many rows of it pass.
    """

    collapse: Collapse
    copies: Copies
    best: NDArray[np.int32]
    sizes: NDArray[np.intp]

    @property
    def count(self) -> int:
        """How many groups have a row that passes, images without copies among them."""
        return int(np.count_nonzero(self.sizes))

    def collapsed(self, ranking: Ranking) -> Ranking:
        """One row a group, its best copy, where the first of its copies stood and with the scores of that one."""
        leaders = self.copies.leaders[ranking.rows]
        first = np.sort(np.unique(leaders, return_index=True)[1])
        kept = leaders[first]
        return replace(
            ranking,
            rows=self.best[kept].astype(np.intp),
            copies=self.sizes[kept],
            scores=None if ranking.scores is None else ranking.scores[first],
            normalised=None if ranking.normalised is None else ranking.normalised[first],
            likely=None if ranking.likely is None else int((first < ranking.likely).sum()),
            matched=None if ranking.matched is None else [ranking.matched[at] for at in first],
        )


def groups_among(
    collection: Collection, collapse: Collapse, among: Rows | None, deadline: Deadline | None = None
) -> Groups | None:
    """The groups among rows (all if None) that a search collapses; None if it collapses none.

    Where the groups of a tier are not known by the deadline, those of the tier below serve, and at last files of equal
    content.
    """
    deadline = deadline or Deadline()
    if collapse == "none":
        return None
    tier, copies = collapse, cached_copies(collection, collapse, deadline.left)
    if copies is None and tier == "similar":
        deadline.missed.append("copies")
        tier, copies = "same", cached_copies(collection, "same", deadline.left)
    exact: Copies | None = None
    if copies is None:
        exact = collection.derived("exact copies", lambda: exact_copies(collection))
        tier, copies = "same", exact
    if among is None:
        kind = tier if copies is not exact else "exact"
        found: Groups = collection.derived(f"groups {kind}", lambda: _groups(tier, copies, None))
        return found
    return _groups(tier, copies, among)


def _groups(collapse: Collapse, copies: Copies, among: Rows | None) -> Groups:
    if among is None:
        return Groups(collapse, copies, np.arange(len(copies.leaders), dtype=np.int32), copies.sizes())
    leaders = copies.leaders[among]
    best = np.zeros(len(copies.leaders), np.int32)
    worst_first = among[np.argsort(-copies.places[among], kind="stable")]
    best[copies.leaders[worst_first]] = worst_first  # of several, the last one stays
    return Groups(collapse, copies, best, np.bincount(leaders, minlength=len(copies.leaders)))


def rows_of_groups(groups: Groups, rows: Sequence[int], among: Rows | None) -> list[int]:
    """Every row of the groups of rows that passes, each group best first."""
    passing = np.ones(len(groups.best), bool)
    if among is not None:
        passing[:] = False
        passing[among] = True
    found: list[int] = []
    for row in rows:
        found += [int(copy) for copy in groups.copies.of(row) if passing[copy]]
    return found
