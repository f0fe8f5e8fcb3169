"""Multi-crop: crops of several sizes through one network (SwAV, DINO)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def by_size(network: Callable[[Tensor], Tensor], crops: Sequence[Tensor]) -> list[Tensor]:
    """The output of network for each crop [B, 3, S, S]; consecutive crops of one size form one batch.

    One batch is faster, and batch norm then uses all crops of a size, as in the papers' code.
    """
    features: list[Tensor] = []
    start = 0
    for end in range(1, len(crops) + 1):
        if end == len(crops) or crops[end].shape[-1] != crops[start].shape[-1]:
            features += network(torch.cat(list(crops[start:end]))).split(len(crops[start]))
            start = end
    return features
