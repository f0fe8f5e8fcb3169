"""What an encoder said when it was last opened, so that opening it again needs neither torch nor its weights.

A small JSON file a name in the cache. It holds as long as the files that the facts were read from are the same by size,
time and inode, and what read them is of the same version.
"""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from training.models.atomic import write_file
from training.models.cache import cache_dir

READERS = ("open_clip_torch", "timm")  # packages whose code decides what the same files mean


def recall(name: str) -> dict[str, Any] | None:
    """The facts kept of name, or None where there are none or they may hold no longer."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(_place(name).read_bytes())
        if kept["readers"] == _readers() and all(_stamp(Path(path)) == stamp for path, stamp in kept["files"].items()):
            return kept["facts"]
    return None


def keep(name: str, facts: dict[str, Any], files: Iterable[Path]) -> None:
    """Keep facts that were read from files. A folder that cannot be written only costs the next start its time."""
    with suppress(OSError):
        stamps = {str(path.absolute()): _stamp(path) for path in files}
        kept = {"name": name, "readers": _readers(), "files": stamps, "facts": facts}
        write_file(_place(name), json.dumps(kept, indent=1).encode())


def _place(name: str) -> Path:
    """A name that holds a path means another file in another folder."""
    whole = f"{name}\n{Path.cwd()}"
    return cache_dir("encoders") / f"{hashlib.sha256(whole.encode()).hexdigest()[:16]}.json"


def _stamp(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns, facts.st_ino]


def _readers() -> list[str]:
    found = []
    for package in READERS:
        try:
            found.append(version(package))
        except PackageNotFoundError:
            found.append("")
    return found
