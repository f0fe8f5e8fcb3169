"""A folder that one process at a time may write to."""

from pathlib import Path
from typing import TYPE_CHECKING

from training.models.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_FILE = ".lock"


def lock_folder(folder: Path, refusal: str) -> "BaseFileLock":
    """The lock of folder, held until `release()`; the operating system releases that of a process that was killed.

    refusal: the sentence of the UserError if another process, or another place in this one, holds it.
    """
    from filelock import FileLock, Timeout  # brings asyncio, which commands that write nothing need not wait for

    lock = FileLock(folder / LOCK_FILE, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(refusal) from error
    return lock
