"""A folder that one process at a time may write to."""

import errno
from pathlib import Path
from typing import TYPE_CHECKING

from training.models.errors import UserError

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_FILE = ".lock"
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # of network drives, as they are mounted


def lock_folder(folder: Path, refusal: str) -> "BaseFileLock":
    """The lock of folder, held until `release()`; the operating system releases that of a process that was killed.

    refusal: the sentence of the UserError if another process, or another place in this one, holds it. UserError as
    well if the drive has no locks.
    """
    from filelock import FileLock, Timeout  # brings asyncio, which commands that write nothing need not wait for

    lock = FileLock(folder / LOCK_FILE, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(refusal) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        raise UserError(
            f"The drive of {folder} cannot lock files ({getattr(error, 'strerror', None) or error}), so that two "
            f"processes could write at once; mount it with locks, or take a folder on another drive."
        ) from error
    return lock
