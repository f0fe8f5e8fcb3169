"""How much memory this process has had."""

import re
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")  # of Linux


def peak_memory_bytes() -> int:
    """The most memory that this process has had, in bytes; 0 where the system does not say (Windows)."""
    if STATUS.is_file() and (peak := re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text(encoding="utf-8"))):
        return 1024 * int(peak[1])  # getrusage on Linux counts what the parent had when it started this process
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # kilobytes, except on macOS
