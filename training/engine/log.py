"""The metrics of a run: metrics.jsonl, a progress bar, and TensorBoard or Weights & Biases on request."""

import json
import math
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import click

from training.models.atomic import write_file
from training.models.errors import UserError
from training.models.registry import pick

CLOCK = ("seconds", "images_per_second", "waiting", "memory_bytes")  # the fields that differ between two equal runs
LINE_SECONDS = 10.0  # between progress lines where stderr is not a terminal


class MetricsSink(Protocol):
    """A destination for the lines of metrics.jsonl."""

    def write(self, line: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


class MetricsFile:
    """metrics.jsonl: one JSON object a line, each with its step. NaN and infinity are written as null."""

    def __init__(self, path: Path, after: int = 0):
        """after: lines of later steps are removed, and so is a line that a crash left incomplete."""
        self.path = path
        self._open(after)

    def _open(self, after: int) -> None:
        truncate_lines(self.path, partial(_is_before, after))
        self.file = self.path.open("a", encoding="utf-8")

    def go_back(self, after: int) -> None:
        """Remove the lines of later steps."""
        self.file.close()
        self._open(after)

    def write(self, line: dict[str, Any]) -> None:
        """Append a line and flush it."""
        self.file.write(json.dumps({name: finite(value) for name, value in line.items()}) + "\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()


class Metrics:
    """All destinations of a run's lines: its metrics.jsonl, and what was asked for beside it."""

    def __init__(self) -> None:
        self.sinks: list[MetricsSink] = []

    def write(self, line: dict[str, Any]) -> None:
        """Append a line to each."""
        for sink in self.sinks:
            sink.write(line)

    def go_back(self, after: int) -> None:
        """Remove the lines of later steps from metrics.jsonl; the others cannot."""
        for sink in self.sinks:
            if isinstance(sink, MetricsFile):
                sink.go_back(after)

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()


def _is_before(after: int, line: str) -> bool:
    """Whether a line was written before the checkpoint of step `after`; one of a rollback to it was written later."""
    document = json.loads(line)
    went_back = document.get("not_finite", {}).get("action") == "rollback"
    return bool(document["step"] < after or (document["step"] == after and not went_back))


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl up to the first that is incomplete."""
    lines: list[dict[str, Any]] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def truncate_lines(path: Path, wanted: Callable[[str], bool]) -> None:
    """Truncate a text file before the first line that is not wanted, or that a crash left incomplete."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = text.splitlines(keepends=True)
    kept = []
    for line in lines:
        try:
            if not line.endswith("\n") or not wanted(line):
                break
        except ValueError:
            break
        kept.append(line)
    if len(kept) != len(lines):
        write_file(path, "".join(kept).encode())


def finite(value: object) -> object:
    """The value with NaN and infinity replaced by None, also inside a dict: JSON cannot represent them."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Progress:
    """Loss, images per second and remaining time: a bar on a terminal, occasional lines elsewhere."""

    def __init__(self, start: int, steps: int, quiet: bool = False):
        self.steps, self.quiet = steps, quiet
        self.bar: Any = None
        self.last = self.started = time.monotonic()
        self.start = start

    def show(self, step: int, loss: float, images_per_second: float) -> None:
        """Update the display after `step` steps."""
        if self.quiet:
            return
        if sys.stderr.isatty():
            from tqdm import tqdm

            if self.bar is None:
                self.bar = tqdm(
                    total=self.steps, initial=self.start, unit=" steps", file=sys.stderr, dynamic_ncols=True
                )
            self.bar.set_postfix_str(f"loss {loss:.4g}, {images_per_second:,.0f} images/s", refresh=False)
            self.bar.update(step - self.bar.n)
        elif time.monotonic() - self.last > LINE_SECONDS or step == self.steps:
            self.last = time.monotonic()
            left = (self.last - self.started) / max(1, step - self.start) * (self.steps - step)
            click.echo(
                f"step {step:,} of {self.steps:,}, loss {loss:.4g}, {images_per_second:,.0f} images/s, "
                f"{clock(left)} left",
                err=True,
            )

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def clock(seconds: float) -> str:
    """A duration as 1:02:03, or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class TensorBoard:
    """The same metrics for TensorBoard, in the run directory."""

    def __init__(self, run: Path, config: dict[str, Any]):
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(run / "tensorboard"))

    def write(self, line: dict[str, Any]) -> None:
        for name, value in flat(line).items():
            self.writer.add_scalar(name, value, line["step"])

    def close(self) -> None:
        self.writer.close()


class WandB:
    """The same metrics for Weights & Biases, under the run's name."""

    def __init__(self, run: Path, config: dict[str, Any]):
        import wandb

        self.run = wandb.init(project="gelato", id=run.resolve().name, dir=str(run), config=config, resume="allow")

    def write(self, line: dict[str, Any]) -> None:
        self.run.log(flat(line), step=line["step"])

    def close(self) -> None:
        self.run.finish()


LOGGERS: dict[str, Callable[[Path, dict[str, Any]], MetricsSink]] = {"tensorboard": TensorBoard, "wandb": WandB}
MODULES = {"tensorboard": "torch.utils.tensorboard", "wandb": "wandb"}


def flat(line: dict[str, Any], prefix: str = "") -> dict[str, float]:
    """The numbers of a line by name; a number inside a dict is named outer/inner."""
    found: dict[str, float] = {}
    for name, value in line.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            found[prefix + name] = float(value)
    return found


def check_loggers(names: Iterable[str]) -> None:
    """UserError for a logger that there is not, or that is not installed."""
    for name in names:
        pick("logger", name, LOGGERS)
        try:
            import_module(MODULES[name])
        except ImportError as error:
            message = f"--logger {name} needs a package that is not installed. Install it: pip install {name}"
            raise UserError(message) from error
