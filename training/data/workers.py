"""Worker processes that prepare batches, and that end with the process they work for, however it ends."""

import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Generator
from functools import partial
from multiprocessing.synchronize import Event
from types import FrameType
from typing import Any, TypeVar, cast

from torch.utils.data import DataLoader, Dataset

from training.models.errors import UserError

T = TypeVar("T")
SECONDS_TO_END = 2.0  # that workers are given before they are killed


class WorkerLost(UserError):
    """A worker process was ended from outside; what it worked on is not known to be wrong."""


class _Answers(Dataset[Any]):
    """What a dataset gives, or the UserError it raised: PyTorch would put a traceback in place of its sentence."""

    def __init__(self, dataset: Dataset[Any]):
        self.dataset = dataset

    def __getitem__(self, index: int) -> object:
        try:
            return self.dataset[index]
        except UserError as error:
            return error


def from_workers(
    dataset: Dataset[T], indices: range, workers: int, ahead: int, pinned: bool = False
) -> Generator[T, None, None]:
    """dataset[i] for each of the indices, in order, made by worker processes in advance.

    ahead: how many each worker makes in advance. pinned: whether they are put into pinned memory, for a GPU.
    Closing the generator ends the workers within seconds. UserError as a worker raised it; WorkerLost if one was
    killed, as the system does when memory runs out.
    """
    closing = multiprocessing.get_context().Event()
    others = set(multiprocessing.active_children())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This DataLoader will create")  # as many as were asked for
        loader = iter(
            DataLoader(
                _Answers(dataset),
                batch_size=None,
                sampler=indices,
                num_workers=workers,
                prefetch_factor=ahead,
                pin_memory=pinned,
                worker_init_fn=partial(_outlive_signals, closing),
            )
        )
    ours = set(multiprocessing.active_children()) - others
    if hasattr(signal, "SIGCHLD") and threading.current_thread() is threading.main_thread():
        # PyTorch's handler raises wherever the training step happens to be; without it a loss is found by the wait
        # for the next batch, between two steps.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        for answer in loader:
            if isinstance(answer, UserError):
                raise answer
            yield cast(T, answer)
    except (RuntimeError, OSError, EOFError) as error:
        if not _any_killed(ours):
            raise  # the worker's own error
        raise WorkerLost(
            "A worker process that prepares batches was killed, as the system does when memory runs out. "
            "Use fewer --workers or a smaller --cache."
        ) from error
    finally:
        closing.set()
        _end(ours)


def _any_killed(processes: set[Any]) -> bool:
    """Whether a signal has ended one; its pipes may break a moment before that is known."""
    deadline = time.monotonic() + 0.2
    while time.monotonic() < deadline:
        if any(process.exitcode is not None and process.exitcode < 0 for process in processes):
            return True
        time.sleep(0.02)
    return False


def _end(processes: set[Any]) -> None:
    """End the processes: those that run Python at once, those that hang in a system call by force."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + SECONDS_TO_END
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            process.kill()


def _outlive_signals(closing: Event, worker: int) -> None:
    """Ctrl-C and a scheduler's SIGTERM reach workers too, and the trainer needs them for its last step.

    closing: once it is set, SIGTERM ends a worker at once.
    """

    def terminated(number: int, frame: FrameType | None) -> None:
        if closing.is_set():
            os._exit(0)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, terminated)
