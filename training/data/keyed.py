"""Random numbers keyed by sample.

The numbers of a sample are a function of (seed, epoch, sample) and of the number of earlier draws for it. An
augmentation is therefore the same in any worker, rank or batch, and resuming a run needs one integer, the position.
"""

import math

import numpy as np
import torch

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(values: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser (Steele, Lea and Flood, OOPSLA 2014): uint64 to well-mixed uint64."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


class Keyed:
    """A stream of random numbers for each of B samples, drawn for all of them at once.

    samples: [B], the number of each sample in its source. epoch: one for all, or [B]. Streams of different (seed,
    epoch, sample) are independent. Each draw advances all B streams.
    """

    def __init__(self, seed: int, epoch: int | np.ndarray, samples: np.ndarray):
        self.samples = np.asarray(samples)
        with np.errstate(over="ignore"):
            key = mix(np.uint64(seed % 2**64) * GOLDEN + np.uint64(1) + np.zeros(1, np.uint64))
            key = mix(key + np.asarray(epoch).astype(np.uint64) * GOLDEN)
            self.keys = mix(key + np.asarray(samples).astype(np.uint64) * GOLDEN)  # [B]
        self.drawn = 0

    def __len__(self) -> int:
        return len(self.keys)

    def _bits(self, n: int) -> np.ndarray:
        """[B, n] uint64."""
        counters = np.arange(self.drawn + 1, self.drawn + n + 1, dtype=np.uint64)
        self.drawn += n
        with np.errstate(over="ignore"):
            return mix(self.keys[:, None] + counters[None] * GOLDEN)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """float32 [B, *shape] in [low, high)."""
        bits = self._bits(math.prod(shape)) >> np.uint64(40)  # 24 bits: every value is exact in float32
        values = torch.from_numpy(bits.astype(np.float32) / np.float32(2**24)).reshape(len(self), *shape)
        return low + (high - low) * values

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        """bool [B, *shape], each true with the given probability."""
        return self.uniform(*shape) < probability

    def integers(self, n: int, *shape: int) -> torch.Tensor:
        """int64 [B, *shape] in 0..n-1."""
        return (self.uniform(*shape).double() * n).long().clamp_(max=n - 1)

    def normal(self, *shape: int) -> torch.Tensor:
        """float32 [B, *shape], standard normal (Box and Muller)."""
        radius = torch.sqrt(-2 * torch.log1p(-self.uniform(*shape)))
        return radius * torch.cos(2 * math.pi * self.uniform(*shape))

    def permutation(self, n: int) -> torch.Tensor:
        """int64 [B, n], a random order of 0..n-1 for each sample."""
        return torch.from_numpy(np.argsort(self._bits(n), axis=1, kind="stable"))
