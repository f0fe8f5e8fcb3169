"""The metadata of encoders, cached on disk, so that opening one again needs neither torch nor its weights.

A small JSON file for each name. It is valid while the files that the metadata was read from keep their size, time and
inode, and the packages that read them keep their version.
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


def read_metadata(name: str) -> dict[str, Any] | None:
    """The cached metadata of the encoder called name, or None where there is none or it may be out of date."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        entry = json.loads(_file_of(name).read_bytes())
        files = entry["files"].items()
        if entry["readers"] == _reader_versions() and all(_stamp(Path(path)) == stamp for path, stamp in files):
            return entry["facts"]
    return None


def write_metadata(name: str, metadata: dict[str, Any], files: Iterable[Path]) -> None:
    """Cache metadata that was read from files. A cache that cannot be written only makes the next start slower."""
    with suppress(OSError):
        stamps = {str(path.absolute()): _stamp(path) for path in files}
        entry = {"name": name, "readers": _reader_versions(), "files": stamps, "facts": metadata}
        write_file(_file_of(name), json.dumps(entry, indent=1).encode())


def forget_metadata(name: str) -> None:
    """Delete the cached metadata of the encoder called name."""
    with suppress(OSError):
        _file_of(name).unlink(missing_ok=True)


def _file_of(name: str) -> Path:
    """By name and current folder, since a name may be a relative path."""
    key = f"{name}\n{Path.cwd()}"
    return cache_dir("encoders") / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _reader_versions() -> list[str]:
    versions = []
    for package in READERS:
        try:
            versions.append(version(package))
        except PackageNotFoundError:
            versions.append("")
    return versions
