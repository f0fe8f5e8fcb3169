"""Lessons on request, for the page: requests as lines of JSON on stdin, parts as lines on stdout.

A request is {"run": number, "lesson": name, "settings": {name: text}, "images": [data URLs]}, or {"run": number,
"list": true}. Each line of its answer names the run and has the messages of its texts (see said.py); the last has the
kind "end" or "error". {"stop": number} ends that run before its next part; the page sends it where a newer request has
come.
"""

import json
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TextIO

from training.lessons import LESSONS
from training.lessons.lesson import Part
from training.lessons.said import messages_in
from training.models.errors import UserError
from training.models.inline_image import image_of_url
from training.models.memory import peak_memory_bytes
from training.models.registry import pick

LOOK = 0.2  # seconds between looks at the memory
NICE = 5  # the page's own work goes first


class Server:
    """Answers requests until stdin ends, or nothing has come for idle seconds. memory: bytes that it may take."""

    def __init__(self, source: TextIO, sink: TextIO, idle: float, memory: int):
        self.source, self.sink, self.idle, self.memory = source, sink, idle, memory
        self.requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.stopped: set[int] = set()
        self.writing = threading.Lock()
        self.run = 0  # the one that is answered

    def serve(self) -> None:
        """Answer one request after another."""
        with suppress(AttributeError, OSError):
            os.nice(NICE)
        for work in (self._read, self._watch_memory):
            threading.Thread(target=work, daemon=True).start()
        while True:
            try:
                request = self.requests.get(timeout=self.idle)
            except queue.Empty:
                return
            if request is None:
                return
            self.run = int(request["run"])
            self._answer(request)

    def _read(self) -> None:
        for line in self.source:
            request = json.loads(line)
            if "stop" in request:
                self.stopped.add(request["stop"])
            else:
                self.requests.put(request)
        self.requests.put(None)

    def _watch_memory(self) -> None:
        while True:
            time.sleep(LOOK)
            self._check_memory()

    def _check_memory(self) -> None:
        """End the process where it has needed too much, and say so to the request that is answered."""
        if self.run and peak_memory_bytes() > self.memory:
            limit = f"{self.memory / 2**30:.1f} GB"
            self._write({"kind": "error", "error": f"This lesson needed more memory than the {limit} it may take."})
            os._exit(3)

    def _answer(self, request: dict[str, Any]) -> None:
        try:
            for part in parts_of(request):
                if self.run in self.stopped:
                    break
                self._check_memory()
                self._write(part)
            self._write({"kind": "end"})
        except UserError as error:
            self._write({"kind": "error", "error": str(error)})

    def _write(self, part: Part) -> None:
        messages = messages_in(part)
        line = {"run": self.run, **part, **({"messages": messages} if messages else {})}
        with self.writing:
            self.sink.write(json.dumps(line, allow_nan=False) + "\n")
            self.sink.flush()


def parts_of(request: dict[str, Any]) -> Iterator[Part]:
    """The parts that a request asks for. UserError for a lesson or a setting that there is not."""
    if request.get("list"):
        yield {"kind": "lessons", "lessons": [lesson.facts() for lesson in LESSONS.values()]}
        return
    lesson = pick("lesson", str(request.get("lesson")), LESSONS)
    photos = [image_of_url(url) for url in request.get("images", [])]
    yield from lesson.run({name: str(value) for name, value in request.get("settings", {}).items()}, photos)
