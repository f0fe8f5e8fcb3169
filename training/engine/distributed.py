"""The ranks of a run: a single process, or the processes that torchrun starts."""

import os
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn

from training.models import ranks
from training.models.errors import UserError
from training.models.parallel import usable_cores

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """This process's rank, the number of ranks, and its device. thread: whose group it talks by."""

    rank: int
    size: int
    device: torch.device
    thread: str = ranks.MAIN

    def for_writer(self) -> "World":
        """The same for a thread that writes while the main thread trains."""
        return replace(self, thread=ranks.WRITER)

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, which writes files and prints."""
        return self.rank == 0

    def wait(self) -> None:
        """Block until every rank has called this."""
        ranks.wait(self.thread)

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """The mean over ranks of each value; every rank gives the same names."""
        if self.size == 1 or not values:
            return dict(values)
        names = sorted(values)
        total = torch.tensor([values[name] for name in names], dtype=torch.float64)
        dist.all_reduce(total, group=ranks.talks(self.thread))
        return dict(zip(names, (total / self.size).tolist(), strict=True))

    def gather(self, value: T) -> list[T]:
        """The value of each rank, in rank order, on every rank."""
        return ranks.tell(value, self.thread)

    def cores_each(self) -> int:
        """Cores for this rank: those that the ranks of its machine may use, in equal parts."""
        here = socket.gethostname()
        of_all = self.gather((here, usable_cores()))
        of_here = [found for host, found in of_all if host == here]
        return max(1, len(set().union(*of_here)) // len(of_here))

    @property
    def neighbours(self) -> int:
        """How many ranks there are on this machine, itself included."""
        return int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if self.size > 1 else 1

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over ranks, in one all-reduce."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.size == 1 or not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))


ALONE = World(0, 1, torch.device("cpu"))


def has_bf16() -> bool:
    """Whether the GPU computes in bf16 itself."""
    return torch.cuda.is_bf16_supported(including_emulation=False)


def join(device: str = "auto") -> World:
    """Join the ranks that torchrun started, or run as a single process. UserError if the device is unavailable."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available[device]:
        raise UserError(f"There is no {device} device on this machine; --device auto chooses an available one.")
    chosen = torch.device(device)
    if device == "cuda":
        chosen = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(chosen)
    if size > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device == "cuda" else "gloo")
    if size > 1:
        ranks.open_talks()
    return World(rank, size, chosen)


def leave() -> None:
    """Leave the process group."""
    if dist.is_initialized():
        dist.destroy_process_group()
    ranks.close_talks()
