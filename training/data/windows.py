"""An order that is random within windows of neighbouring blocks, so that a block is read once and not once an image.

As in WebDataset and FFCV, but without a buffer: a function of the key and the position, so that resuming needs one
number, for any number of ranks and workers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.keyed import GOLDEN, mix
from training.data.permutation import permuted


@dataclass(frozen=True)
class _Epoch:
    """The blocks in their order, where each ends in it, and where each window ends."""

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    windows: NDArray[np.int64]


class WindowOrder:
    """Permutations of 0..N-1: blocks in random order, and samples in random order within windows of whole blocks.

    ends: where blocks end, ascending, the last is N. window: samples after which a window ends with the next block.
    most_blocks: of a window of any order.
    """

    def __init__(self, ends: NDArray[np.int64], window: int):
        self.starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)
        self.sizes = np.diff(np.concatenate([[0], ends])).astype(np.int64)
        self.window = window
        self._last: tuple[int, _Epoch] | None = None
        smallest = np.cumsum(np.sort(self.sizes))
        self.most_blocks = int(np.searchsorted(smallest, window + int(self.sizes.max(initial=0)))) + 1

    def samples(self, positions: NDArray[np.int64], key: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The samples at positions [P] of the permutation of key [1]."""
        epoch = self._epoch(key)
        of_window = np.searchsorted(epoch.windows, positions, side="right")
        places = np.empty_like(positions)
        for number in np.unique(of_window):
            here = of_window == number
            start = int(epoch.windows[number - 1]) if number else 0
            with np.errstate(over="ignore"):
                own = mix(key ^ mix(np.array([number + 1], np.uint64) * GOLDEN))
            places[here] = start + permuted(positions[here] - start, int(epoch.windows[number]) - start, own)
        block = np.searchsorted(epoch.ends, places, side="right")
        chosen = epoch.order[block]
        return self.starts[chosen] + places - (epoch.ends[block] - self.sizes[chosen])

    def _epoch(self, key: NDArray[np.uint64]) -> _Epoch:
        if self._last is None or self._last[0] != int(key[0]):
            order = permuted(np.arange(len(self.sizes)), len(self.sizes), key)
            ends = np.cumsum(self.sizes[order])
            last_of_window = np.append(np.diff((ends - 1) // self.window) > 0, True)
            self._last = int(key[0]), _Epoch(order, ends, ends[last_of_window])
        return self._last[1]
