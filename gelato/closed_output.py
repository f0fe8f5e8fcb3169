"""The end of a command whose reader has gone, as in `gelato doctor | head -1`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
