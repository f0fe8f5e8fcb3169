"""Twenty people search 100,000 images at once: how long do they wait, and does the server hold?

    python benchmarks/load.py

Starts `python app.py` on a collection that it generates and measures, on this machine, clients included:

- api       20 clients, each searching every 2 seconds through /api/v1/search
- page      19 clients that send what the page sends for each search, in Gradio's protocol, beside one Chromium
            in which a query is typed every 2 seconds
- memory    10,000 searches as fast as they go, half through each; the server's memory after every 1,000
- gradio    the same search asked through /api/v1 and through Gradio, in turns, one at a time; and next to nothing
            asked both ways, whose difference is what Gradio adds to whatever it is asked
- start     from the command to the first images in a fresh Chromium
- typed     one person on a warm page, nobody else: from the Enter key to the new results in the page, once the page is
            at rest, and a fifth of a second after the last results

Vectors lie round those of the demo's real images, ids and columns are made up, thumbnails are tiny. Queries are
pairs of everyday words, so that hardly any is asked twice. The result is kept beside this script as load.json.
"""

import asyncio
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import httpx
from playwright.sync_api import Response

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.made_up import generated
from benchmarks.people import (
    EVERY,
    Browser,
    Search,
    Server,
    caller,
    crowd,
    queries,
    serving,
    spread,
    through_api,
    through_gradio,
)

RESULT = Path(__file__).parent / "results/load.json"
USERS = 20  # people
PARTS = ("start", "gradio", "typed", "api", "page", "memory")
LIMITS = {"api_p95": 400, "page_p95": 800, "start": 6_000, "typed": 300}  # milliseconds


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
    """The same question both ways, one at a time; function is our own part of it."""
    api, gradio, call = through_api(server), through_gradio(server), caller(server)
    taken: dict[str, list[float]] = {"api": [], "gradio": [], "function": [], "nothing_api": [], "nothing_gradio": []}
    words = queries(7)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:

        async def timed(name: str, asked: Awaitable[Any]) -> Any:
            begun = time.monotonic()
            answer = await asked
            taken[name].append(1000 * (time.monotonic() - begun))
            return answer

        for number in range(rounds):
            query = next(words)
            await api(client, query)  # so that neither has to read the words
            await asyncio.sleep(0.1)  # what to remark about the last question is done by then
            for name in ("api", "gradio") if number % 2 else ("gradio", "api"):
                taken["function"].append(await timed(name, (api if name == "api" else gradio)(client, query)))
                await asyncio.sleep(0.1)
            await timed("nothing_api", client.get(f"{server.url}api/v1/jobs"))
            await timed("nothing_gradio", call(client, "remark", {"q": ""}))
    medians = {name: round(statistics.median(times), 2) for name, times in taken.items()}
    added = round(medians["nothing_gradio"] - medians["nothing_api"], 2)
    return {**medians, "gradio_adds": added, "gradio_share": round(added / medians["gradio"], 3)}


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
    """Milliseconds from the command to the first images in a Chromium that has seen nothing yet."""
    taken = []
    for _ in range(runs):
        with serving(collection) as server:
            browser = Browser(server)
            taken.append(1000 * (time.monotonic() - server.begun))
            browser.close()
    return spread(taken)


def typed(server: Server, rounds: int) -> dict[str, Any]:
    """Milliseconds from Enter to new cards on a warm page, and their parts; at_once without a rest in between."""
    browser = Browser(server)
    words, inside = queries(5), []

    def heard(answer: Response) -> None:
        if "component_server" in answer.url:
            inside.append(answer)

    browser.page.on("response", heard)
    found: dict[str, list[dict[str, float]]] = {"rest": [], "at_once": []}
    for name, waited in found.items():
        for _ in range(rounds + 3):
            waited.append(browser.timed(next(words)))
            if name == "rest":
                browser.page.wait_for_load_state("networkidle")
            time.sleep(0.2)
        del waited[:3]
    answers = [answer.json() for answer in inside]
    browser.close()
    function = [answer["milliseconds"] for answer in answers if isinstance(answer, dict) and "milliseconds" in answer]
    parts = {part: round(statistics.median(one[part] for one in found["rest"]), 1) for part in found["rest"][0]}
    del parts["total"]
    return {
        "searches": rounds,
        **spread([one["total"] for one in found["rest"]]),
        "parts": parts,
        "at_once": spread([one["total"] for one in found["at_once"]]),
        "server": spread(function),
    }


@click.command()
@click.option("--images", default=100_000, show_default=True)
@click.option("--seconds", default=60.0, show_default=True, help="How long the crowds search.")
@click.option("--searches", default=10_000, show_default=True, help="Of the memory's part; 0 leaves it out.")
@click.option("--runs", default=3, show_default=True, help="Starts that are timed.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the collection is kept for another run.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only these; the others' figures stay.")
@click.option("--clients", nargs=3, hidden=True)
def main(
    images: int,
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
        collection = generated(folder or Path(temporary), images)
        wanted = parts or PARTS
        result: dict[str, Any] = json.loads(RESULT.read_text()) if parts and RESULT.exists() else {}
        result |= {"images": images, "cores": len(os.sched_getaffinity(0)), "users": USERS, "every": EVERY}
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
