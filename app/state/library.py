"""What is open: collections, the encoders that read them, and the images that people ask with."""

import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from app.state.jobs import Job, Jobs
from app.state.projection_cache import Maps
from app.state.text_batcher import Together
from index.collection import MANIFEST, Collection, Manifest
from index.retrieval.relevance import Noise, noise_of
from index.storage.writer import begin_anew
from training.models.encoder import Encoder
from training.models.encoders import load_encoder
from training.models.errors import UserError
from training.models.preprocess import read_image

log = logging.getLogger(__name__)

LOOK_AGAIN = 0.5  # seconds before a manifest is read again
IMAGES_KEPT = 48  # uploaded images in memory
IMAGE_SIDE = 768  # pixels of the longer side of an uploaded image, as kept

Build = Callable[[Path, Encoder, Job], Any]


class Shelf:
    """One collection by the key that addresses call it by; it may still be in the making.

    build, if there is one, brings it up to date; chips are its suggestions where they are known beforehand.
    """

    def __init__(
        self, key: str, name: str, path: Path, encoder_name: str, build: Build | None, chips: tuple[str, ...] = ()
    ):
        self.key, self.name, self.path, self.encoder_name, self.build = key, name, path, encoder_name, build
        self.chips: tuple[str, ...] | None = chips or None  # None while they are not known
        self.suggesting = False
        self.job: Job | None = None
        self._collection: Collection | None = None
        self._wrong: UserError | None = None  # why it could not be opened when it was looked at last
        self._looked = 0.0
        self._noise: tuple[Collection, Future[Noise]] | None = None
        self._lock = threading.Lock()

    @property
    def collection(self) -> Collection | None:
        """The collection as last published, or None while nothing of it is; UserError if it is damaged."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked > LOOK_AGAIN or self._looked == 0.0:
                self._looked = now
                if self._collection is not None:
                    with suppress(UserError):  # caught between two versions, or taken away: what is open stays
                        self._collection = self._collection.refreshed()
                elif (self.path / MANIFEST).exists():
                    self._wrong = None
                    try:
                        self._collection = Collection.open(self.path)
                    except UserError as error:
                        self._wrong = error
            if self._collection is None and self._wrong is not None:
                raise self._wrong.with_traceback(None)
            return self._collection

    def opened(self) -> Collection:
        """The collection; UserError while there is none."""
        collection = self.collection
        if collection is None or not len(collection):
            raise UserError("Nothing is indexed here yet.")
        return collection

    def noise(self, encoder: Encoder, patience: float) -> Noise | None:
        """What chance reaches in the collection, or None if it is not known within patience seconds.

        Worked out once for each published state, in the background.
        """
        collection = self.opened()
        with self._lock:
            if self._noise is None or self._noise[0] is not collection:
                known: Future[Noise] = Future()
                self._noise = (collection, known)
                threading.Thread(target=_measure, args=(known, collection, encoder), name="noise", daemon=True).start()
            future = self._noise[1]
        try:
            return future.result(patience)
        except TimeoutError:
            return None

    def forget(self) -> None:
        """Let go of the open files: the folder is about to be replaced."""
        with self._lock:
            self._collection, self._wrong, self._looked = None, None, 0.0


def _measure(known: Future[Noise], collection: Collection, encoder: Encoder) -> None:
    try:
        known.set_result(noise_of(collection, encoder))
    except UserError as error:
        known.set_exception(error)
    except Exception:
        log.exception("the noise of %s could not be measured", collection.path)
        known.set_exception(UserError("The relevance line could not be computed; the terminal has the details."))


class Library:
    """Everything that the page can ask for. Its methods are safe from any thread.

    load: how an encoder is had by its name. local: only this computer reaches the page, so it may be asked
    to index folders.
    """

    def __init__(self, load: Callable[[str], Encoder] = load_encoder, local: bool = False) -> None:
        self.load, self.local = load, local
        self.shelves: dict[str, Shelf] = {}
        self.jobs = Jobs()
        self.uploads = Uploads()
        self.maps = Maps()
        self.first_use = False  # the encoder was never used on this computer, and takes longer to come
        self.runs = Path("runs")  # where training leaves what it makes
        self._encoders: dict[str, Future[Encoder]] = {}
        self._lock = threading.Lock()
        self._loading = threading.Lock()  # one encoder at a time

    def add(self, path: Path, encoder_name: str | None = None) -> Shelf:
        """Open the collection at path, to be read with its own encoder unless another is named."""
        manifest = Manifest.read(path)
        name = path.resolve().name.removesuffix(".gelato")
        return self._put(Shelf(self._key(name), name, path, encoder_name or manifest.encoder, None))

    def add_built(self, name: str, path: Path, encoder_name: str, build: Build, chips: tuple[str, ...] = ()) -> Shelf:
        """A collection that this server makes and keeps up to date in the cache."""
        return self._put(Shelf(self._key(name), name, path, encoder_name, build, chips))

    def _put(self, shelf: Shelf) -> Shelf:
        self.shelves[shelf.key] = shelf
        return shelf

    def _key(self, name: str) -> str:
        base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "collection"
        key, copy = base, 1
        while key in self.shelves:
            copy += 1
            key = f"{base}-{copy}"
        return key

    def shelf(self, key: str | None) -> Shelf:
        """The shelf called key, the first one if no key is given; UserError if there is none."""
        if not key:
            return next(iter(self.shelves.values()))
        if key not in self.shelves:
            raise UserError(f"There is no collection {key!r} here; choose one at the top of the page.")
        return self.shelves[key]

    def start(self) -> None:
        """Load the encoders and bring collections up to date, in the background."""
        for shelf in self.shelves.values():
            self._encoder(shelf.encoder_name)
            if shelf.build is not None:
                self.bring_up_to_date(shelf)

    def bring_up_to_date(self, shelf: Shelf) -> None:
        """Start the build of a shelf that has one."""
        self._encoder(shelf.encoder_name)
        shelf.job = self.jobs.start("index", partial(self._bring_up_to_date, shelf), about=shelf.key)

    def stop(self) -> None:
        """End every job; one that waits for an encoder waits no longer."""
        for future in self._encoders.values():
            with suppress(InvalidStateError):
                future.set_exception(UserError("Gelato is being closed."))
        self.jobs.stop_all()

    def _bring_up_to_date(self, shelf: Shelf, job: Job) -> Any:
        assert shelf.build is not None
        encoder = self.encoder(shelf)
        if begin_anew(shelf.path, encoder):  # the cache is ours
            shelf.forget()
        return shelf.build(shelf.path, encoder, job)

    def _encoder(self, name: str) -> Future[Encoder]:
        with self._lock:
            if name not in self._encoders:
                self._encoders[name] = Future()
                # A daemon: an executor's thread would keep the process from ending while it loads.
                threading.Thread(target=self._load_warm, args=(name,), name="encoder", daemon=True).start()
            return self._encoders[name]

    def _load_warm(self, name: str) -> None:
        """Load an encoder and use it once: the first call of a runtime is slower than those after it."""
        future = self._encoders[name]
        with suppress(InvalidStateError):  # the library was stopped meanwhile
            try:
                with self._loading:
                    encoder = self.load(name)
                    if encoder.reads_text:
                        encoder.embed_texts = Together(encoder.embed_texts)  # type: ignore[method-assign, assignment]
                        encoder.embed_texts(["a photo"])
                future.set_result(encoder)
            except UserError as error:
                future.set_exception(error)
            except Exception:
                log.exception("the encoder %s could not be loaded", name)
                sentence = f"The encoder {name} could not be loaded; the terminal has the details."
                future.set_exception(UserError(sentence))

    def encoder(self, shelf: Shelf) -> Encoder:
        """The encoder of a shelf; waits while it is being loaded. UserError if it cannot be."""
        return self._encoder(shelf.encoder_name).result()

    def encoder_state(self, shelf: Shelf) -> dict[str, Any]:
        """name, state (loading, ready or failed), dim, whether it is its first use here, and why it failed."""
        future = self._encoder(shelf.encoder_name)
        state: dict[str, Any] = {"name": shelf.encoder_name, "state": "loading", "error": "", "readsText": True}
        state["first"] = self.first_use
        if future.done() and not future.cancelled():
            error = future.exception()
            if error is None:
                encoder = future.result()
                state |= {"state": "ready", "dim": encoder.dim, "readsText": encoder.reads_text}
                state |= {"runtime": encoder.runtime, "precision": encoder.precision}
            else:
                state |= {"state": "failed", "error": str(error)}
        return state


class Uploads:
    """Images that people ask with: in memory only, found by a token, the oldest forgotten first."""

    def __init__(self, keep: int = IMAGES_KEPT):
        self.keep = keep
        self._held: OrderedDict[str, Image.Image] = OrderedDict()
        self._decoding = threading.Lock()  # one at a time: the largest takes half a gigabyte
        self._lock = threading.Lock()

    def add(self, image: Image.Image) -> str:
        """The token that image can be asked with from now on."""
        small = image.copy()
        small.thumbnail((IMAGE_SIDE, IMAGE_SIDE))
        token = secrets.token_hex(12)
        with self._lock:
            self._held[token] = small
            while len(self._held) > self.keep:
                self._held.popitem(last=False)
        return token

    def read(self, data: bytes) -> tuple[str, int, int]:
        """Decode and keep an image: its token, width and height. UserError if it cannot be read."""
        try:
            with self._decoding:
                read = read_image(data, IMAGE_SIDE)
        except UserError as error:
            raise UserError(f"That file cannot be used as an image: {error}.") from error
        return self.add(read.image), read.width, read.height

    def get(self, token: str) -> Image.Image:
        """The image; UserError once it is forgotten."""
        with self._lock:
            if token not in self._held:
                raise UserError("That uploaded image is not kept any more; add it again.")
            self._held.move_to_end(token)
            return self._held[token]
