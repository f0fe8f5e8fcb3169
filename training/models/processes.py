"""Whether a process of this machine is there."""

import os


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
