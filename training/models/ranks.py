"""Which rank of a run this process is, and how ranks wait for each other and tell each other things.

They do so by gloo with a timeout of hours: rank 0 may evaluate for longer than NCCL waits. PyTorch is imported only by
who joins other ranks: serving, which takes two seconds less without it, embeds and evaluates by the same code.

There are two groups, each for one thread: collectives of one group have to come in the same order on all ranks, and a
thread that writes a checkpoint talks while the main thread does.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch.distributed as dist

T = TypeVar("T")
PATIENCE = timedelta(hours=6)  # a rank that is gone is noticed otherwise, see training.engine.peers
MAIN, WRITER = "main", "writer"  # the thread that a group is for
_talking: dict[str, "dist.ProcessGroup"] = {}  # the group of each, once they are open


def open_talks() -> None:
    """Open the groups by which ranks wait and tell each other things; every rank calls this, once it has joined."""
    import torch.distributed as dist

    for thread in (MAIN, WRITER) if not _talking else ():
        group = dist.new_group(backend="gloo", timeout=PATIENCE)
        assert isinstance(group, dist.ProcessGroup)  # a rank outside of a group gets a number
        _talking[thread] = group


def close_talks() -> None:
    """Forget the groups, which end with the process group."""
    _talking.clear()


def talks(thread: str = MAIN) -> "dist.ProcessGroup | None":
    """The group of a thread, None for the default one."""
    return _talking.get(thread)


def wait(thread: str = MAIN) -> None:
    """Block until every rank has called this."""
    if world_size() > 1:
        import torch.distributed as dist

        dist.barrier(group=talks(thread))


def tell(value: T, thread: str = MAIN) -> list[T]:
    """The value of each rank, in rank order, on every rank."""
    if world_size() == 1:
        return [value]
    import torch.distributed as dist

    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value, group=talks(thread))
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
    dist = sys.modules.get("torch.distributed")
    return dist.get_world_size() if dist and dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This rank's number, 0 alone."""
    return sys.modules["torch.distributed"].get_rank() if world_size() > 1 else 0
