"""What libraries read from the environment: no telemetry, allocators, and a temporary folder of this run's own."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from app.server.allocators import set_allocators
from training.models.cache import cache_dir
from training.models.errors import UserError
from training.models.file_lock import lock_folder

if TYPE_CHECKING:
    from filelock import BaseFileLock

_held: list["BaseFileLock"] = []  # of this process's folder, for as long as it runs


def set_environment() -> Path:
    """Set the variables before Gradio is imported, and remove folders of killed runs. Returns this run's folder."""
    set_allocators()
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin take the core of the next request
    # Nobody looks at Gradio's statistics, which it would compute from the last 10,000 events at each event.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    for folder in cache_dir("page").iterdir():
        if folder.name.isdigit() and not _is_in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)
    own = cache_dir("page", str(os.getpid()))
    _held.append(lock_folder(own, f"{own} is in use."))
    os.environ["GRADIO_TEMP_DIR"] = str(own)
    return own


def _is_in_use(folder: Path) -> bool:
    """Whether a running process holds the folder. (Asking for its process by number would stop it on Windows.)"""
    try:
        lock_folder(folder, "in use").release()
    except (UserError, OSError):
        return True
    return False
