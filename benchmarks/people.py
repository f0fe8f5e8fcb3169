"""People who search a running page: through the API, as the page's script does, and in a real Chromium."""

import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from training.models.zero_shot import everyday_words

ROOT = Path(__file__).parent.parent
EVERY = 2.0  # seconds between one person's searches


def queries(seed: int) -> Iterator[str]:
    """Pairs of everyday words, in an order of their own for each seed."""
    words, chance = everyday_words(), random.Random(seed)
    while True:
        first, second = chance.sample(words, 2)
        yield f"a {first} and a {second}"


class Server:
    """A running `python app.py` and what a page knows of it."""

    def __init__(self, process: subprocess.Popen[str], url: str, begun: float):
        self.process, self.url, self.begun = process, url, begun
        self.component = 0  # number of the Search tab's component, see `look`

    def look(self) -> None:
        """Wait until it answers, and read from its configuration which component searches."""
        until = time.monotonic() + 120
        while True:
            try:
                config = httpx.get(f"{self.url}config").json()
                break
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
        found = [c["id"] for c in config["components"] if c.get("props", {}).get("elem_id") == "search"]
        self.component = found[0]

    def megabytes(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match is not None
        return int(match.group(1)) / 1024

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(collection: Path, *options: str) -> Iterator[Server]:
    """A server of a collection, until the end of the block."""
    begun = time.monotonic()
    command = [sys.executable, "app.py", "--no-browser", "--port", "0", "--collection", str(collection), *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = next(match[0] for line in process.stdout if (match := re.search(r"http://[\d.:]+/", line)))
            server = Server(process, url, begun)
            server.look()
            yield server
        finally:
            process.terminate()


Search = Callable[[httpx.AsyncClient, str], Awaitable[float]]  # answers the milliseconds that the server says it took


def through_api(server: Server) -> Search:
    async def search(client: httpx.AsyncClient, query: str) -> float:
        answer = await client.get(f"{server.url}api/v1/search", params={"q": query})
        answer.raise_for_status()
        found = answer.json()
        assert len(found["results"]) == 60
        return found["milliseconds"]

    return search


def caller(server: Server) -> Callable[[httpx.AsyncClient, str, dict[str, Any]], Awaitable[Any]]:
    """Calls a function of the Search tab as the page does, in a session of its own."""
    session = uuid.uuid4().hex[:11]

    async def call(client: httpx.AsyncClient, function: str, ask: dict[str, Any]) -> Any:
        body = {"data": ask, "component_id": server.component, "fn_name": function, "session_hash": session}
        answer = await client.post(f"{server.url}gradio_api/component_server", json=body)
        answer.raise_for_status()
        return answer.json()

    return call


def through_gradio(server: Server) -> Search:
    """What the page sends for one search: the question itself, then what to remark about it."""
    call = caller(server)
    remarks: list[asyncio.Task[Any]] = []

    async def remark(client: httpx.AsyncClient, query: str) -> None:
        with suppress(httpx.HTTPError, RuntimeError):  # the client may be closed by then
            await call(client, "remark", {"q": query})

    async def search(client: httpx.AsyncClient, query: str) -> float:
        found = await call(client, "find", {"q": query, "k": 60})
        assert len(found["hits"]) == 60, found
        remarks.append(asyncio.create_task(remark(client, query)))  # nobody waits for it
        del remarks[:-4]
        return found["milliseconds"]

    return search


async def crowd(searches: list[Search], seconds: float) -> dict[str, Any]:
    """Everyone searches every EVERY seconds, starting at moments of their own; an answer is awaited before the next."""
    waited: list[float] = []
    inside: list[float] = []
    failures: list[str] = []
    end = time.monotonic() + seconds

    async def person(number: int, search: Search) -> None:
        chance = random.Random(number)
        next_at = time.monotonic() + chance.random() * EVERY
        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            for query in queries(number):
                if next_at > end:
                    return
                await asyncio.sleep(max(0.0, next_at - time.monotonic()))
                begun = time.monotonic()
                try:
                    inside.append(await search(client, query))
                    waited.append(1000 * (time.monotonic() - begun))
                except (httpx.HTTPError, KeyError, AssertionError) as error:
                    failures.append(repr(error)[:200])
                next_at = max(next_at + EVERY, time.monotonic())

    await asyncio.gather(*(person(number, search) for number, search in enumerate(searches)))
    return {
        "searches": len(waited),
        "failed": len(failures),
        "failures": failures[:3],
        **spread(waited),
        "inside": spread(inside),
    }


def spread(milliseconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and longest."""
    ordered = sorted(milliseconds)
    at = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)  # noqa: E731
    return {"p50": at(0.5), "p95": at(0.95), "max": at(1.0)}


class Browser:
    """One real Chromium on the page."""

    def __init__(self, server: Server):
        from playwright.sync_api import sync_playwright

        self.playwright = sync_playwright().start()
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        self.browser = self.playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        self.page = self.browser.new_page(viewport={"width": 1280, "height": 860})
        self.page.goto(server.url)
        self.page.wait_for_selector("#grid .g-grid-card img")

    def type(self, query: str) -> float:
        """Milliseconds from Enter to the new images' cards, as the page itself sees them."""
        return self.timed(query)["total"]

    def timed(self, query: str) -> dict[str, float]:
        """The same in parts: before the question leaves the page (waiting for a connection included), until the answer
        begins (server and Gradio), until it is whole, until the cards stand in the page, until they are painted."""
        self.page.get_by_role("combobox", name="Describe an image").fill(query)
        self.page.evaluate(WATCH)
        self.page.keyboard.press("Enter")
        return self.page.evaluate("() => window.waited")

    def close(self) -> None:
        self.browser.close()
        self.playwright.stop()


# The page sets aria-busy or not; what a person waits for is that the cards are others than before.
WATCH = """() => {
  const grid = document.querySelector("#grid");
  const before = grid.firstElementChild;
  window.waited = new Promise((done) => {
    let begun = null;
    const clock = (event) => {
      if (event.key !== "Enter") return;
      begun = performance.now();
      performance.clearResourceTimings();
    };
    addEventListener("keydown", clock, { capture: true, once: true });
    new MutationObserver((_, watch) => {
      if (begun === null || grid.firstElementChild === before || !grid.querySelector(".g-grid-card img")) return;
      watch.disconnect();
      const drawn = performance.now();
      const asked = performance.getEntriesByType("resource").find((one) => one.name.includes("component_server"));
      requestAnimationFrame(() => {
        const shown = performance.now();
        done({
          total: shown - begun, leaving: asked.requestStart - begun,
          answering: asked.responseStart - asked.requestStart, arriving: asked.responseEnd - asked.responseStart,
          drawing: drawn - asked.responseEnd, painting: shown - drawn,
        });
      });
    }).observe(grid, { childList: true });
  });
}"""
