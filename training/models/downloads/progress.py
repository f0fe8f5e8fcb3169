"""How far a download is, and showing that on a terminal."""

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from training.models.console import LINE_SECONDS, duration

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True)
class Progress:
    """How far a download is. done, total: bytes of all its files; total is None until it is known.

    rate: bytes a second over the last seconds. left: seconds. note: what it waits for, "" while bytes come.
    """

    file: str
    done: int
    total: int | None
    rate: float
    left: float | None
    note: str = ""


class DownloadLine:
    """Bytes, rate and time left on stderr: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, what: str):
        self.what = what
        self.bar: tqdm[None] | None = None
        self.last = time.monotonic()
        self.note = ""

    def show(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            self._draw(progress)
        elif progress.note not in ("", "checking", self.note) or time.monotonic() - self.last > LINE_SECONDS:
            self.last = time.monotonic()
            click.echo(f"{self.what}: {said(progress)}", err=True)
        self.note = progress.note

    def _draw(self, progress: Progress) -> None:
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=progress.total, desc=self.what, unit="B", unit_scale=True, file=sys.stderr)
            self.bar.initial = progress.done  # what was here before is no part of the rate
            self.bar.n = progress.done
        self.bar.total = progress.total
        self.bar.set_postfix_str(progress.note, refresh=False)
        self.bar.update(progress.done - self.bar.n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()


def said(progress: Progress) -> str:
    """Progress in words: 240 of 605 MB, 12 MB/s, 30 s left."""
    if progress.note:
        return progress.note
    whole = f" of {progress.total / 1e6:,.0f}" if progress.total is not None else ""
    left = f", {duration(progress.left)} left" if progress.left is not None else ""
    return f"{progress.done / 1e6:,.0f}{whole} MB, {progress.rate / 1e6:,.1f} MB/s{left}"
