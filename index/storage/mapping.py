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

# Bytes of mapped pages that are touched before they are given back. A search reads 2,000 vectors from all over; among
# 100,000 this takes 3.4 ms of processor time, and 1.5 ms where all 150 MB of them stay in the process.
RESIDENT = 32e6
AROUND = 160e3  # bytes that Linux maps round a page that is touched, as seen on ext4


def mapped(path: Path, replaced: bool = False) -> pa.Buffer:
    """A file's bytes, read as they are touched; the file itself is not held open.

    replaced: whether builds replace it under its name. Windows does not replace what is mapped; there it is read.
    """
    if replaced and file_names.WINDOWS:
        return pa.py_buffer(path.read_bytes())
    with pa.memory_map(str(path)) as file:
        # Arrow has the system read ahead whatever a buffer spans: all vectors, at each opening. A buffer of the first
        # page keeps the whole file mapped, too.
        first = file.read_buffer(mmap.PAGESIZE)
        return pa.foreign_buffer(first.address, file.size(), base=first) if len(first) else first


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
    """How much of mapped files was touched since what was touched was given back.

    give_back: gives back what is read of one of them, by its number.
    """

    def __init__(self, give_back: Callable[[int], None], files: int):
        self.give_back, self.files, self.bytes = give_back, files, 0.0
        self._touched: set[int] = set()
        self._before = 0.0  # bytes at the last rest

    def touched(self, file: int, bytes: float) -> None:
        """So many bytes of a file are touched next."""
        self.bytes += bytes
        if self.bytes > RESIDENT:
            self.bytes = bytes
            touched, self._touched = self._touched, set()
            for one in list(touched):  # other threads may still add to it
                self.give_back(one)
        self._touched.add(file)

    def rest(self) -> None:
        """Give all of it back if nothing was touched since this was called last."""
        if self.bytes and self.bytes == self._before:
            self.bytes = 0.0
            for file in range(self.files):
                self.give_back(file)
        self._before = self.bytes
