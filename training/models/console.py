"""How the commands speak: answers on stdout, progress on stderr, a user's mistake in one line."""

import json
import logging
import sys
import time
from typing import Any, NoReturn

import click

from training.models.errors import UserError

LINE_SECONDS = 10.0  # between progress lines where there is no terminal to draw a bar on


class Commands(click.Group):
    """A group whose commands answer a UserError with one line and exit code 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
        try:
            return super().invoke(ctx)
        except UserError as error:
            fail(error)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)


def fail(error: UserError) -> NoReturn:
    """Say what was wrong in one line, and exit 1."""
    click.echo(f"Error: {' '.join(str(error).split())}", err=True)
    sys.exit(1)


def answer(as_json: bool, document: Any, text: str) -> None:
    """One JSON document and nothing else, or words."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=1) if as_json else text)


def plain(text: str) -> str:
    """text on one line and without control characters: a file's name may hold anything, even a terminal's commands."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class ProgressLine:
    """Pictures done, rate and time left: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, what: str):
        self.what = what
        self.bar: Any = None
        self.last = time.monotonic()

    def show(self, done: int, total: int, note: str = "") -> None:
        """done of total; note follows, for example "3 failed"."""
        if sys.stderr.isatty():
            self._draw(done, total, note)
        elif time.monotonic() - self.last > LINE_SECONDS:
            self.last = time.monotonic()
            click.echo(f"{self.what}: {done:,} of {total:,}{', ' + note if note else ''}", err=True)

    def _draw(self, done: int, total: int, note: str) -> None:
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, desc=self.what, unit=" pictures", file=sys.stderr, dynamic_ncols=True)
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()
