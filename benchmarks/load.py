"""Twenty people search 100,000 pictures at once: how long do they wait, and does the server hold?

    python benchmarks/load.py

Starts `python app.py` on a collection that it generates and measures, on this machine, clients included:

- api       20 clients, each searching every 2 seconds through /api/v1/search
- page      19 clients that send what the page sends for each search, in Gradio's protocol, beside one Chromium
            in which a query is typed every 2 seconds
- memory    10,000 searches as fast as they go, half through each; the server's memory after every 1,000
- gradio    the same search asked through /api/v1 and through Gradio, in turns, one at a time: what Gradio adds
- start     from the command to the first pictures in a fresh Chromium
- typed     one person on a warm page, nobody else: from the Enter key to the new results in the page

Vectors lie round those of the demo's real pictures, ids and columns are made up, previews are tiny. Queries are
pairs of everyday words, so that hardly any is asked twice. The result is kept beside this script as load.json.
"""

import asyncio
import itertools
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import httpx
import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from index.collection import Collection  # noqa: E402
from index.demo import build_demo, demo_folders  # noqa: E402
from index.nearest import save_nearest  # noqa: E402
from index.writer import Writer  # noqa: E402
from training.models.encoder import unit  # noqa: E402
from training.models.lookup import load_encoder  # noqa: E402
from training.models.zero_shot import everyday_words  # noqa: E402

RESULT = Path(__file__).with_suffix(".json")
USERS, EVERY = 20, 2.0  # people, and seconds between one's searches
SEGMENT = 5_000  # pictures
SPREAD = 0.6  # how far a made-up vector lies from the real one it is drawn round, as a share of its length
PARTS = ("start", "gradio", "typed", "api", "page", "memory")
LIMITS = {"api_p95": 400, "page_p95": 800, "start": 6_000, "typed": 300}  # milliseconds


def generated(folder: Path, pictures: int) -> Path:
    """A collection of that many pictures, in folder; what is there already is used."""
    path = folder / f"load-{pictures}.gelato"
    if path.exists():
        return path
    encoder = load_encoder("starter")
    source, into = demo_folders("starter")
    build_demo(source, into, encoder)
    demo = Collection.open(into)
    real, random_ = np.asarray(demo.vectors, np.float32), np.random.default_rng(0)
    with Writer(path, encoder) as writer:
        for start in range(0, pictures, SEGMENT):
            base = random_.integers(0, len(real), min(SEGMENT, pictures - start))
            noise = random_.standard_normal((len(base), real.shape[1])).astype(np.float32)
            vectors = unit(real[base] + SPREAD * unit(noise) * np.linalg.norm(real[base], axis=1, keepdims=True))
            rows = [_row(demo, int(of), start + i, random_) for i, of in enumerate(base)]
            writer.publish(rows, vectors)
        for id in demo.items["id"]:
            preview = demo.thumbnail(id)
            if preview is not None:
                writer.thumbnail(id, preview.read_bytes())
    save_nearest(Collection.open(path))
    return path


def _row(demo: Collection, of: int, number: int, random_: np.random.Generator) -> dict[str, Any]:
    real = demo.stored.iloc[of]
    content = str(real["id"]).partition("-")[0]
    return {
        "id": f"{content}-{number + 1}",  # copies share a preview
        "source": "/made/up",
        "path": f"{random_.integers(2000, 2026)}/{number:06d}.jpg",
        "width": int(random_.integers(100, 6000)),
        "height": int(random_.integers(100, 4000)),
        "bytes": int(random_.integers(10_000, 9_000_000)),
        "modified": pd.Timestamp("2020-01-01") + pd.Timedelta(int(random_.integers(0, 2000)), "D"),
        "hash": f"{number:064x}",
        "caption": str(real["caption"]),
        "stamp": real["stamp"],
        "folder": f"album {random_.integers(0, 40)}",
    }


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
def serving(collection: Path) -> Iterator[Server]:
    begun = time.monotonic()
    command = [sys.executable, "app.py", "--no-browser", "--port", "0", "--collection", str(collection)]
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


def through_gradio(server: Server) -> Search:
    """What the page sends for one search: the question itself, then what to remark about it."""
    session = uuid.uuid4().hex[:11]
    remarks: list[asyncio.Task[Any]] = []

    async def call(client: httpx.AsyncClient, function: str, ask: dict[str, Any]) -> Any:
        body = {"data": ask, "component_id": server.component, "fn_name": function, "session_hash": session}
        answer = await client.post(f"{server.url}gradio_api/component_server", json=body)
        answer.raise_for_status()
        return answer.json()

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


async def memory(server: Server, searches: int) -> dict[str, Any]:
    """Resident megabytes after each tenth of the searches, two at a time."""
    seen = [round(server.megabytes(), 1)]
    asked = itertools.count()
    words = queries(99)
    begun = time.monotonic()
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for _ in range(10):

            async def some(search: Search) -> None:
                for _ in range(searches // 20):
                    next(asked)
                    await search(client, next(words))

            await asyncio.gather(some(through_api(server)), some(through_gradio(server)))
            seen.append(round(server.megabytes(), 1))
    rate = searches / (time.monotonic() - begun)
    # What is loaded at the first use comes first; then growth over the last eight tenths is what counts.
    return {
        "searches": searches,
        "per_second": round(rate, 1),
        "megabytes": seen,
        "grown": round(seen[-1] - seen[2], 1),
    }


async def side_by_side(server: Server, rounds: int) -> dict[str, Any]:
    """The same question both ways, one at a time; function is our own part, the rest is HTTP and Gradio or FastAPI."""
    api, gradio = through_api(server), through_gradio(server)
    taken: dict[str, list[float]] = {"api": [], "gradio": [], "function": []}
    words = queries(7)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for number in range(rounds):
            query = next(words)
            await api(client, query)  # so that neither has to read the words
            ways = [("api", api), ("gradio", gradio)]
            for name, search in ways if number % 2 else reversed(ways):
                begun = time.monotonic()
                inside = await search(client, query)
                taken[name].append(1000 * (time.monotonic() - begun))
                taken["function"].append(inside)
    medians = {name: round(statistics.median(times), 2) for name, times in taken.items()}
    added = round(medians["gradio"] - medians["function"], 2)
    return {**medians, "gradio_adds": added, "gradio_share": round(added / medians["gradio"], 3)}


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
        self.page.wait_for_selector("#grid .g-card img")

    def type(self, query: str) -> float:
        """Milliseconds from Enter to the new pictures' cards, as the page itself sees them."""
        self.page.get_by_role("textbox", name="Describe a picture").fill(query)
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
    const clock = (event) => { if (event.key === "Enter") begun = performance.now(); };
    addEventListener("keydown", clock, { capture: true, once: true });
    new MutationObserver((_, watch) => {
      if (begun === null || grid.firstElementChild === before || !grid.querySelector(".g-card img")) return;
      watch.disconnect();
      const at = begun;
      requestAnimationFrame(() => done(performance.now() - at));
    }).observe(grid, { childList: true });
  });
}"""


def page_crowd(server: Server, seconds: float) -> dict[str, Any]:
    """19 clients in a process of their own, while a query is typed into a Chromium every EVERY seconds."""
    browser = Browser(server)
    words, waited = queries(1000), []
    for _ in range(2):
        browser.type(next(words))
    command = [sys.executable, __file__, "--clients", server.url, str(server.component), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
        next_at = time.monotonic()
        while clients.poll() is None:
            waited.append(browser.type(next(words)))
            next_at = max(next_at + EVERY, time.monotonic())
            time.sleep(max(0.0, next_at - time.monotonic()))
        assert clients.stdout is not None
        found = json.loads(clients.stdout.read())
    browser.close()
    return {"clients": found, "chromium": {"searches": len(waited), **spread(waited)}}


def start(collection: Path, runs: int) -> dict[str, float]:
    """Milliseconds from the command to the first pictures in a Chromium that has seen nothing yet."""
    taken = []
    for _ in range(runs):
        with serving(collection) as server:
            browser = Browser(server)
            taken.append(1000 * (time.monotonic() - server.begun))
            browser.close()
    return spread(taken)


def typed(server: Server, rounds: int) -> dict[str, Any]:
    """Milliseconds from Enter to new cards on a warm page, and of them in the server's own function."""
    browser = Browser(server)
    words, waited, inside = queries(5), [], []
    browser.page.on(
        "response",
        lambda answer: "component_server" in answer.url and inside.append(answer),
    )
    for number in range(rounds + 3):
        milliseconds = browser.type(next(words))
        if number >= 3:
            waited.append(milliseconds)
        time.sleep(0.2)
    answers = [answer.json() for answer in inside]
    browser.close()
    function = [answer["milliseconds"] for answer in answers if isinstance(answer, dict) and "milliseconds" in answer]
    return {"searches": len(waited), **spread(waited), "server": spread(function[3:])}


@click.command()
@click.option("--pictures", default=100_000, show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="How long the crowds search.")
@click.option("--searches", default=10_000, show_default=True, help="Of the memory's part; 0 leaves it out.")
@click.option("--runs", default=3, show_default=True, help="Starts that are timed.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the collection is kept for another run.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these; the others' figures stay.")
@click.option("--clients", nargs=3, hidden=True)
def main(
    pictures: int,
    seconds: float,
    searches: int,
    runs: int,
    folder: Path | None,
    parts: tuple[str, ...],
    clients: tuple[str, str, str],
) -> None:
    """Measure, print and keep."""
    if clients:
        url, component, lasting = clients
        server = Server(None, url, 0.0)  # type: ignore[arg-type]  # it is another's process
        server.component = int(component)
        click.echo(json.dumps(asyncio.run(crowd([through_gradio(server) for _ in range(USERS - 1)], float(lasting)))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        collection = generated(folder or Path(temporary), pictures)
        wanted = parts or PARTS
        result: dict[str, Any] = json.loads(RESULT.read_text()) if parts and RESULT.exists() else {}
        result |= {"pictures": pictures, "cores": len(os.sched_getaffinity(0)), "users": USERS, "every": EVERY}
        result["limits"] = LIMITS
        if "start" in wanted:
            measured(result, "start", lambda: start(collection, runs))
        with serving(collection) as server:
            asyncio.run(crowd([through_api(server), through_gradio(server)], 5))  # warm
            if "gradio" in wanted:
                measured(result, "gradio", lambda: asyncio.run(side_by_side(server, 60)))
            if "typed" in wanted:
                measured(result, "typed", lambda: typed(server, 20))
            if "api" in wanted:
                people = [through_api(server) for _ in range(USERS)]
                measured(result, "api", lambda: worked(server, lambda: asyncio.run(crowd(people, seconds))))
            if "page" in wanted:
                measured(result, "page", lambda: worked(server, lambda: page_crowd(server, seconds)))
            if "memory" in wanted:
                measured(result, "memory", lambda: asyncio.run(memory(server, searches)))


def measured(result: dict[str, Any], part: str, measure: Callable[[], dict[str, Any]]) -> None:
    """Print and keep one part. busy: processes that wanted a core meanwhile, other programs' among them."""
    figures = measure()
    result[part] = {**figures, "busy": round(os.getloadavg()[0], 1)}
    click.echo(f"{part}: {json.dumps(result[part])}")
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


def worked(server: Server, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Figures of a crowd with the server's processor time a search, in milliseconds."""
    before = server.processor_seconds()
    figures = measure()
    asked = figures if "searches" in figures else {"searches": sum(one["searches"] for one in figures.values())}
    spent = 1000 * (server.processor_seconds() - before) / max(1, asked["searches"])
    return {**figures, "processor_ms": round(spent, 1)}


if __name__ == "__main__":
    main()
