"""Ctrl-C and SIGTERM as a request to stop at the next safe point."""

import signal
from types import FrameType


class Interrupt:
    """Ctrl-C, or a scheduler's SIGTERM, asks the run to keep what it has; a second one ends it at once."""

    asked = False

    def __enter__(self) -> "Interrupt":
        self.before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
