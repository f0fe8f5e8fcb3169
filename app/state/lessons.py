"""Lessons are computed by a child process, `python -m training lesson --serve`: serving imports no training.

The child stays warm, since importing torch takes seconds. It answers one request at a time; a newer request takes the
place of the one that waits. It ends by itself after idle minutes, where it needs too much memory, and with this
process; it is ended here where an answer takes too long, and when the server stops.
"""

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.language.current import _
from training.models.commands import as_started
from training.models.errors import UserError

ROOT = Path(__file__).parents[2]  # where `training` is found
COMMAND = (sys.executable, "-m", "training", "lesson", "--serve")
TIMEOUT = 90  # seconds for all of an answer
STOPPING = 10.0  # seconds for a run to end after it was told to
LOOK = 0.1  # seconds between looks at whether a run shall stop

Line = dict[str, Any]


class Replaced(UserError):
    """A newer request came while this one waited."""


class _Ended(Exception):
    """The child has ended and has no more lines."""


def refused(name: str) -> UserError:
    """Why there are no lessons where others can reach the page, with the command to run instead."""
    known = name if name.replace("-", "").isalnum() else ""
    command = as_started(f"python -m training lesson {known}").strip()
    return UserError(
        _(
            "Lessons are computed for the person at this computer only. At a computer of your own, run: {command}",
            command=command,
        )
    )


class _Child:
    """A running process: its lines in a queue, None once it has ended."""

    def __init__(self, command: Sequence[str]):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", cwd=ROOT)
        self.lines: queue.Queue[Line | None] = queue.Queue()
        self.rested = False  # it has answered all of a run, and nothing since
        threading.Thread(target=self._read, name="lessons", daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # else a library has printed
                    self.lines.put(json.loads(line))
        self.lines.put(None)

    def send(self, request: Line) -> None:
        """Write a request; that the process has ended is seen in its lines."""
        assert self.process.stdin is not None
        with suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def next(self, run: int) -> Line | None:
        """The next line of a run; None if none has come for a moment. _Ended if none will."""
        try:
            line = self.lines.get(timeout=LOOK)
        except queue.Empty:
            return None
        if line is None:
            raise _Ended
        return line if line.get("run") == run else None

    def end(self) -> None:
        """Kill the process, whatever it does; once it is gone, nothing of it remains."""
        assert self.process.stdin is not None
        self.process.kill()
        self.process.wait()
        with suppress(OSError):  # what was written and never read
            self.process.stdin.close()


class Lessons:
    """The warm child, and the turns of those who ask it. timeout: seconds for all of an answer."""

    def __init__(self, command: Sequence[str] = COMMAND, timeout: float = TIMEOUT):
        self.command, self.timeout = command, timeout
        self._child: _Child | None = None
        self._turn = threading.Condition()
        self._busy = self._closed = False
        self._waiting: object = None
        self._number = 0

    def answer(self, request: Line, stop: threading.Event) -> Iterator[Line]:
        """The lines that answer a request, as they come; to be read to their end. stop: ends the run before its next.

        UserError, such as Replaced, in the place of the lines that are missing.
        """
        if not self._take_turn(stop):
            return
        try:
            self._number += 1
            yield from self._lines({**request, "run": self._number}, stop)
        finally:
            with self._turn:
                self._busy = False
                self._turn.notify_all()

    def _take_turn(self, stop: threading.Event) -> bool:
        """Wait until nobody is answered; False if the request was stopped meanwhile. Replaced by a newer one."""
        ticket = object()
        with self._turn:
            self._waiting = ticket
            self._turn.notify_all()
            while self._busy and self._waiting is ticket and not stop.is_set():
                self._turn.wait(LOOK)
            if self._waiting is not ticket:
                raise Replaced(_("A newer request has taken the place of this one."))
            self._waiting = None
            if self._closed:
                raise UserError(_("Gelato is being closed."))
            if stop.is_set():
                return False
            self._busy = True
            return True

    def _lines(self, request: Line, stop: threading.Event) -> Iterator[Line]:
        while True:
            child = self._child = self._child or _Child(self.command)
            child.send(request)
            try:
                yield from self._of_run(child, request["run"], stop)
                return
            except _Ended:
                self._end(child)
                if not child.rested or self._closed:
                    text = _(
                        "The process that computes lessons ended unexpectedly; move the control or reload to try again."
                    )
                    raise UserError(text) from None  # else it had just gone idle: a new one gets the request

    def _of_run(self, child: _Child, run: int, stop: threading.Event) -> Iterator[Line]:
        """The lines of a run from a child. _Ended if it ends before the run does."""
        deadline, told = time.monotonic() + self.timeout, False
        while True:
            if stop.is_set() and not told:
                child.send({"stop": run})
                told, deadline = True, min(deadline, time.monotonic() + STOPPING)
            if time.monotonic() > deadline:
                self._end(child)
                raise UserError(
                    _("This lesson took longer than {seconds} seconds and was stopped.", seconds=self.timeout)
                )
            line = child.next(run)
            if line is None:
                continue
            child.rested = line["kind"] in ("end", "error")
            if line["kind"] == "error":
                raise UserError(line["error"])
            if line["kind"] == "end":
                return
            if not told:
                yield line

    def _end(self, child: _Child) -> None:
        child.end()
        self._child = None

    def stop(self) -> None:
        """End the child; whoever waits is told."""
        with self._turn:
            self._closed = True
        child = self._child
        if child is not None:
            child.end()
