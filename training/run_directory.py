"""The directory of a new run: that it is new, and its config.json."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.engine.checkpoint import FOLDER, checkpoints
from training.engine.config import CONFIG
from training.engine.unreadable import FILE as UNREADABLE
from training.models.atomic import write_file
from training.models.console import written_to
from training.models.errors import UserError
from training.models.file_lock import lock_folder
from training.models.run_files import has_encoder

METRICS = "metrics.jsonl"
OF_SCHEDULERS = (".log", ".out", ".err", ".txt", ".sh")  # beside which a run may begin


def check_new(out: Path) -> None:
    """UserError if a directory for a new run holds one, or other files than those that a scheduler puts there.

    A run that ended before its first checkpoint left nothing to resume; its files are removed.
    """
    if (out / CONFIG).exists():
        if checkpoints(out) or has_encoder(out):
            raise UserError(f"{out} already holds a run. Resume it: python -m training resume {out}")
        lock = lock_folder(out, f"{out} is being trained by another process; choose another --out.")
        print(f"{out} held a run that ended before its first checkpoint; it is replaced.", file=sys.stderr)
        for file in [out / CONFIG, out / METRICS, out / UNREADABLE, *out.glob("error*.txt")]:
            file.unlink(missing_ok=True)
        shutil.rmtree(out / FOLDER, ignore_errors=True)
        lock.release()
    entries = sorted(entry.name for entry in out.iterdir()) if out.is_dir() else []
    others = [name for name in entries if not name.startswith(".") and not name.endswith(OF_SCHEDULERS)]
    if others:
        raise UserError(f"{out} holds other files ({others[0]}); choose a new directory with --out.")


def write_config(out: Path, document: Mapping[str, Any]) -> None:
    """Make the run directory, with its config.json. UserError if nothing can be written there."""
    with written_to(out):
        out.mkdir(parents=True, exist_ok=True)
        write_file(out / CONFIG, json.dumps(document, indent=1).encode() + b"\n")
