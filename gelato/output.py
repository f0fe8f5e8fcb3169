"""What a command writes to: any code page, and a reader that goes, as in `gelato doctor | head -1`."""

from __future__ import annotations  # install.py imports it on a Python that is too old

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def take_any_text() -> None:
    """Let both streams take any text: what their code page lacks, as of a folder's name, is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def ending_quietly() -> Iterator[None]:
    """Exit with 1, as click's commands do, and without a traceback if nobody reads stdout any more."""
    try:
        try:
            yield
        finally:  # also on the way of sys.exit: what is still buffered would fail at the end of the interpreter
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
