"""Keep a collection in step with its folders: build it again a moment after something in them has changed."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.polling import PollingObserver

from training.models.errors import UserError

QUIET = 2.0  # seconds without a change until a build begins: a copy of many files is one build
LONGEST = 60.0  # seconds that a build waits at most while changes go on
TICK = 0.2  # seconds between two looks
POLLING = 30.0  # seconds between two walks where the system reports no changes
SEEN = ("created", "deleted", "modified", "moved")  # events that count


@dataclass(frozen=True)
class Pace:
    """How long a build waits after a change: quiet seconds without another one, longest seconds in all."""

    quiet: float = QUIET
    longest: float = LONGEST


def watch_sources(
    sources: Sequence[str | Path],
    into: Path,
    rebuild: Callable[[], object],
    stop: Callable[[], bool],
    failed: Callable[[str], object],
    pace: Pace = Pace(),  # it is frozen
) -> None:
    """Call rebuild whenever something in sources has changed, until stop says so.

    sources: folders and files; one that is not there is watched once it comes, as a drive does. into: the collection,
    whose own files do not count. failed: is told in a sentence why a build failed; watching goes on.
    """
    changes = _Changes(into)
    places = _Places([Path(source).expanduser().absolute() for source in sources], changes)
    try:
        while not stop():
            if places.came_or_went():
                changes.note()
            if changes.due(pace):
                changes.clear()
                try:
                    rebuild()
                except (UserError, OSError) as error:
                    failed(str(error))
            time.sleep(TICK)
    finally:
        places.close()


class _Changes(FileSystemEventHandler):
    """When something changed first and last since the last build."""

    def __init__(self, into: Path):
        self.into = os.path.join(os.path.realpath(into), "")
        self._lock = threading.Lock()
        self.first = self.last = 0.0

    def on_any_event(self, event: FileSystemEvent) -> None:
        paths = [os.fsdecode(path) for path in (event.src_path, event.dest_path) if path]
        ours = all(os.path.join(os.path.realpath(path), "").startswith(self.into) for path in paths)
        if event.event_type in SEEN and not ours and not (event.is_directory and event.event_type == "modified"):
            self.note()

    def note(self) -> None:
        """Something changed now."""
        with self._lock:
            self.last = time.monotonic()
            self.first = self.first or self.last

    def clear(self) -> None:
        with self._lock:
            self.first = self.last = 0.0

    def due(self, pace: Pace) -> bool:
        """Whether a build should begin now."""
        now = time.monotonic()
        with self._lock:
            return bool(self.first) and (now - self.last >= pace.quiet or now - self.first >= pace.longest)


class _Places:
    """The folders that are watched, and those that are not there at the moment."""

    def __init__(self, paths: Sequence[Path], changes: _Changes):
        self.paths, self.changes = paths, changes
        self.observer: BaseObserver = Observer()
        self.observer.start()
        self.watches: dict[Path, ObservedWatch] = {}
        self.came_or_went()

    def came_or_went(self) -> bool:
        """Watch what is there now; whether that is other than it was."""
        changed = False
        for path in self.paths:
            there = path.exists()
            if there and path not in self.watches:
                self.watches[path] = self._watch(path)
                changed = True
            elif not there and path in self.watches:
                self.observer.unschedule(self.watches.pop(path))
                changed = True
        return changed

    def _watch(self, path: Path) -> ObservedWatch:
        folder, below = (str(path), True) if path.is_dir() else (str(path.parent), False)
        try:
            return self.observer.schedule(self.changes, folder, recursive=below)
        except OSError:  # more folders than the system watches at once, or a file system that reports nothing
            self.observer.stop()
            self.observer = PollingObserver(timeout=POLLING)
            self.observer.start()
            known = {other: self._watch(other) for other in self.watches}
            self.watches.update(known)
            return self.observer.schedule(self.changes, folder, recursive=below)

    def close(self) -> None:
        self.observer.stop()
        self.observer.join(5.0)
