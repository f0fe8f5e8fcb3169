"""Memory that was freed, given back to the system."""

import ctypes
import gc
import sys
from contextlib import suppress

import pyarrow as pa


def give_back_memory() -> None:
    """Collect what is unreachable, and give back what allocators hold on to. Takes some tens of milliseconds."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without it, such as musl
            ctypes.CDLL(None).malloc_trim(0)
