"""What a training command writes and prints when its run ends or is stopped."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.engine.unreadable import FILE
from training.models.console import print_json, say
from training.models.interrupt import Interrupt

if TYPE_CHECKING:
    from training.engine.trainer import Trainer


STOPPING = "Stopping after this step, with a checkpoint. Ctrl-C again stops at once, without one."


def interruptible() -> Interrupt:
    """Ctrl-C or SIGTERM asks the run to stop, which rank 0 confirms: a step may take long."""
    return Interrupt(STOPPING if os.environ.get("RANK", "0") == "0" else "")


def print_end(run: Path, trainer: "Trainer", as_json: bool) -> None:
    """Write the report and print the last metrics and the next step, on rank 0 only.

    Exits with 130 if the run was stopped early.
    """
    if not trainer.world.leads:
        return
    from training.engine.log import read_metrics

    lines = read_metrics(run / "metrics.jsonl")
    last: dict[str, Any] = {}
    for line in lines:
        last |= line
    finished = trainer.step == trainer.config.total_steps
    report = _write_report(run) if finished and trainer.config.report else None
    if as_json:
        print_json({"run": str(run), "finished": finished, "steps": trainer.step, **last})
    elif finished:
        following = f"python -m index build IMAGES --into my.gelato --encoder {run}"
        also = f", or open {report}" if report else ""
        say(f"{trainer.step:,} steps, loss {last['loss']:.4g}. {_replaced(last)}Next: {following}{also}")
    else:
        say(f"Stopped after step {trainer.step:,}. Resume it: python -m training resume {run}")
    if not finished:
        raise SystemExit(130)


def _replaced(last: Mapping[str, Any]) -> str:
    """What the last metrics say of images that could not be read, as a sentence; empty if all could."""
    count = last.get("unreadable", 0)
    if not count:
        return ""
    what = (
        "1 image could not be read and another replaced it"
        if count == 1
        else f"{count:,} reads of images failed and others replaced them"
    )
    return f"{what}; {FILE} in the run directory lists the reasons. "


def _write_report(run: Path) -> Path | None:
    """The path of the report; None if it could not be made, which the finished run must not fail for."""
    from training.run_report.page import write_report

    try:
        return write_report(run)
    except Exception as error:
        say(
            f"The report could not be made ({type(error).__name__}: {error}): python -m training report {run}", err=True
        )
        return None
