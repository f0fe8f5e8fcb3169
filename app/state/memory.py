"""Memory that is not needed while nobody uses the server: encoders, pages of mapped files, what allocators hold."""

import ctypes
import gc
import sys
import threading
from contextlib import suppress

import pyarrow as pa

from app.state.library import Library

LOOK = 30.0  # seconds at most between two looks for what is idle


class MemoryAtRest:
    """From now on, until `stop`, gives back what was not used for a while.

    seconds: after which encoders are dropped; vectors go back when nobody read any between two looks.
    """

    def __init__(self, library: Library, seconds: float):
        self.library, self.seconds = library, seconds
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name="memory-at-rest", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(min(LOOK, self.seconds / 4)):
            dropped = self.library.encoders.drop_idle(self.seconds)
            for opened in self.library.comparable():
                opened.rest()
            if dropped:
                give_back_memory()


def give_back_memory() -> None:
    """Collect what is unreachable, and give back what allocators hold on to. Takes some tens of milliseconds."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without it, such as musl
            ctypes.CDLL(None).malloc_trim(0)
