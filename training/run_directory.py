"""The directory of a new run: that it is new, and its config.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.engine.config import CONFIG
from training.models.atomic import write_file
from training.models.errors import UserError

OF_SCHEDULERS = (".log", ".out", ".err", ".txt", ".sh")  # beside which a run may begin


def check_new(out: Path) -> None:
    """UserError if a directory for a new run holds one, or other files than those that a scheduler puts there."""
    if (out / CONFIG).exists():
        raise UserError(f"{out} already holds a run. Resume it: python -m training resume {out}")
    entries = sorted(entry.name for entry in out.iterdir()) if out.is_dir() else []
    others = [name for name in entries if not name.startswith(".") and not name.endswith(OF_SCHEDULERS)]
    if others:
        raise UserError(f"{out} holds other files ({others[0]}); choose a new directory with --out.")


def write_config(out: Path, document: Mapping[str, Any]) -> None:
    """Make the run directory, with its config.json. UserError if nothing can be written there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_file(out / CONFIG, json.dumps(document, indent=1).encode() + b"\n")
    except OSError as error:
        raise UserError(
            f"The run directory {out} cannot be written ({error.strerror}): choose another --out."
        ) from error
