"""What the ranks of a run compute together, with gradients; alone, everything here does nothing.

Tensors of the loss travel by the backend of the device (NCCL or gloo).
"""

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import FunctionCtx

from training.models.ranks import rank, world_size


class _Gather(torch.autograd.Function):
    """All ranks' rows; backwards, what all ranks' losses ask of this rank's rows, summed."""

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total.chunk(world_size())[rank()]


def gather(rows: Tensor) -> Tensor:
    """The rows [b, ...] of all ranks, [ranks * b, ...], in the order of the ranks; gradients find their way back.

    A loss that every rank takes over its own rows against the gathered ones is, averaged over the ranks, the
    loss of the whole batch, and so are its gradients once they are averaged over the ranks, as DDP does.
    """
    return rows if world_size() == 1 else _Gather.apply(rows)


class _Total(torch.autograd.Function):
    """The sum over ranks; backwards, the sum of what all ranks' losses ask of it."""

    @staticmethod
    def forward(ctx: FunctionCtx, values: Tensor) -> Tensor:
        values = values.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def total(values: Tensor) -> Tensor:
    """The sum over ranks of values [...], on every rank, with gradients as `gather` has them."""
    return values if world_size() == 1 else _Total.apply(values)


def mean(values: Tensor) -> Tensor:
    """The mean over ranks of values [...], on every rank, with gradients."""
    return values if world_size() == 1 else _Total.apply(values) / world_size()
