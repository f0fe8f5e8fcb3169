"""One collection that is open, followed as builds publish it."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.state.jobs import Job
from index.collection import MANIFEST, Collection
from training.models.encoder import Encoder
from training.models.errors import UserError

REREAD_AFTER = 0.5  # seconds before a manifest is read again

Build = Callable[[Path, Encoder, Job], Any]


class OpenCollection:
    """One open collection, by the key that it has in addresses; its first build may still be running.

    build, if there is one, brings it up to date. suggestions are texts to search for, where known beforehand.
    """

    def __init__(
        self, key: str, name: str, path: Path, encoder_name: str, build: Build | None, suggestions: tuple[str, ...] = ()
    ):
        self.key, self.name, self.path, self.encoder_name, self.build = key, name, path, encoder_name, build
        self.suggestions: tuple[str, ...] | None = suggestions or None  # None while they are not known
        self.suggesting = False
        self.job: Job | None = None
        self._collection: Collection | None = None
        self._error: UserError | None = None  # why it could not be opened when it was looked at last
        self._read_at = 0.0
        self._lock = threading.Lock()

    @property
    def collection(self) -> Collection | None:
        """The collection as last published, or None while nothing of it is; UserError if it is damaged."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at > REREAD_AFTER or self._read_at == 0.0:
                self._read_at = now
                if self._collection is not None:
                    with suppress(UserError):  # caught between two versions, or taken away: what is open stays
                        self._collection = self._collection.refreshed()
                elif (self.path / MANIFEST).exists():
                    self._error = None
                    try:
                        self._collection = Collection.open(self.path)
                    except UserError as error:
                        self._error = error
            if self._collection is None and self._error is not None:
                raise self._error.with_traceback(None)
            return self._collection

    def published(self) -> Collection:
        """The collection as last published; UserError while nothing of it is."""
        collection = self.collection
        if collection is None or not len(collection):
            raise UserError("Nothing is indexed here yet.")
        return collection

    def release(self) -> None:
        """Close the files: the folder is about to be replaced."""
        with self._lock:
            self._collection, self._error, self._read_at = None, None, 0.0
