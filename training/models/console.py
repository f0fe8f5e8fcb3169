"""How the commands speak: answers on stdout, progress on stderr, a user's mistake in one line."""

import errno
import io
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from training.models.commands import as_started
from training.models.errors import UserError
from training.models.last_words import speaks
from training.models.strict_json import json_text

OUTPUT_ERRORS = (errno.ENOSPC, errno.EIO, errno.EINVAL)  # of a full disk, and of a broken pipe on Windows
LINE_SECONDS = 10.0  # between progress lines where there is no terminal to draw a bar on


class Help(click.HelpFormatter):
    """--help with the commands as they were started."""

    def write_text(self, text: str) -> None:
        super().write_text(as_started(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **extra: Any) -> None:
        super().write_dl([(term, as_started(text)) for term, text in rows], *args, **extra)


click.Context.formatter_class = Help


class Command(click.Command):
    """A command that can print any text, its own mistakes at the options included."""

    def main(self, *args: Any, **extra: Any) -> Any:
        prepare_output()
        return super().main(*args, **extra)


class Commands(Command, click.Group):
    """A group whose commands answer a UserError with one line and exit code 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)
        try:
            return super().invoke(ctx)
        except UserError as error:
            fail(error)
        except click.UsageError as error:
            if not speaks(error.format_message()):  # another rank has been told the same
                sys.exit(error.exit_code)
            raise
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)
        except OSError as error:
            if error.filename is not None or error.errno not in OUTPUT_ERRORS:  # a broken pipe is click's to end
                raise
            # What the stream still holds goes nowhere, or the interpreter would try once more and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            fail(UserError(f"The output cannot be written: {error.strerror}."))


def fail(error: UserError) -> NoReturn:
    """Say what was wrong in one line, unless another rank has said it, and exit 1."""
    sentence = " ".join(str(error).split())
    if sentence.endswith("..") and not sentence.endswith("..."):  # it ends with another program's sentence
        sentence = sentence[:-1]
    if speaks(sentence):
        click.echo(f"Error: {sentence}", err=True)
    sys.exit(1)


def prepare_output() -> None:
    """Let both streams take any text: what their code page lacks is escaped, and a closed one is no error."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed; what is opened next must not take its number
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def answer(as_json: bool, document: object, text: str) -> None:
    """One JSON document and nothing else, or words."""
    if as_json:
        print_json(document)
    else:
        say(text)


def say(text: str, err: bool = False) -> None:
    """A line of ours for a person, with the commands as they were started."""
    click.echo(as_started(text), err=err)


def print_json(document: object) -> None:
    """One strict JSON document, in ASCII where stdout has another code page than UTF-8."""
    encoding = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "")
    click.echo(json_text(document, ascii_only=not encoding.startswith("utf")))


@contextmanager
def written_to(place: Path) -> Iterator[None]:
    """UserError if what is written to place, a file or folder of --out, cannot be."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{place} cannot be written: {error.strerror or error}. Choose another --out.") from error


def plain(text: str) -> str:
    """text on one line and without control characters: a file's name may hold anything, even a terminal's commands."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class ProgressLine:
    """Images done, rate and time left, on stderr: a bar on a terminal, a line now and then elsewhere.

    as_json: elsewhere each line is a JSON object: what, done, total, rate (a second), left (seconds), note.
    """

    def __init__(self, what: str, as_json: bool = False):
        self.what, self.as_json = what, as_json
        self.bar: Any = None
        self.started = self.last = time.monotonic()

    def show(self, done: int, total: int, note: str = "") -> None:
        """done of total; note follows, for example "3 failed"."""
        if sys.stderr.isatty():
            self._draw(done, total, note)
        elif time.monotonic() - self.last > LINE_SECONDS:
            self.last = time.monotonic()
            rate = done / (self.last - self.started)
            left = (total - done) / rate if rate else None
            if self.as_json:
                facts = {"what": self.what, "done": done, "total": total, "rate": round(rate, 1)}
                line = {**facts, "left": left and round(left), "note": note}
                click.echo(json_text(line, indent=None, ascii_only=True), err=True)
            else:
                ahead = f", {duration(left)} left" if left is not None else ""
                said = f", {note}" if note else ""
                click.echo(f"{self.what}: {done:,} of {total:,}, {rate:,.0f} a second{ahead}{said}", err=True)

    def _draw(self, done: int, total: int, note: str) -> None:
        from tqdm import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, desc=self.what, unit=" images", file=sys.stderr, dynamic_ncols=True)
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self.bar is not None:
            self.bar.close()


def duration(seconds: float) -> str:
    """Seconds as a person says them: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
