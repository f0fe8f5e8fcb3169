"""What is found out about models in the background, so that no page waits for it: the network, and times."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.models.catalogue import CatalogueModel
from training.models.errors import UserError
from training.models.hub_contact import absence

FRESH = 30.0  # seconds for which an answer of the network holds


@dataclass(frozen=True)
class Duration:
    """How long it takes to embed a collection here. measured: by embedding here, else by computing."""

    seconds: float
    images_per_second: float
    measured: bool
    how: str


class ModelFacts:
    """Each question starts at most one thread and is answered with what is known so far. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self.absence = ""  # why the hub cannot be asked, where it cannot
        self._online: bool | None = None
        self._asked = float("-inf")
        self._durations: dict[tuple[str, int], Duration | None] = {}
        self._recommended: dict[int, CatalogueModel] = {}

    def online(self, again: bool = True) -> bool | None:
        """Whether the hub can be reached; None while that is not known. again: also ask when it was known before."""
        if time.monotonic() - self._asked > (FRESH if again else float("inf")) or self._online is None:
            self._in_background("network", self._look)
        return self._online

    def durations(self, names: Sequence[str], images: int) -> dict[str, Duration]:
        """How long a collection of so many images takes with each model, as far as that is known."""
        missing = [name for name in names if (name, images) not in self._durations]
        if missing:
            self._in_background("durations", lambda: self._estimate(missing, images))
        found = {name: self._durations.get((name, images)) for name in names}
        return {name: duration for name, duration in found.items() if duration is not None}

    def recommended(self, images: int) -> CatalogueModel | None:
        """The model to offer for so many images on this machine; None while that is not known."""
        if images not in self._recommended:
            self._in_background("recommended", lambda: self._recommend(images))
        return self._recommended.get(images)

    def forget_durations(self) -> None:
        """Find them out again: something was measured since."""
        with self._lock:
            self._durations.clear()

    def _in_background(self, what: str, work: Callable[[], None]) -> None:
        with self._lock:
            if what in self._busy:
                return
            self._busy.add(what)

        def run() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._busy.discard(what)

        threading.Thread(target=run, name=what, daemon=True).start()

    def _look(self) -> None:
        self.absence = absence()
        self._online = not self.absence
        self._asked = time.monotonic()

    def _estimate(self, names: Sequence[str], images: int) -> None:
        from training.models.estimates import estimate

        for name in names:
            try:
                found = estimate(name, images)
                duration = Duration(found.seconds, found.images_per_second, found.measured, found.how)
            except UserError:  # nothing is known of such a model
                duration = None
            self._durations[name, images] = duration

    def _recommend(self, images: int) -> None:
        from training.models.estimates import recommended

        self._recommended[images] = recommended(images)
