"""How memory is allocated and given back. Set before threads start and before pyarrow is imported.

What glibc and Arrow do for speed leaves much of the memory that was freed with the process: an arena a thread, a heap
that shrinks from its end only, and a pool of Arrow's own. For a server of 100,000 images these were a third of its
memory; benchmarks/server_memory.py measures it.
"""

import ctypes
import os
import platform
from contextlib import suppress

ARENAS = 2
LARGE = 1 << 20  # bytes from which memory is the system's own, and goes back to it when it is freed
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of mallopt, see malloc.h


def set_allocators() -> None:
    """Give freed memory back, as far as the environment does not say otherwise."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((M_ARENA_MAX, ARENAS), (M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, LARGE)):
            mallopt(option, value)
