"""Files that are mapped into memory, and the pages of them that a process holds.

A page of a mapped file counts as memory of the process once it is touched, with its neighbours, until it is given back.
The system keeps it in its cache, from where it comes back in a microsecond.
"""

import ctypes
import mmap
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyarrow as pa

from training.models import file_names

RESIDENT = 400e6  # bytes of mapped pages that are touched before they are given back
AROUND = 160e3  # bytes that Linux maps round a page that is touched, as seen on ext4


def mapped(path: Path, replaced: bool = False) -> pa.Buffer:
    """A file's bytes, read as they are touched; the file itself is not held open.

    replaced: whether builds replace it under its name. Windows does not replace what is mapped; there it is read.
    """
    if replaced and file_names.WINDOWS:
        return pa.py_buffer(path.read_bytes())
    with pa.memory_map(str(path)) as file:
        return file.read_buffer()


def give_back(buffer: pa.Buffer) -> None:
    """Give back the pages of a whole mapped file; what is read of it next is read again. Only on Linux."""
    if sys.platform == "linux" and len(buffer) and buffer.address % mmap.PAGESIZE == 0:
        _madvise()(buffer.address, len(buffer), mmap.MADV_DONTNEED)


@cache
def _madvise() -> Callable[[int, int, int], int]:
    function = ctypes.CDLL(None).madvise
    function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int), ctypes.c_int
    return function


class PageCount:
    """How much of mapped files was touched since all of it was given back; `release` does that."""

    def __init__(self, release: Callable[[], None]):
        self.release, self.bytes = release, 0.0
        self._before = 0.0  # bytes at the last rest

    def touched(self, bytes: float) -> None:
        """So many bytes are touched next."""
        self.bytes += bytes
        if self.bytes > RESIDENT:
            self.bytes = bytes
            self.release()

    def rest(self) -> None:
        """Give all of it back if nothing was touched since this was called last."""
        if self.bytes and self.bytes == self._before:
            self.bytes = 0.0
            self.release()
        self._before = self.bytes
