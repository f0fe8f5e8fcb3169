"""Write files that are either there whole or not there: under a temporary name, flushed to disk, renamed."""

import os
import platform
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from training.models import file_names
from training.models.file_names import LONGEST, long_path
from training.models.processes import is_running

ROOM = 40  # characters that a temporary name adds to a path
PAUSES = (0.01, 0.03, 0.1, 0.3, 1.0)  # seconds between attempts to replace a file that another program holds open
LONG_QUIET = 3600.0  # seconds after which nobody writes to a temporary file any more


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
    path = long_path(path, ROOM)
    temporary = temporary_name(path)
    try:
        yield temporary
        replace_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_file(source: Path, target: Path) -> None:
    """Rename source to target, whatever target is. Windows refuses that while a virus scanner or a reader holds one
    of them open, which is a matter of moments: there it is tried again. OSError if that does not help.
    """
    for pause in PAUSES if file_names.WINDOWS else ():
        try:
            return os.replace(source, target)
        except PermissionError:
            time.sleep(pause)
    os.replace(source, target)


def temporary_name(path: Path, suffix: str = ".tmp") -> Path:
    """A hidden name beside path that no other process or thread uses, ending in suffix."""
    name = path.name.encode(errors="surrogateescape")[:LONGEST].decode(errors="ignore")  # systems take 255 bytes
    return path.with_name(f".{name}.{os.getpid()}-{_machine()}{secrets.token_hex(4)}{suffix}")


def is_abandoned(temporary: Path) -> bool:
    """Whether a temporary name is of a process of this machine that has ended, or so old that nobody writes to it."""
    parts = re.search(r"\.(\d+)-([0-9a-f]{4})[0-9a-f]{8}\.\w+$", temporary.name)
    if parts is not None and parts[2] == _machine():
        return not is_running(int(parts[1]))
    try:
        return time.time() - temporary.stat().st_mtime > LONG_QUIET
    except OSError:
        return False


def _machine() -> str:
    """Four hex digits for this machine's name: several may write to one network drive."""
    return sha256(platform.node().encode()).hexdigest()[:4]


def flush_folder(folder: Path) -> None:
    """Make a rename or a new file inside folder last through a power cut."""
    if os.name == "nt":  # Windows opens no folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
