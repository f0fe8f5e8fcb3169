"""What libraries read from the environment: no telemetry, and a temporary folder of this run's own."""

import os
import shutil
from pathlib import Path

from training.models.cache import cache_dir


def set_environment() -> Path:
    """Set the variables before Gradio is imported, and remove folders of killed runs. Returns this run's folder."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin take the core of the next request
    # Nobody looks at Gradio's statistics, which it would compute from the last 10,000 events at each event.
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    for folder in cache_dir("page").iterdir():
        if folder.name.isdigit() and not _is_running(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)
    own = cache_dir("page", str(os.getpid()))
    os.environ["GRADIO_TEMP_DIR"] = str(own)
    return own


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
