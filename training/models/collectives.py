"""What the ranks of a run compute together, with gradients; alone, everything here does nothing.

Tensors of the loss travel by the backend of the device (NCCL or gloo). Waiting, and what ranks tell each other, goes
by gloo with a timeout of hours: rank 0 may evaluate for longer than NCCL waits.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import FunctionCtx

T = TypeVar("T")
PATIENCE = timedelta(hours=6)  # a rank that is gone is noticed otherwise, see training.engine.peers
_talking: list[dist.ProcessGroup] = []  # the group for this, once it is open


def open_talks() -> None:
    """Open the group by which ranks wait and tell each other things; every rank calls this, once it has joined."""
    if not _talking:
        group = dist.new_group(backend="gloo", timeout=PATIENCE)
        assert isinstance(group, dist.ProcessGroup)  # a rank outside of a group gets a number
        _talking.append(group)


def close_talks() -> None:
    """Forget the group, which ends with the process group."""
    _talking.clear()


def talks() -> dist.ProcessGroup | None:
    """The group, None for the default one."""
    return _talking[0] if _talking else None


def wait() -> None:
    """Block until every rank has called this."""
    if world_size() > 1:
        dist.barrier(group=talks())


def tell(value: T) -> list[T]:
    """The value of each rank, in rank order, on every rank."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value, group=talks())
    return values


@contextmanager
def one_first() -> Iterator[None]:
    """One rank of each machine runs the `with` before the others, which find on the disk what it left there."""
    is_first = int(os.environ.get("LOCAL_RANK", rank())) == 0
    if not is_first:
        wait()
    try:
        yield
    finally:  # after an error too, which the others are to meet themselves
        if is_first:
            wait()


def world_size() -> int:
    """How many ranks there are; 1 alone."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This rank's number, 0 alone."""
    return dist.get_rank() if world_size() > 1 else 0


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
