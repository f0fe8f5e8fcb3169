"""Groups of copies, each round its best one: every member was compared with that one and found to be its copy.

So groups do not chain: where A is like B and B like C, but A not like C, the three are not one group.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def grouped(
    pairs: NDArray[np.int32],
    count: int,
    is_copy: Callable[[int, int], bool],
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> NDArray[np.int32]:
    """The leader of each of count things, [count]; of one without copies it is itself.

    Things are numbered by quality, the best first. pairs [P, 2]: which may be copies. is_copy: whether the second is a
    copy of the first. A leader is also compared with what its copies may be copies of, so that a group may be larger
    than the number of neighbours that pairs were made from.
    """
    leaders = np.arange(count, dtype=np.int32)
    if not len(pairs):
        return leaders
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    neighbours, neighbours_start = both[:, 1], np.searchsorted(both[:, 0], np.arange(count + 1))
    free = np.ones(count, bool)
    starts = np.unique(pairs)
    for done, leader in enumerate(starts.tolist()):
        if free[leader]:
            free[leader] = False
            for member in _copies(leader, neighbours_start, neighbours, free, is_copy):
                leaders[member] = leader
        if done % 1000 == 0 or done == len(starts) - 1:
            progress(done + 1, len(starts))
    return leaders


def _copies(
    leader: int,
    starts: NDArray[np.integer],
    neighbours: NDArray[np.integer],
    free: NDArray[np.bool_],
    is_copy: Callable[[int, int], bool],
) -> list[int]:
    """The free things that are copies of leader; they are free no longer."""
    found: list[int] = []
    seen = {leader}
    waiting = [leader]
    while waiting:
        at = waiting.pop()
        for other in neighbours[starts[at] : starts[at + 1]].tolist():
            if other in seen:
                continue
            seen.add(other)
            if free[other] and is_copy(leader, other):
                free[other] = False
                found.append(other)
                waiting.append(other)
    return found
