"""Two encoders on the same images: who ranks what where, and how far they agree.

Cosines of different encoders mean different things, so nothing here compares them: ranks only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.nearest import cosines
from training.models.errors import UserError

DEPTH = 100  # how far down two rankings are compared; with p = 0.9 what lies below weighs nothing
PERSISTENCE = 0.9  # of rank-biased overlap: about the first ten places carry 86 % of its weight


@dataclass(frozen=True)
class Ranked:
    """One image as both encoders rank it among the images that both have, from 1."""

    id: str
    row: int
    rank: int
    other: int


@dataclass(frozen=True)
class Comparison:
    """The first k of each side with their ranks on both, and how far the two rankings agree.

    images: how many both collections have. overlap: share of the first 10 that both name. rbo: of DEPTH.
    """

    left: list[Ranked]
    right: list[Ranked]
    images: int
    overlap: float
    rbo: float


def overlap(first: Sequence[str], second: Sequence[str], k: int = 10) -> float:
    """The share of the first k that both lists name; of as many as there are where a list is shorter."""
    a, b = set(first[:k]), set(second[:k])
    return len(a & b) / max(1, min(k, max(len(a), len(b))))


def rbo(first: Sequence[str], second: Sequence[str], p: float = PERSISTENCE) -> float:
    """Rank-biased overlap, extrapolated to the end (Webber, Moffat & Zobel 2010, equation 32 for even lists).

    Two rankings of one depth, without repetitions. 1 for equal ones, 0 for ones that share nothing; p is
    how likely a reader goes on to the next place.
    """
    if len(first) != len(second):
        raise ValueError(f"rankings of one depth are compared; these have {len(first)} and {len(second)} places")
    if not first:
        return 1.0
    seen_first: set[str] = set()
    seen_second: set[str] = set()
    shared, total = 0, 0.0
    for depth, (a, b) in enumerate(zip(first, second, strict=True), 1):
        shared += int(a == b) + int(a in seen_second) + int(b in seen_first)
        seen_first.add(a)
        seen_second.add(b)
        total += shared / depth * p**depth
    return total * (1 - p) / p + shared / len(first) * p ** len(first)


def matched(left: Collection, right: Collection) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of the images that both have, identified by their content, in the order of the left; one of its copies.

    UserError if they share none.
    """
    places = {content: row for row, content in reversed(list(enumerate(right.column("hash"))))}
    once = left.frame(["id", "hash"]).drop_duplicates("id")["hash"]
    pairs = [(int(row), places[content]) for row, content in once.items() if content in places]
    if not pairs:
        raise UserError(
            f"{left.name} and {right.name} share no image; build both from the same ones, each with its encoder."
        )
    rows = np.array(pairs, np.intp)
    return rows[:, 0], rows[:, 1]


def compare(
    left: Collection,
    right: Collection,
    left_query: NDArray[np.float32],
    right_query: NDArray[np.float32],
    k: int = 20,
    without: Sequence[str] = (),
) -> Comparison:
    """Rank the images that both have by a query as each encoder sees it; without: ids that are left out."""
    rows_left, rows_right = matched(left, right)
    ids = left.items["id"].to_numpy()[rows_left]
    ranked = ~np.isin(ids, list(without))
    rows_left, rows_right, ids = rows_left[ranked], rows_right[ranked], ids[ranked]
    if not len(ids):
        raise UserError("Nothing is left to rank beside the image of the query.")
    order_left, rank_left = _ranks(left, rows_left, left_query)
    order_right, rank_right = _ranks(right, rows_right, right_query)
    names_left, names_right = list(ids[order_left[:DEPTH]]), list(ids[order_right[:DEPTH]])
    return Comparison(
        [Ranked(str(ids[i]), int(rows_left[i]), int(rank_left[i]), int(rank_right[i])) for i in order_left[:k]],
        [Ranked(str(ids[i]), int(rows_right[i]), int(rank_right[i]), int(rank_left[i])) for i in order_right[:k]],
        len(ids),
        overlap(names_left, names_right),
        rbo(names_left, names_right),
    )


def _ranks(
    collection: Collection, rows: NDArray[np.intp], query: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The order of rows, best first, and the rank of each row from 1."""
    scores = cosines(collection, query[None])[rows, 0]
    order = np.argsort(-scores, kind="stable")
    ranks = np.empty(len(rows), np.intp)
    ranks[order] = np.arange(1, len(rows) + 1)
    return order, ranks
