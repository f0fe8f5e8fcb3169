"""The encoder as the server uses it: many threads at once, and out of memory while nobody needs it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.language.current import _
from app.state.text_batcher import TextBatcher
from training.models.encoder import Encoder, Pixels, Vectors
from training.models.errors import UserError
from training.models.runtime import Batching


class SharedEncoder(Encoder):
    """An encoder whose texts of concurrent requests are embedded in common batches; the rest is the encoder's own.

    load: makes it again. Its towers are dropped by drop_if_idle, and loaded by the next call that needs them; what is
    known of it, and embeddings of texts in memory, stay.
    """

    def __init__(self, encoder: Encoder, load: Callable[[], Encoder]):
        for name in Encoder.__annotations__:
            setattr(self, name, getattr(encoder, name))
        self.texts = TextBatcher(self._embed_texts)
        self._load = load
        self._encoder: Encoder | None = encoder
        self._batching = encoder.batching
        self._calls = 0  # that run now
        self._used = time.monotonic()
        self._lock = threading.Lock()  # of the two above
        self._loading = threading.Lock()

    @property
    def loaded(self) -> bool:
        """Whether its towers are in memory."""
        return self._encoder is not None

    def drop_if_idle(self, seconds: float) -> bool:
        """Drop the towers if no call needed them for so long; whether they were dropped."""
        with self._lock:
            idle = not self._calls and time.monotonic() - self._used >= seconds
            dropped = idle and self._encoder is not None
            if dropped:
                self._encoder = None
            return dropped

    @contextmanager
    def _in_use(self) -> Iterator[Encoder]:
        """The encoder, loaded if need be, and not dropped meanwhile."""
        with self._lock:
            self._calls += 1
        try:
            yield self._in_memory()
        finally:
            with self._lock:
                self._calls -= 1
                self._used = time.monotonic()

    def _in_memory(self) -> Encoder:
        with self._loading:
            if self._encoder is None:
                encoder = self._load()
                if encoder.fingerprint != self.fingerprint:
                    raise UserError(
                        _("{name} was changed since it was opened; start Gelato again to use it.", name=self.name)
                    )
                self._encoder = encoder
            return self._encoder

    @property
    def batching(self) -> Batching:
        return self._batching

    def preprocess(self, image: Image.Image) -> Pixels:
        with self._in_use() as encoder:
            return encoder.preprocess(image)

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        with self._in_use() as encoder:
            return encoder.embed_pixels(pixels)

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        with self._in_use() as encoder:
            return encoder.embed_text_batch(texts)

    def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        with self._in_use() as encoder:
            return encoder.embed_images(images)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return self.texts(texts) if self.reads_text else self._embed_texts(texts)

    def _embed_texts(self, texts: Sequence[str]) -> Vectors:
        with self._in_use() as encoder:
            return encoder.embed_texts(texts)

    def tokens(self, texts: list[str]) -> NDArray[np.int64] | None:
        with self._in_use() as encoder:
            return encoder.tokens(texts)
