"""Every door of one checkout: command line, REST, gradio_client and the page.

Each door sends a `Query` or a `ClassList` under the names of its revision (`FieldNames`) and returns a `Response` of
one form, or None for what this door cannot express. One server and one command line process serve every request.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from benchmarks.parity.command_line import CommandLine
from benchmarks.parity.inputs import READY, Inputs, Response, python_of
from benchmarks.parity.names import field_names_of
from benchmarks.parity.page import PageDoor
from benchmarks.parity.requests import ClassList, Example, Query
from benchmarks.parity.rest import ByName, Rest


@dataclass
class Doors:
    """Every door of a checkout by its name."""

    cli: CommandLine
    rest: Rest
    client: ByName
    page: PageDoor

    @classmethod
    @contextmanager
    def opened(cls, checkout: Path, collections: Mapping[str, Path], work: Path) -> Iterator[Self]:
        """Start server and command line, with a cache of their own, so that no revision reads what another cached."""
        fields, inputs = field_names_of(checkout), Inputs(collections, work)
        cache = work / "cache"
        cache.mkdir(exist_ok=True)
        environment = {**os.environ, "GELATO_CACHE": str(cache), "PYTHONWARNINGS": "ignore"}
        with serving(checkout, collections, environment, work / "server.log") as address:
            rest = Rest(address, fields, inputs)
            page = PageDoor(address, fields, inputs, rest.token)
            wait_until_ready(page, list(collections))
            cli = CommandLine(checkout, fields, inputs, environment)
            try:
                yield cls(cli, rest, ByName(address, fields, inputs), page)
            finally:
                cli.close()

    def send(self, request: Query | ClassList | Example) -> dict[str, Response | None]:
        """The responses of every door to one request."""
        if isinstance(request, Query):
            return self.search(request)
        return self.label(request) if isinstance(request, ClassList) else self.example(request)

    def search(self, query: Query) -> dict[str, Response | None]:
        doors: dict[str, Any] = {"cli": self.cli, "rest": self.rest, "client": self.client, "page": self.page}
        return {name: door.search(query) for name, door in doors.items()}

    def label(self, request: ClassList) -> dict[str, Response | None]:
        doors: dict[str, Any] = {"cli": self.cli, "rest": self.rest, "client": self.client, "page": self.page}
        responses = {name: door.label(request) for name, door in doors.items()}
        return {**responses, "page uncalibrated": self.page.label(request, calibrated=False)}

    def example(self, request: Example) -> dict[str, Response | None]:
        return {"page": self.page.example(request)}


@contextmanager
def serving(checkout: Path, collections: Mapping[str, Path], environment: dict[str, str], log: Path) -> Iterator[str]:
    """`python app.py` of a checkout on the collections, until the block ends; yields its address."""
    options = [word for path in collections.values() for word in ("--collection", str(path))]
    command = [python_of(checkout), "-u", "app.py", *options, "--no-browser", "--port", "0"]
    with log.open("w") as errors:
        server = subprocess.Popen(
            command, cwd=checkout, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            assert server.stdout is not None
            address = next((m[0] for line in server.stdout if (m := re.search(r"http://[\d.:]+/", line))), None)
            if address is None:
                raise RuntimeError(f"the server of {checkout.name} did not start:\n{log.read_text()[-2000:]}")
            until_it_listens(address)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def until_it_listens(address: str) -> None:
    """Return once the server takes connections, which it does a little after it printed its address."""
    until = time.monotonic() + READY
    while True:
        try:
            httpx.get(f"{address}healthz", trust_env=False)
            return
        except httpx.ConnectError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def wait_until_ready(page: PageDoor, collections: list[str]) -> None:
    """Return once the encoder is loaded and the null distribution of each collection is measured."""
    for name in collections:
        until = time.monotonic() + READY
        while True:
            response = page.search(Query(collection=name, text="a photo", k=1))
            if response is not None and response.get("likely") is not None:
                break
            if time.monotonic() > until:
                raise RuntimeError(f"{name} gets no relevance threshold: {response}")
            time.sleep(0.5)


def without_paths(response: Any, paths: list[str]) -> Any:
    """A response whose sentences name no folder of this machine."""
    text = json.dumps(response)
    for path in paths:
        text = text.replace(path, "…")
    return json.loads(text)
