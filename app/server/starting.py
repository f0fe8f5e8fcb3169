"""What the start of the page leaves out, so that it takes less time."""

import gc
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """No garbage collection inside, and none later of what was made inside.

    The imports and the page make a million objects that stay: to look through them takes a tenth of the start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def without_stub_files() -> Iterator[None]:
    """Gradio is imported inside without writing a stub file of each component, which only editors read.

    It parses the source of 80 classes for them at each start: two fifths of its import. It makes none of a class whose
    file is not known.
    """
    getfile = inspect.getfile

    def of_others(of: Any) -> str:
        if inspect.isclass(of) and of.__module__.startswith("gradio."):
            raise OSError("no stub file is wanted")
        return getfile(of)

    inspect.getfile = of_others  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = getfile
