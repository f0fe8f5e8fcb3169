"""The order of samples in a run, as a function of the seed and the position.

Resuming needs one integer, the number of steps done. The order is the same for any number of ranks and workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.keyed import GOLDEN, mix
from training.data.permutation import permuted
from training.data.windows import WindowOrder
from training.models.errors import UserError

BLOCK = 1024  # positions over which a mixture keeps its proportions exactly


@dataclass(frozen=True)
class Draw:
    """The samples at some positions: samples [B], numbered over all sources, and the epoch [B] of each."""

    samples: NDArray[np.int64]
    epochs: NDArray[np.int64]


class Sampler:
    """Batches of global size batch_size over one source or a mixture.

    sizes: number of images of each source. weights: of each source in the mixture [default: by number of images].
    Each source is traversed epoch by epoch in its own order. Without weights a batch never spans two epochs (the
    incomplete last batch of an epoch is dropped). UserError for a batch larger than the data.
    blocks, window: where the blocks of each source end, and how many samples a window of blocks has at least, see
    WindowOrder; a window of 0 shuffles each source as a whole.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        batch_size: int,
        seed: int,
        weights: Sequence[float] | None = None,
        blocks: Sequence[NDArray[np.int64]] = (),
        window: int = 0,
    ):
        self.sizes, self.batch_size, self.seed = list(sizes), batch_size, seed
        self.first = np.concatenate([[0], np.cumsum(self.sizes)])
        self.orders: list[WindowOrder] = []  # of each source of a mixture, or one of all sources
        if window:
            whole = np.concatenate([first + ends for first, ends in zip(self.first, blocks, strict=False)])
            self.orders = [WindowOrder(ends, window) for ends in ([whole] if weights is None else blocks)]
        self.quota = None if weights is None else quotas(weights, BLOCK)
        self.per_epoch = int(self.first[-1]) // batch_size
        if self.per_epoch == 0:
            raise UserError(
                f"A batch of {batch_size} cannot be filled from {self.first[-1]:,} images; "
                f"choose a --batch-size of at most {self.first[-1]}."
            )

    def batch(self, step: int, rank: int = 0, ranks: int = 1) -> Draw:
        """The part of one rank in the batch of one step."""
        share = self.batch_size // ranks
        within = np.arange(rank * share, (rank + 1) * share)
        if self.quota is None:
            epoch = step // self.per_epoch
            positions = (step % self.per_epoch) * self.batch_size + within
            samples = self._ordered(0, positions, int(self.first[-1]), self._key(0, epoch))
            return Draw(samples, np.full(share, epoch))
        return self._mixed(step * self.batch_size + within, self.quota)

    def _mixed(self, positions: NDArray[np.int64], quota: NDArray[np.int64]) -> Draw:
        blocks = positions // BLOCK
        slots = permuted(positions % BLOCK, BLOCK, self._keys(1, blocks))
        ends = np.cumsum(quota)
        sources = np.searchsorted(ends, slots, side="right")
        samples, epochs = np.empty_like(positions), np.empty_like(positions)
        for source in range(len(quota)):
            here = sources == source
            drawn = (
                blocks[here] * quota[source] + slots[here] - (ends[source] - quota[source])
            )  # so far, of this source
            size = self.sizes[source]
            epochs[here] = drawn // size
            if not self.orders:
                samples[here] = self.first[source] + permuted(drawn % size, size, self._keys(2 + source, epochs[here]))
                continue
            within = drawn % size
            for epoch in np.unique(epochs[here]):
                now = epochs[here] == epoch
                within[now] = self._ordered(source, within[now], size, self._key(2 + source, int(epoch)))
            samples[here] = self.first[source] + within
        return Draw(samples, epochs)

    def _ordered(
        self, order: int, positions: NDArray[np.int64], size: int, key: NDArray[np.uint64]
    ) -> NDArray[np.int64]:
        return self.orders[order].samples(positions, key) if self.orders else permuted(positions, size, key)

    @property
    def blocks_held(self) -> int:
        """How many blocks the samples of neighbouring batches lie in; 0 without windows."""
        return sum(order.most_blocks for order in self.orders)

    def _key(self, stream: int, number: int) -> NDArray[np.uint64]:
        return self._keys(stream, np.array([number]))

    def _keys(self, stream: int, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
        with np.errstate(over="ignore"):
            key = mix(np.uint64(self.seed % 2**64) * GOLDEN + np.uint64(stream + 1) + np.zeros(1, np.uint64))
            return mix(key ^ mix(numbers.astype(np.uint64) * GOLDEN + np.uint64(7)))


def quotas(weights: Sequence[float], total: int) -> NDArray[np.int64]:
    """Split total by weights with the largest remainder method; every source gets at least one."""
    shares = np.asarray(weights, np.float64)
    if (shares <= 0).any() or not np.isfinite(shares).all():
        raise UserError(f"The weights of a mixture are {', '.join(f'{w:g}' for w in weights)}; each must be above 0.")
    exact = shares / shares.sum() * (total - len(shares))
    split = np.floor(exact).astype(np.int64)
    rest = total - len(shares) - int(split.sum())
    split[np.argsort(split - exact, kind="stable")[:rest]] += 1
    return split + 1
