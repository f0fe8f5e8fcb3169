"""The groups of copies of a collection, in two tiers, made once for each state of it and stored beside its segments.

    copies.arrow    which rows are the same image, and which copy is best; made by builds of up to QUICK images
    similar.arrow   which are similar shots; made when it is first asked for, since it compares far more pixels

"Same image": one file twice, other metadata, saved again in another quality or format, smaller. "Similar shot": also
cut, coloured, written over, or the next shot of a series.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from index.collection import Collection
from index.copies.best import quality_places
from index.copies.candidates import same_pairs, similar_pairs
from index.copies.comparison import Thumbnails
from index.copies.contents import contents_of, looks_of
from index.copies.grouping import grouped
from index.storage.arrow_files import read_arrow, write_arrow
from index.storage.background import made_within
from index.storage.layout import COPIES, SIMILAR_SHOTS, Tier

FILES: dict[Tier, str] = {"same": COPIES, "similar": SIMILAR_SHOTS}
QUICK = 2_000  # images whose groups are found within a second or two; those of more are made when they are asked for
FORMAT = 1  # of the files and of the rules: groups of another one are made again

__all__ = ["Copies", "Tier", "cached_copies", "exact_copies", "load_copies", "make_copies", "save_copies"]

Progress: TypeAlias = Callable[[int, int], object]


@dataclass(frozen=True)
class Copies:
    """leaders: the row of the best copy of each row's group, [N]; of a row without copies itself.

    places: of each row in the order of quality, [N], 0 for the best of all.
    """

    leaders: NDArray[np.int32]
    places: NDArray[np.int32]

    def sizes(self) -> NDArray[np.intp]:
        """Rows in each group, by the row that leads it, [N]."""
        return np.bincount(self.leaders, minlength=len(self.leaders))

    def groups(self) -> list[NDArray[np.intp]]:
        """The rows of each group of at least two, best first; groups with most rows first, then the best."""
        order = np.lexsort((self.places, self.leaders))
        rows = np.split(order, np.flatnonzero(np.diff(self.leaders[order])) + 1)
        return sorted((group for group in rows if len(group) > 1), key=lambda g: (-len(g), self.places[g[0]]))

    def of(self, row: int) -> NDArray[np.intp]:
        """The rows of the group of row, best first."""
        rows = np.flatnonzero(self.leaders == self.leaders[row])
        return rows[np.argsort(self.places[rows])]


def make_copies(collection: Collection, tier: Tier = "same", progress: Progress = lambda done, total: None) -> Copies:
    """Find the groups of a tier. progress: called with images compared and their total."""
    places = quality_places(collection)
    contents = contents_of(collection, places)
    looks, thumbnails, best = looks_of(collection, contents), Thumbnails(collection), contents.best.tolist()
    leaders = grouped(
        same_pairs(looks), len(best), lambda one, other: thumbnails.same_image(best[one], best[other]), progress
    )
    if tier == "similar":
        pairs = leaders[similar_pairs(collection, contents, looks)]  # between the best copies alone
        pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
        shots = grouped(pairs, len(best), lambda one, other: thumbnails.similar_shot(best[one], best[other]), progress)
        leaders = shots[leaders]
    return Copies(contents.best[leaders][contents.of], places)


def exact_copies(collection: Collection) -> Copies:
    """The groups of rows that are one image by their hashes: at once, at any size."""
    places = quality_places(collection)
    contents = contents_of(collection, places)
    return Copies(contents.best[contents.of], places)


def save_copies(collection: Collection, tier: Tier = "same", progress: Progress = lambda done, total: None) -> Copies:
    """The stored groups of a tier, which are made and stored first where they are missing or stale."""
    stored = load_copies(collection, tier)
    if stored is not None:
        return stored
    made = make_copies(collection, tier, progress)
    columns = {"leaders": pa.array(made.leaders), "places": pa.array(made.places)}
    write_arrow(collection.path / FILES[tier], columns, FORMAT, collection.revision)
    return made


def load_copies(collection: Collection, tier: Tier) -> Copies | None:
    """The groups stored beside a collection; None where they are missing, stale or broken."""
    try:
        table = read_arrow((collection.path / FILES[tier]).read_bytes(), FORMAT, collection.revision)
        if table is None:
            return None
        leaders, places = (np.asarray(table[name].to_numpy(), np.int32) for name in ("leaders", "places"))
        if not len(leaders) == len(places) == len(collection) or (len(leaders) and not _fits(leaders)):
            return None
        return Copies(leaders, places)
    except (OSError, ValueError, KeyError, TypeError):  # pyarrow's are the first two
        return None


def _fits(leaders: NDArray[np.int32]) -> bool:
    """Whether every leader is a row that leads itself."""
    return int(leaders.min()) >= 0 and int(leaders.max()) < len(leaders) and bool((leaders[leaders] == leaders).all())


def cached_copies(collection: Collection, tier: Tier, timeout: float | None = None) -> Copies | None:
    """The groups of an open collection: the stored ones, or such as are made and stored in the background, once.

    None if that takes longer than timeout seconds. A command, which has no timeout, does not wait for those of the same
    image in a large collection.
    """
    if timeout is None and tier == "same" and len(collection) > QUICK:
        return load_copies(collection, tier)
    make, load = partial(_saved_or_made, tier=tier), partial(load_copies, tier=tier)
    return made_within(collection, f"copies {tier}", make, timeout, load)


def _saved_or_made(collection: Collection, tier: Tier) -> Copies:
    try:
        return save_copies(collection, tier)
    except OSError:  # it may only be read
        return make_copies(collection, tier)
