"""What was read of a collection's annotations, kept while their files do not change: a search reads the tags."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from index.storage.annotations import ANNOTATIONS
from index.storage.json_files import CORRECTIONS_FILE, TAGS_FILE
from training.models.lru_cache import LRUCache

FILES = (ANNOTATIONS, TAGS_FILE, CORRECTIONS_FILE)
SETTLED = 5.0  # seconds: a file system's clock may be this coarse, so that two changes have one time
FOLDERS = 32

T = TypeVar("T")
Signature: TypeAlias = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True)
class _Entry(Generic[T]):
    signature: Signature
    since: float  # when this signature was first seen
    settled: bool  # it was read when the files had been as they are for a while
    value: T


class AnnotationCache(Generic[T]):
    """load(folder), called again only if the files of folder may have changed. Safe from any thread; do not change
    what it returns."""

    def __init__(self, load: Callable[[Path], T]):
        self.load = load
        self._entries: LRUCache[Path, _Entry[T]] = LRUCache(FOLDERS)

    def __call__(self, folder: Path) -> T:
        now, signature = time.monotonic(), tuple(_signature(folder / name) for name in FILES)
        entry = self._entries.get(folder)
        same = entry is not None and entry.signature == signature
        if entry is not None and same and entry.settled:
            return entry.value
        since = entry.since if entry is not None and same else now
        value = self.load(folder)
        self._entries[folder] = _Entry(signature, since, now - since > SETTLED, value)
        return value


def annotations_version(folder: Path) -> str:
    """Differs whenever the tags or corrections of a collection have changed."""
    return "-".join(str(part) for name in FILES for part in _signature(folder / name) or ())


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns
