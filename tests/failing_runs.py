"""A run that fails in a given way at its third step, as the command runs it; of several ranks, the last fails.

python -m tests.failing_runs RANKS WAY METHOD [OPTION ...]
"""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.samples import SMALL_TOWERS
from training.__main__ import cli
from training.cli.torchrun import launch
from training.data.loader import Batches
from training.engine import checkpoint
from training.engine.checkpoint import checkpoints
from training.engine.feed import Feed
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.tower_configs import TINY

ROOT = Path(__file__).parent.parent
STEP = 3
MOMENT = "GELATO_TEST_MOMENT"  # names the file whose time is that of the failure


def now() -> None:
    """This is the moment of the failure."""
    Path(os.environ[MOMENT]).touch()


def in_data(fail: Callable[[], object]) -> None:
    """Fail where batch STEP is made."""
    make = Batches.__getitem__

    def failing(self: Batches, step: int) -> Any:
        if step == STEP:
            now()
            fail()
        return make(self, step)

    Batches.__getitem__ = failing  # type: ignore[method-assign]


def in_step(fail: Callable[[Any], Any]) -> None:
    """Give what a training step's loss becomes at STEP."""
    compute = Trainer._backward

    def failing(self: Trainer, arguments: Any) -> Any:
        loss = compute(self, arguments)
        if self.step != STEP:
            return loss
        now()
        return fail(loss)

    Trainer._backward = failing  # type: ignore[method-assign]


def refuse(error: BaseException) -> Any:
    now()
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
        setattr(Feed, "_placed", lambda self, arguments: refuse(ValueError("no such shape"))),
    ),
    "memory": lambda: in_step(lambda loss: refuse(MemoryError("17 GB"))),
    "nan": lambda: in_step(lambda loss: loss * float("nan")),
    "disk": fill_the_disk,
    "killed rank": lambda: in_step(lambda loss: os.kill(os.getpid(), signal.SIGKILL)),
}


@dataclass(frozen=True)
class Outcome:
    """How a run failed. seconds: from the failure to the end of every process. steps: of the checkpoints left."""

    code: int
    seconds: float
    lines: list[str]
    steps: list[int]
    tracebacks: list[str]


def fail_in(way: str, workers: int, ranks: int, data: Path, out: Path) -> Outcome:
    """Have a run of its own processes fail. out: an empty folder; the run becomes out/run."""
    options = ["--data", data, "--out", out / "run", "--tower", "tiny", "--batch-size", 8, "--steps", 6]
    options += ["--workers", workers, "--log-every", 2, "--checkpoint-every", 2, "--device", "cpu"]
    command = [sys.executable, "-m", "tests.failing_runs", str(ranks), way, "simclr", *map(str, options)]
    environment = os.environ | {MOMENT: str(out / "moment")}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = process.stderr.read().splitlines()  # ends when every process that holds it has ended, workers too
    seconds = time.time() - (out / "moment").stat().st_mtime
    steps = [int(folder.name.removeprefix("step-")) for folder in checkpoints(out / "run")]
    return Outcome(
        process.returncode, seconds, lines, steps, sorted(file.name for file in (out / "run").glob("error*"))
    )


if __name__ == "__main__":
    ranks, way, *arguments = sys.argv[1:]
    if ranks != "1" and "RANK" not in os.environ:
        launch(("--standalone", "--nproc-per-node", ranks, ranks, way, *arguments), "tests.failing_runs")
    else:
        TINY["tiny"] = SMALL_TOWERS
        if int(os.environ.get("RANK", "0")) == int(ranks) - 1:
            WAYS[way]()
        cli(arguments, prog_name="python -m training")
