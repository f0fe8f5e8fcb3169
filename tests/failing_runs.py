"""A run that fails in a given way at its third step, as the command runs it.

python -m tests.failing_runs WAY METHOD [OPTION ...]
"""

import errno
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.samples import SMALL_TOWERS
from training.__main__ import cli
from training.data.loader import Batches
from training.engine import checkpoint
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.tower_configs import TINY

STEP = 3


def in_data(fail: Callable[[], object]) -> None:
    """Fail where batch STEP is made."""
    make = Batches.__getitem__

    def failing(self: Batches, step: int) -> Any:
        if step == STEP:
            fail()
        return make(self, step)

    Batches.__getitem__ = failing  # type: ignore[method-assign]


def in_step(fail: Callable[[Any], Any]) -> None:
    """Give what a training step's loss becomes at STEP."""
    compute = Trainer._backward

    def failing(self: Trainer, arguments: Any) -> Any:
        loss = compute(self, arguments)
        return fail(loss) if self.step == STEP else loss

    Trainer._backward = failing  # type: ignore[method-assign]


def refuse(error: BaseException) -> Any:
    raise error


def kill_a_worker() -> None:
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)


def hang_a_worker() -> None:
    """Hang where no signal handler of Python runs: what a network drive does."""
    if multiprocessing.parent_process() is not None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        signal.pause()


def fill_the_disk() -> None:
    checkpoint.write_file = lambda *_: refuse(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


WAYS: dict[str, Callable[[], object]] = {
    "user error in data": lambda: in_data(lambda: refuse(UserError("The image sky.jpg is odd."))),
    "error in data": lambda: in_data(lambda: refuse(KeyError("sky"))),
    "killed worker": lambda: in_data(kill_a_worker),
    "error in step": lambda: in_step(lambda loss: refuse(ValueError("no such shape"))),
    "error in step while a worker hangs": lambda: (
        in_data(lambda: hang_a_worker()),
        in_step(lambda loss: loss),
        setattr(Trainer, "_to_device", lambda self, arguments: refuse(ValueError("no such shape"))),
    ),
    "memory": lambda: in_step(lambda loss: refuse(MemoryError("17 GB"))),
    "nan": lambda: in_step(lambda loss: loss * float("nan")),
    "disk": fill_the_disk,
}

if __name__ == "__main__":
    TINY["tiny"] = SMALL_TOWERS
    WAYS[sys.argv[1]]()
    cli(sys.argv[2:], prog_name="python -m training")
