"""One collection that is open, followed as builds publish it."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.state.jobs import Job
from index.collection import MANIFEST, Collection
from index.retrieval.relevance import Noise, noise_of
from training.models.encoder import Encoder
from training.models.errors import UserError

log = logging.getLogger(__name__)

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
        self._null: tuple[Collection, Future[Noise]] | None = None
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

    def null_distribution(self, encoder: Encoder, timeout: float) -> Noise | None:
        """Scores of unrelated texts in the collection, or None if they are not known within timeout seconds.

        Computed once for each published state, in the background.
        """
        collection = self.published()
        with self._lock:
            if self._null is None or self._null[0] is not collection:
                pending: Future[Noise] = Future()
                self._null = (collection, pending)
                threading.Thread(target=_measure, args=(pending, collection, encoder), name="null", daemon=True).start()
            future = self._null[1]
        try:
            return future.result(timeout)
        except TimeoutError:
            return None

    def release(self) -> None:
        """Close the files: the folder is about to be replaced."""
        with self._lock:
            self._collection, self._error, self._read_at = None, None, 0.0


def _measure(pending: Future[Noise], collection: Collection, encoder: Encoder) -> None:
    try:
        pending.set_result(noise_of(collection, encoder))
    except UserError as error:
        pending.set_exception(error)
    except Exception:
        log.exception("the null distribution of %s could not be computed", collection.path)
        pending.set_exception(UserError("The relevance threshold could not be computed; the terminal has the details."))
