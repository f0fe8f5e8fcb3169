"""Ctrl-C and SIGTERM as a request to stop at the next safe point."""

import os
import signal
from types import FrameType


class Interrupt:
    """Within a `with`, the first signal only sets `requested`, so that the work can save its state; the second ends it.

    notice: written to stderr at the first signal. exit_at_once: the second signal ends the process even if a thread
    hangs, without unwinding, for work whose files are whole at any instant; otherwise it raises KeyboardInterrupt.
    """

    def __init__(self, notice: str = "", exit_at_once: bool = False):
        self.notice, self.exit_at_once, self.requested = notice, exit_at_once, False

    def __enter__(self) -> "Interrupt":
        self._before = {number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and self.exit_at_once:
            os._exit(130)
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        if self.notice:
            os.write(2, f"\n{self.notice}\n".encode())  # sys.stderr may be in the middle of a write of its own
