"""Whether a process of this machine is there, and the end of one whose parent has gone."""

import os
import stat
import threading
from contextlib import suppress


def is_running(process: int) -> bool:
    """Whether there is such a process; on Windows, where only signals would tell, it is taken to be there."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    return True


def end_with_parent() -> None:
    """From now on end this process when its parent ends, whatever ended that.

    The parent gave it a pipe for stdin and holds the other end open; with any other stdin nothing happens.
    """
    if not stat.S_ISFIFO(os.fstat(0).st_mode):
        return

    def wait() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        os._exit(1)

    threading.Thread(target=wait, name="parent", daemon=True).start()
