"""Texts of many threads through one text encoder: one batch at a time for all that wait, and no text twice."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from training.models.encoder import BATCH, Vectors
from training.models.lru_cache import LRUCache

CAPACITY = 4096  # embeddings of texts in memory, some 12 MB
QUERY_TEXTS = 4  # a request of more texts is a list of classes, which would push queries out of the cache

Embed = Callable[[Sequence[str]], Vectors]


class TextBatcher:
    """embed, for many threads at once.

    A text encoder that ten threads call at once answers all of them late. Here one call runs at a time. Threads
    that come meanwhile wait, and the next call takes up to BATCH of their texts. A list of thousands is split,
    and other threads have their turn in between.
    """

    def __init__(self, embed: Embed, capacity: int = CAPACITY):
        self.embed = embed
        self._cache: LRUCache[str, Vectors] = LRUCache(capacity)  # [dim] each
        self._waiting: deque[_Pending] = deque()
        self._lock = threading.Lock()  # of _waiting
        self._running = threading.Lock()  # held during a call of embed

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """[N, dim], a row a text."""
        if not texts:
            return self.embed(texts)
        rows = {text: row for text in texts if (row := self._cache.get(text)) is not None}
        missing = list(dict.fromkeys(text for text in texts if text not in rows))
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            rows.update(zip(part, self._embed_soon(part), strict=True))
        if len(texts) <= QUERY_TEXTS:
            for text in missing:
                self._cache[text] = rows[text].copy()  # a view would hold the whole batch
        return np.stack([rows[text] for text in texts])

    @property
    def cached(self) -> int:
        """How many embeddings of texts are in memory."""
        return len(self._cache)

    @property
    def waiting(self) -> int:
        """How many threads wait for a call of the encoder."""
        return len(self._waiting)

    def _embed_soon(self, texts: list[str]) -> Vectors:
        """[N, dim] from the next call that has room; an error that these texts cause is raised here alone."""
        pending = _Pending(texts)
        with self._lock:
            self._waiting.append(pending)
        with self._running:
            while pending.rows is None and pending.error is None:  # else another thread's call took our texts along
                self._embed_waiting()
        if pending.error is not None:
            raise pending.error
        assert pending.rows is not None
        return pending.rows

    def _embed_waiting(self) -> None:
        """One call for the threads that have waited longest; if it fails, one call for each of them."""
        with self._lock:
            batch = [self._waiting.popleft()]
            while self._waiting and sum(len(one.texts) for one in [*batch, self._waiting[0]]) <= BATCH:
                batch.append(self._waiting.popleft())
        try:
            rows = self.embed([text for one in batch for text in one.texts])
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            for one in batch:
                try:
                    one.rows = self.embed(one.texts)
                except Exception as own:
                    one.error = own
            return
        ends = np.cumsum([len(one.texts) for one in batch])
        for one, part in zip(batch, np.split(rows, ends[:-1]), strict=True):
            one.rows = part


class _Pending:
    """Texts that one thread waits for."""

    def __init__(self, texts: list[str]):
        self.texts = texts
        self.rows: Vectors | None = None
        self.error: Exception | None = None
