"""One collection that is open, followed as builds publish it."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from app.language.current import _
from app.state.jobs import Job, Jobs
from index.collection import Collection
from index.retrieval.suggestions import suggestions
from index.storage.layout import MANIFEST
from training.models.encoder import Encoder
from training.models.errors import UserError

REREAD_AFTER = 0.5  # seconds before a manifest is read again

Build = Callable[[Path, Encoder, Job, bool], object]  # the last: whether most of a source may go


class OpenCollection:
    """One open collection, by the key that it has in addresses; its first build may still be running.

    build, if there is one, brings it up to date. suggestions: texts to search for, where known beforehand.
    generation: the fingerprint of an encoder: then its embeddings of the collection are open, to be compared only.
    """

    def __init__(
        self,
        key: str,
        name: str,
        path: Path,
        encoder_name: str,
        build: Build | None,
        suggestions: Sequence[str] = (),
        generation: str = "",
    ):
        self.key, self.name, self.path, self.encoder_name, self.build = key, name, path, encoder_name, build
        self.generation = generation
        self.job: Job | None = None  # the last one that changed it
        self._suggestions: list[str] | None = list(suggestions) or None  # None while they are not known
        self._suggesting = bool(suggestions)
        self._closed = False
        self.watch = threading.Event()  # set: nothing watches its folders
        self.watch.set()
        self._collection: Collection | None = None
        self._error: UserError | None = None  # why it could not be opened when it was looked at last
        self._read_at = 0.0
        self._lock = threading.Lock()  # of the open files
        self._job_lock = threading.Lock()  # of everything else that changes

    @property
    def collection(self) -> Collection | None:
        """The collection as last published, or None while nothing of it is; UserError if it is damaged."""
        with self._lock:
            now = time.monotonic()
            if now - self._read_at > REREAD_AFTER or self._read_at == 0.0:
                self._read_at = now
                if self._collection is not None:
                    with suppress(UserError):  # caught between two versions, or taken away: what is open stays
                        self._take(self._collection.refreshed(self.generation))
                elif (self.path / MANIFEST).exists():
                    self._error = None
                    try:
                        self._collection = Collection.open(self.path, self.generation)
                    except UserError as error:
                        self._error = error
            if self._collection is None and self._error is not None:
                raise self._error.with_traceback(None)
            return self._collection

    def _take(self, now: Collection) -> None:
        """Follow a change on disk; after a switch the encoder is another one, and so are good texts to search for."""
        if self._collection is not None and now.fingerprint != self._collection.fingerprint:
            self.encoder_name = now.encoder_name
            with self._job_lock:
                self._suggestions, self._suggesting = None, False
        self._collection = now

    def look_again(self) -> None:
        """See what is on disk now, without waiting."""
        with self._lock:
            self._read_at = 0.0
        self.published()

    def published(self) -> Collection:
        """The collection as last published; UserError while nothing of it is."""
        collection = self.collection
        if collection is None or not len(collection):
            raise UserError(_("Nothing is indexed here yet."))
        return collection

    def rest(self) -> None:
        """Give back the memory of vectors that nobody read since this was called last."""
        with self._lock:
            collection = self._collection
        if collection is not None:
            collection.vectors.rest()

    def release(self) -> None:
        """Close the files: the folder is about to be replaced."""
        with self._lock:
            self._collection, self._error, self._read_at = None, None, 0.0

    def start_job(self, jobs: Jobs, kind: str, work: Callable[[Job], object], again: Callable[[], object]) -> Job:
        """Start a job that changes the collection; UserError while another one runs, or once it is closed.

        again: starts the same work anew.
        """
        with self._job_lock:
            self._check_idle()
            self.job = jobs.start(kind, work, about=self.key, again=again)
            return self.job

    def close(self) -> None:
        """Let no job start from now on; UserError while one runs."""
        with self._job_lock:
            self._check_idle()
            self._closed = True

    @property
    def watching(self) -> bool:
        """Whether it is brought up to date whenever its folders change."""
        return not self.watch.is_set() and not self._closed

    @property
    def closed(self) -> bool:
        """Whether it was taken off the page."""
        return self._closed

    @property
    def busy(self) -> bool:
        """Whether a job changes the collection now."""
        return self.job is not None and self.job.state == "running"

    def check_idle(self) -> None:
        """UserError while a job changes the collection, or once it is closed."""
        with self._job_lock:
            self._check_idle()

    def _check_idle(self) -> None:
        if self.generation:
            raise UserError(_("{name} is only compared here; work on the collection itself.", name=self.name))
        if self._closed:
            raise UserError(_("{name} was closed; open it again.", name=self.name))
        if self.busy:
            raise UserError(_("{name} is being worked on; stop that first, or wait.", name=self.name))

    def suggested(self, encoder: Encoder | None) -> list[str] | None:
        """Texts to search for, or None while they are not known.

        They are computed once, in the background, as soon as there is an encoder and no job changes the collection.
        """
        with self._job_lock:
            if encoder is not None and not self._suggesting and not self.busy:
                self._suggesting = True
                threading.Thread(target=self._suggest, args=(encoder,), name="suggest", daemon=True).start()
            return self._suggestions

    def _suggest(self, encoder: Encoder) -> None:
        try:
            found = suggestions(self.published(), encoder)
        except UserError:  # the page says elsewhere what is wrong
            found = []
        with self._job_lock:
            self._suggestions = found
