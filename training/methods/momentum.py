"""The slow copy that MoCo, BYOL and DINO share: a network that follows another one instead of being trained."""

import copy
import math

import torch
from torch import nn


def slow_copy(network: nn.Module) -> nn.Module:
    """A copy of network, batch norm's memory included, that no gradient reaches."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, momentum: float) -> None:
    """slow = momentum slow + (1 - momentum) fast, over all parameters.

    What batch norm remembers is left alone: the copy runs in train mode and remembers its own batches.
    """
    for own, other in zip(slow.parameters(), fast.parameters(), strict=True):
        own.lerp_(other, 1 - momentum)


def cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine from start to end as progress goes from 0 to 1, and end from there on."""
    return end + (start - end) * (1 + math.cos(math.pi * min(1.0, max(0.0, progress)))) / 2
