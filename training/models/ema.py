"""Exponential moving averages (EMA) of weights: momentum encoders (MoCo, BYOL, DINO), and the average of a run."""

import copy
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def ema_copy(network: M) -> M:
    """A copy of network to be averaged, batch norm's running statistics included; no gradient reaches it."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, momentum: float, copy_buffers: bool = False) -> None:
    """average = momentum average + (1 - momentum) network, over all parameters.

    copy_buffers: take over the network's buffers too, for an average that is never run in train mode. A momentum
    encoder runs in train mode and keeps the batch norm statistics of its own batches.
    """
    pairs = list(zip(average.parameters(), network.parameters(), strict=True))
    if pairs:
        own, other = map(list, zip(*pairs, strict=True))
        torch._foreach_lerp_(own, other, 1 - momentum)
    if copy_buffers:
        for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)
