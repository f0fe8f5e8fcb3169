"""What is open: collections, the encoders that read them, uploads and jobs."""

import re
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NotRequired, TypedDict

from app.language.current import _
from app.state.choices import Choices
from app.state.classifiers import Classifiers
from app.state.encoders import Encoders
from app.state.errors import NotFound
from app.state.jobs import Job, Jobs
from app.state.lessons import Lessons
from app.state.model_facts import ModelFacts
from app.state.open_collection import Build, OpenCollection
from app.state.projection_cache import ProjectionCache
from app.state.uploads import Uploads
from app.state.viewing import Views
from index.collection import Collection
from index.storage.layout import MANIFEST
from index.storage.manifest import Manifest
from index.storage.reset import reset_if_stale
from training.models.encoder import Encoder
from training.models.encoders import load_encoder
from training.models.errors import UserError


class EncoderState(TypedDict):
    """state: loading, ready or failed; error: why it failed. first: it was never used on this computer."""

    name: str
    state: str
    error: str
    readsText: bool
    first: bool
    dim: NotRequired[int]  # the rest once it is ready
    runtime: NotRequired[str]
    precision: NotRequired[str]


class Library:
    """Open collections and their encoders, jobs and uploads. Its methods are safe from any thread.

    load: returns the encoder of a name. local: only this computer reaches the page, so it may index folders. originals:
    images are shown as their sources hold them, not only as thumbnails. desktop: nobody but who sits at this computer
    has the page, so that it may open a folder on the screen.
    """

    def __init__(
        self,
        load: Callable[[str], Encoder] = load_encoder,
        local: bool = False,
        originals: bool = False,
        desktop: bool = False,
    ) -> None:
        self.local, self.originals, self.desktop = local, originals, desktop
        self.encoders = Encoders(load)
        self.jobs = Jobs()
        self.uploads = Uploads()
        self.views = Views()
        self.choices = Choices()
        self.projections = ProjectionCache()
        self.classifiers = Classifiers()
        self.lessons = Lessons()
        self.model_facts = ModelFacts()
        self.first_use = False  # the encoder was never used on this computer, and takes longer to come
        self.roots: tuple[Path, ...] = (Path.home(),)  # below which the page offers folders, and writes exports
        self.demo = ""  # the key of the demo collection, where it is open
        self.runs = Path("runs")  # where training leaves what it makes
        self.root_path = ""  # the path of addresses below which a proxy serves the page, such as /photos
        self._collections: dict[str, OpenCollection] = {}
        self._compared: dict[str, OpenCollection] = {}  # other generations of collections, by KEY@FINGERPRINT
        self._lock = threading.Lock()

    def add(self, path: Path, encoder_name: str | None = None) -> OpenCollection:
        """Open the collection at path, to be read with its own encoder unless another is named."""
        manifest = Manifest.read(path)
        name = path.resolve().name.removesuffix(".gelato")
        with self._lock:
            return self._put(name, path, encoder_name or manifest.encoder, None)

    def add_built(
        self, name: str, path: Path, encoder_name: str, build: Build, suggestions: Sequence[str] = ()
    ) -> OpenCollection:
        """Open a collection that this server builds in the cache; UserError if it is open already."""
        if (path / MANIFEST).exists():  # it may have been switched to another encoder since it was made
            encoder_name = Manifest.read(path).encoder
        with self._lock:
            if any(opened.path == path for opened in self._collections.values()):
                raise UserError(
                    _(
                        "{name} is already here, made with {encoder_name}; use its Update.",
                        name=name,
                        encoder_name=encoder_name,
                    )
                )
            return self._put(name, path, encoder_name, build, suggestions)

    def _put(
        self, name: str, path: Path, encoder_name: str, build: Build | None, suggestions: Sequence[str] = ()
    ) -> OpenCollection:
        """Add a collection under a key of its own. The caller holds the lock."""
        base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "collection"
        key, copy = base, 1
        while key in self._collections:
            copy += 1
            key = f"{base}-{copy}"
        opened = self._collections[key] = OpenCollection(key, name, path, encoder_name, build, suggestions)
        return opened

    def collections(self) -> list[OpenCollection]:
        """Everything that is open now, in the order in which it was opened."""
        with self._lock:
            return list(self._collections.values())

    def collection(self, key: str | None) -> OpenCollection:
        """The open collection with that key, the first one if no key is given; NotFound if there is none."""
        with self._lock:
            known = self._collections | self._compared
            found = known.get(key) if key else next(iter(self._collections.values()), None)
            names = ", ".join(list(self._collections)[:10])
        if found is None:
            raise NotFound(
                _(
                    "There is no collection {key} here; those that are open: {value}.",
                    key=repr(key),
                    value=names or _("none"),
                )
            )
        return found

    def open_generation(self, opened: OpenCollection, fingerprint: str, encoder_name: str) -> OpenCollection:
        """Open another generation of a collection, to compare the two; it is not in the list of collections."""
        with self._lock:
            key = f"{opened.key}@{fingerprint[:8]}"
            if key not in self._compared:
                facts = opened.name, opened.path, encoder_name, None
                self._compared[key] = OpenCollection(key, *facts, generation=fingerprint)
            return self._compared[key]

    def forget_generation(self, opened: OpenCollection, fingerprint: str) -> None:
        """Take a generation that was deleted off the list."""
        with self._lock:
            self._compared.pop(f"{opened.key}@{fingerprint[:8]}", None)

    def comparable(self) -> list[OpenCollection]:
        """The collections, and the other generations of them that were opened to compare."""
        found = self.collections()
        with self._lock:
            others = list(self._compared.values())
        serving = {(opened.path, opened.encoder_name) for opened in found}
        return found + [opened for opened in others if (opened.path, opened.encoder_name) not in serving]

    @property
    def only_demo(self) -> bool:
        """Whether nothing but the demo is open."""
        return {opened.key for opened in self.collections()} == {self.demo}

    def close(self, opened: OpenCollection) -> None:
        """Take a collection off the list; it stays on disk. UserError if it is the only one, or a job changes it."""
        with self._lock:
            if len(self._collections) == 1:
                raise UserError(_("This is the only collection that is open; open another one first."))
            if any(job.about == opened.key and job.state == "running" for job in self.jobs.all()):
                raise UserError(_("{name} is being worked on; stop that first, or wait.", name=opened.name))
            opened.close()
            self._collections.pop(opened.key, None)
            self._compared = {key: one for key, one in self._compared.items() if one.path != opened.path}

    def start(self) -> None:
        """Load the encoders and bring collections up to date, in the background."""
        for opened in self.collections():
            self.encoders.future(opened.encoder_name)
            if opened.build is not None:
                self.bring_up_to_date(opened)

    def bring_up_to_date(self, opened: OpenCollection, prune: bool = False) -> Job:
        """Start the build of a collection that has one. prune: more than half of a source's images may go."""
        self.encoders.future(opened.encoder_name)
        again = partial(self.bring_up_to_date, opened)
        return opened.start_job(self.jobs, "index", partial(self._bring_up_to_date, opened, prune), again)

    def stop(self) -> None:
        """End every job; one that waits for an encoder waits no longer."""
        self.encoders.stop()
        self.jobs.stop_all()
        self.lessons.stop()

    def _bring_up_to_date(self, opened: OpenCollection, prune: bool, job: Job) -> object:
        assert opened.build is not None
        job.note = _("loading the encoder")
        encoder = self.encoder(opened)
        job.note = ""
        if reset_if_stale(opened.path, encoder):  # the cache is ours
            opened.release()
        return opened.build(opened.path, encoder, job, prune)

    def encoder_named(self, name: str) -> Encoder:
        """The encoder of that name; waits while it is being loaded, and tries again where that failed before."""
        self.encoders.forget_failure(name)
        return self.encoders.get(name)

    def reading(self, opened: OpenCollection, timeout: float | None = None) -> tuple[Collection, Encoder]:
        """A collection and the encoder that reads it: the two of one moment, also while it is switched to another."""
        for _attempt in range(3):
            encoder, collection = self.encoder(opened, timeout), opened.published()
            if encoder.fingerprint == collection.fingerprint:
                break
        return collection, encoder

    def encoder(self, opened: OpenCollection, timeout: float | None = None) -> Encoder:
        """The encoder of a collection; waits while it is being loaded, NotReady after timeout seconds.

        UserError if it cannot be loaded.
        """
        return self.encoders.get(opened.encoder_name, timeout)

    def encoder_state(self, opened: OpenCollection) -> EncoderState:
        """What the page shows of the encoder of a collection."""
        future = self.encoders.future(opened.encoder_name)
        state: EncoderState = {
            "name": opened.encoder_name,
            "state": "loading",
            "error": "",
            "readsText": True,
            "first": self.first_use,
        }
        if future.done() and not future.cancelled():
            error = future.exception()
            if error is not None:
                state["state"], state["error"] = "failed", str(error)
            else:
                encoder = future.result()
                state["state"], state["readsText"], state["dim"] = "ready", encoder.reads_text, encoder.dim
                state["runtime"], state["precision"] = encoder.runtime, encoder.precision
        return state
