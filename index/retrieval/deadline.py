"""Until when a search waits for what is computed once in the background."""

import time
from dataclasses import dataclass, field, replace

from index.retrieval.result import Pending


@dataclass(frozen=True)
class Deadline:
    """One time for all that a request waits for. at: by time.monotonic(), None for never.

    missed: what was not ready by then, in words of SearchResult.pending.
    """

    at: float | None = None
    missed: list[Pending] = field(default_factory=list)

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        return cls(None if seconds is None else time.monotonic() + seconds)

    def in_seconds(self, seconds: float) -> "Deadline":
        """This one, so many seconds from now instead."""
        return replace(self, at=time.monotonic() + seconds)

    @property
    def left(self) -> float | None:
        """Seconds until then, 0 at least; None for no limit."""
        return None if self.at is None else max(0.0, self.at - time.monotonic())
