"""Phrases of many people through one text tower: one call at a time, for all who wait, and none twice."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

import numpy as np

from training.models.encoder import BATCH, Vectors

KEPT = 4096  # phrases whose vectors are remembered, some 12 MB
FEW = 4  # phrases: a question; more are a list of classes, which would push the questions out

Embed = Callable[[Sequence[str]], Vectors]


class Together:
    """embed as many threads may call it.

    A tower that is called by ten threads at once answers all of them late. Here one call runs at a time;
    whoever comes meanwhile waits, and the next call takes up to BATCH waiting phrases. A list of thousands
    goes in parts, between which others have their turn.
    """

    def __init__(self, embed: Embed, keep: int = KEPT):
        self.embed, self.keep = embed, keep
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._waiting: deque[_Asked] = deque()
        self._lock = threading.Lock()  # for what is known and who waits
        self._running = threading.Lock()  # held during a call of the tower

    def __call__(self, phrases: Sequence[str]) -> Vectors:
        """[N, dim], a row a phrase."""
        if not phrases:
            return self.embed(phrases)
        rows: dict[str, Vectors] = {}
        with self._lock:
            for phrase in phrases:
                if phrase in self._known:
                    self._known.move_to_end(phrase)
                    rows[phrase] = self._known[phrase]
        missing = list(dict.fromkeys(phrase for phrase in phrases if phrase not in rows))
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            rows.update(zip(part, self._embedded(part), strict=True))
        if len(phrases) <= FEW:
            with self._lock:
                self._known.update((phrase, rows[phrase].copy()) for phrase in missing)
                while len(self._known) > self.keep:
                    self._known.popitem(last=False)
        return np.stack([rows[phrase] for phrase in phrases])

    def _embedded(self, phrases: list[str]) -> Vectors:
        asked = _Asked(phrases)
        with self._lock:
            self._waiting.append(asked)
        with self._running:
            while asked.rows is None and asked.error is None:  # else whoever ran before did it for us
                self._run()
        if asked.error is not None:
            raise asked.error
        assert asked.rows is not None
        return asked.rows

    def _run(self) -> None:
        """One call for those who have waited longest; should it fail, each is asked for alone."""
        with self._lock:
            taken = [self._waiting.popleft()]
            while self._waiting and sum(len(one.phrases) for one in [*taken, self._waiting[0]]) <= BATCH:
                taken.append(self._waiting.popleft())
        try:
            rows = self.embed([phrase for one in taken for phrase in one.phrases])
        except Exception as error:
            if len(taken) == 1:
                taken[0].error = error
                return
            for one in taken:
                try:
                    one.rows = self.embed(one.phrases)
                except Exception as own:
                    one.error = own
            return
        ends = np.cumsum([len(one.phrases) for one in taken])
        for one, part in zip(taken, np.split(rows, ends[:-1]), strict=True):
            one.rows = part


class _Asked:
    """What one thread waits for."""

    def __init__(self, phrases: list[str]):
        self.phrases = phrases
        self.rows: Vectors | None = None
        self.error: Exception | None = None
