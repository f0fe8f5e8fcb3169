"""The encoders of a server, by name: loaded in the background, one at a time, and dropped where nobody needs them."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress

from app.language.current import _
from app.state.errors import NotReady
from app.state.shared_encoder import SharedEncoder
from training.models.encoder import Encoder
from training.models.errors import UserError

log = logging.getLogger(__name__)


class Encoders:
    """load: returns the encoder of a name. Its methods are safe from any thread."""

    def __init__(self, load: Callable[[str], Encoder]) -> None:
        self.load = load
        self._encoders: dict[str, Future[SharedEncoder]] = {}
        self._lock = threading.Lock()
        self._loading = threading.Lock()  # one encoder at a time

    def future(self, name: str) -> Future[SharedEncoder]:
        """The encoder of that name; it starts being loaded when it is first asked for."""
        with self._lock:
            if name not in self._encoders:
                future: Future[SharedEncoder] = Future()
                self._encoders[name] = future
                # A daemon: an executor's thread would keep the process from ending while it loads.
                threading.Thread(target=self._load_warm, args=(name, future), name="encoder", daemon=True).start()
            return self._encoders[name]

    def get(self, name: str, timeout: float | None = None) -> Encoder:
        """The same, once it is there. NotReady after timeout seconds; UserError if it cannot be loaded."""
        try:
            return self.future(name).result(timeout)
        except NotYet as error:
            raise NotReady(_("The encoder {name} is still being loaded; try again in a moment.", name=name)) from error

    def forget_failure(self, name: str) -> None:
        """Load the encoder of that name again when it is next asked for, if it could not be."""
        with self._lock:
            known = self._encoders.get(name)
            if known is not None and known.done() and known.exception() is not None:
                del self._encoders[name]

    def ready(self) -> dict[str, SharedEncoder]:
        """Those that were loaded, by name."""
        with self._lock:
            done = {name: future for name, future in self._encoders.items() if future.done() and not future.exception()}
        return {name: future.result() for name, future in done.items()}

    def drop_idle(self, seconds: float) -> list[str]:
        """Drop towers that no call needed for so long; the names of the encoders."""
        return [name for name, encoder in self.ready().items() if encoder.drop_if_idle(seconds)]

    def stop(self) -> None:
        """Who waits for an encoder waits no longer."""
        with self._lock:
            futures = list(self._encoders.values())
        for future in futures:
            with suppress(InvalidStateError):
                future.set_exception(UserError(_("Gelato is being closed.")))

    def _load_warm(self, name: str, future: Future[SharedEncoder]) -> None:
        with suppress(InvalidStateError):  # the server was stopped meanwhile
            try:
                future.set_result(SharedEncoder(self._load(name), lambda: self._load(name)))
            except UserError as error:
                future.set_exception(error)
            except Exception:
                log.exception("the encoder %s could not be loaded", name)
                sentence = _("The encoder {name} could not be loaded; the terminal has the details.", name=name)
                future.set_exception(UserError(sentence))

    def _load(self, name: str) -> Encoder:
        """Load an encoder and use it once: the first call of a runtime is slower than those after it."""
        with self._loading:
            encoder = self.load(name)
            if encoder.reads_text:
                encoder.embed_texts(["a photo"])
            return encoder
