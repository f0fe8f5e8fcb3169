"""The first use of the embedded default encoder on a computer: its two towers are exported in child processes."""

import subprocess
import sys
from pathlib import Path

from training.models.cache import cache_dir

ROOT = Path(__file__).parent.parent.parent
TOWERS = ("text", "image")  # the keys of training.models.starter.FIRST_BATCHES; importing it would delay the page


class FirstUse:
    """Exports that run while Gradio is imported and the page is drawn; nothing if the encoder was used before.

    An export takes ten seconds and more and holds Python's lock, so it would delay the page in this process.
    """

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        used = cache_dir("encoders") / "starter"
        if used.exists():
            return
        used.touch()  # if an export is cut short, it is done where it is needed
        for tower in TOWERS:
            command = [sys.executable, "-m", "training.models.starter", tower]
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._processes.append(process)

    @property
    def exporting(self) -> bool:
        """Whether this is the first use, so that the encoder takes longer to load."""
        return bool(self._processes)

    def wait(self) -> None:
        """Return once the exports are done."""
        for process in self._processes:
            process.wait()

    def stop(self) -> None:
        """End the exports; what they were writing has a temporary name."""
        for process in self._processes:
            process.kill()
            process.wait()
