"""Put a file where none is: whole or not at all, and never in the place of another."""

import filecmp
import os
import shutil
from pathlib import Path
from typing import Literal, TypeAlias

from training.models.atomic import replacement, write_file
from training.models.file_names import long_path

Placed: TypeAlias = Literal["written", "linked", "unchanged", "taken"]


def place_bytes(target: Path, data: bytes, dry: bool = False) -> Placed:
    """Write data to target. "unchanged" if it is there already, "taken" if something else is."""
    target = long_path(target)
    if os.path.lexists(target):
        same = target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data
        return "unchanged" if same else "taken"
    if not dry:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_file(target, data)
    return "written"


def place_file(target: Path, file: Path, link: bool, dry: bool = False) -> Placed:
    """Copy file to target with its times, or link it; what a drive cannot link is copied. Answers as place_bytes."""
    target = long_path(target)
    if os.path.lexists(target):
        same = target.is_file() and (target.samefile(file) or filecmp.cmp(file, target))
        return "unchanged" if same else "taken"
    if dry:
        return "linked" if link else "written"
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(file.resolve(), target)
            return "linked"
        except OSError:  # another drive, or one without links
            pass
    with replacement(target) as temporary:
        shutil.copy2(file, temporary)
        with temporary.open("rb") as copied:
            os.fsync(copied.fileno())
    return "written"
