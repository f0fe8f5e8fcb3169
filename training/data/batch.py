"""What the loader hands to a method's augment."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from training.data.keyed import Keyed


@dataclass(frozen=True)
class Batch:
    """B samples as the loader hands them over, all at one size.

    images: uint8 [B, 3, H, W]. captions: B lists, each with the captions that a sample has.
    labels: int64 [B], -1 where there is none. random: the samples' own random numbers.
    """

    images: Tensor
    captions: list[list[str]]
    labels: Tensor
    random: Keyed

    def __len__(self) -> int:
        return len(self.images)


Augment = Callable[[Batch], tuple[Any, ...]]  # to the arguments of loss; runs in loader workers, on the CPU
