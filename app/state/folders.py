"""The folders that a person may choose from: those below its roots, where only this computer reaches the page."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.language.current import _
from app.state.indexing import check_local
from app.state.library import Library
from app.state.roots import below_roots
from training.models.errors import UserError
from training.models.formats import IMAGES

MOST = 200  # folders that are offered at a time
COUNTING = 0.6  # seconds that the images of a listing's folders may take to be counted
ENDINGS = tuple(IMAGES)


def subfolders(library: Library, typed: str) -> list[str]:
    """What a path that is being typed may go on with: the folders beside its last part, in the spelling of its start.

    Hidden folders and symbolic links are left out. Empty for a path outside the roots, also if a link leads
    there, and for everyone where others can reach the page.
    """
    start = typed[: typed.rfind("/") + 1] or "~/"
    if not library.local:
        return []
    try:
        folder = below_roots(library, start)
        return [start + name for name in _visible(folder)[:MOST]]
    except (UserError, OSError):  # outside the roots, not there or not readable
        return []


def listing(library: Library, typed: str) -> dict[str, Any]:
    """A folder to choose from or to go on with: its folders, each with the images in and below it.

    typed: a path; "" for the first root. parent: "" at a root. counted: whether all images were counted; else there
    are more than that. more: folders that are left out. UserError outside the roots or where a folder cannot be read.
    """
    check_local(library)
    folder = below_roots(library, typed.strip() or str(library.roots[0]))
    roots = [root.expanduser().resolve() for root in library.roots]
    try:
        names = _visible(folder)
    except OSError as error:
        raise UserError(_("{folder} cannot be read: {why}.", folder=folder, why=error.strerror or error)) from error
    until = time.monotonic() + COUNTING
    below = {name: _images_below(folder / name, until) for name in names[:MOST]}
    rows = [
        {"name": name, "path": str(folder / name), "images": amount.images, "counted": amount.whole}
        for name, amount in below.items()
    ]
    here = sum(1 for entry in _entries(folder) if _is_image(entry))
    return {
        "path": str(folder),
        "parent": "" if folder in roots else str(folder.parent),
        "roots": [str(root) for root in roots],
        "folders": rows,
        "more": max(0, len(names) - MOST),
        "here": here,
        "images": here + sum(amount.images for amount in below.values()),
        "counted": len(names) <= MOST and all(amount.whole for amount in below.values()),
    }


@dataclass
class _Amount:
    images: int = 0
    whole: bool = True


def _images_below(folder: Path, until: float) -> _Amount:
    """The images in and below a folder, counted until a moment of time.monotonic(); links are not followed."""
    amount, waiting = _Amount(), [folder]
    while waiting:
        if time.monotonic() > until:
            amount.whole = False
            break
        for entry in _entries(waiting.pop()):
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            else:
                amount.images += _is_image(entry)
    return amount


def _visible(folder: Path) -> list[str]:
    """The names of the folders in a folder, hidden ones and links left out. OSError if it cannot be read."""
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if not e.name.startswith(".") and e.is_dir(follow_symlinks=False)]
    return sorted(names, key=str.casefold)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder, hidden things left out; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError:
        return


def _is_image(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(ENDINGS) and not entry.is_dir()
