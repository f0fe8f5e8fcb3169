"""Write files that are either there whole or not there: under a temporary name, flushed to disk, renamed."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_file(path: Path, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Replace path by content, or by what content writes; readers see the old file or the new one, whole."""
    with replacement(path) as temporary, temporary.open("wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
    flush_folder(path.parent)


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """A temporary name for the block to write; it becomes path at the end of the block, or is removed on an error."""
    temporary = temporary_name(path)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_name(path: Path, suffix: str = ".tmp") -> Path:
    """A hidden name beside path that no other process or thread uses, ending in suffix."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{suffix}")


def flush_folder(folder: Path) -> None:
    """Make a rename or a new file inside folder last through a power cut."""
    if os.name == "nt":  # Windows opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
