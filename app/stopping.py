"""Stopping the server: at any moment, within seconds, and without noise."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

log = logging.getLogger(__name__)

LONGEST = 10.0  # seconds until the process ends, whatever still works


class Stopping:
    """Ends the process on SIGINT (Ctrl-C) and SIGTERM; a second signal ends it at once.

    A thread of its own calls what `at_end` was given, the newest first, then ends the process without the end of the
    interpreter: that takes Python's lock for ever from threads of OpenVINO, torch and FAISS that are at work, whose
    C++ then says "terminate called without an active exception". The main thread may be anywhere meanwhile, also in an
    import.
    """

    def __init__(self) -> None:
        self._actions: list[Callable[[], object]] = []
        self._requested = threading.Event()
        self._lock = threading.Lock()

    @property
    def requested(self) -> bool:
        """Whether a signal has come, so that the process is being ended."""
        return self._requested.is_set()

    def at_end(self, action: Callable[[], object]) -> None:
        """Call action before the process ends. Actions wait for nothing that has no time limit."""
        with self._lock:
            self._actions.append(action)

    def run(self) -> None:
        """Call every action once, the newest first; what one raises is logged, and the next is called."""
        while True:
            with self._lock:
                if not self._actions:
                    return
                action = self._actions.pop()
            try:
                action()
            except Exception:
                log.exception("something could not be ended")

    def wait_for_end(self) -> None:
        """Return if nobody asked to stop; else wait, since another thread ends the process."""
        if self.requested:
            threading.Event().wait()

    def signalled(self, number: int, frame: FrameType | None) -> None:
        """The handler of a signal."""
        if self.requested:
            os._exit(128 + number)
        self._requested.set()
        threading.Thread(target=self._end, name="end", daemon=True).start()

    def _end(self) -> None:
        watchdog = threading.Timer(LONGEST, os._exit, (0,))
        watchdog.daemon = True
        watchdog.start()
        self.run()
        for process in multiprocessing.active_children():
            process.kill()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # closed, or a pipe that nobody reads
                stream.flush()
        os._exit(0)  # it did what it was asked to: for systemd and containers anything else is a fault


@contextmanager
def stopping_on_signals() -> Iterator[Stopping]:
    """A Stopping that the signals reach until the block ends; then its actions are called, whatever ended it."""
    stopping = Stopping()
    before = {number: signal.signal(number, stopping.signalled) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        stopping.wait_for_end()
        for number, handler in before.items():
            signal.signal(number, handler)
        stopping.run()
