"""Decoders that a hostile file may crash or keep busy, each run in a process with a limit of time and memory."""

import runpy
import subprocess
import sys
from pathlib import Path

SECONDS = 10  # of the processor, where the system can limit it (not on Windows)
PATIENCE = 60  # seconds on the clock
MEMORY = 2 << 30  # bytes of address space, where the system can limit it (not on Windows)


class ChildFailed(Exception):
    """The child crashed, took too long or refused the file."""


def in_child(script: Path, data: bytes) -> bytes:
    """What the script's function `convert(data)` gives, called in a process of its own that imports nothing else.

    ChildFailed if it gives nothing.
    """
    command = [sys.executable, "-I", __file__, str(script), str(SECONDS)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"it took longer than {PATIENCE} seconds") from error
    if done.returncode or not done.stdout:
        raise ChildFailed(f"it ended with {done.returncode}")
    return done.stdout


def main() -> None:
    """The child: read a file from standard input, write what the script makes of it to standard output."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
    made = runpy.run_path(sys.argv[1])["convert"](sys.stdin.buffer.read())
    sys.stdout.buffer.write(made)


if __name__ == "__main__":
    main()
