"""Two hundred thousand requests to the API and to the page: does the memory grow, does anything fail, how slow is p99?

    python benchmarks/endurance.py --work DIR [--requests 200000] [--minutes 60]

Starts `python app.py` on a generated collection (see made_up.py), which stays in DIR, and sends it a fixed mix of
requests, CLIENTS at a time: searches and the other routes of the API, what the page sends, thumbnails, metrics,
and requests that are refused. A request fails if its status is not the expected one. It ends after --requests or
--minutes, whichever comes first, and what was sent is in the result. `own` memory is what the process alone holds; its
slope is that of a line through the second half of the readings. The result is kept as results/endurance.json.
"""

import asyncio
import itertools
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.made_up import generated
from benchmarks.people import Server, queries, serving
from benchmarks.server_memory import held
from index.collection import Collection
from index.ingest.throughput import machine

RESULT = Path(__file__).parent / "results/endurance.json"
CLIENTS = 4
READ_EVERY = 5.0  # seconds between readings of the memory
Request = tuple[str, str, int, dict[str, Any]]  # name, address, status that it must have, arguments of httpx


def mix(server: Server, key: str, ids: list[str]) -> Iterator[Request]:
    """Requests without end, a round of 20 after the other; no search is repeated."""
    api, words, number = "api/v1/", queries(11), itertools.count()

    def page(function: str, data: dict[str, Any]) -> Request:
        body = {"data": data, "component_id": server.component, "fn_name": function, "session_hash": "endurance"}
        return (f"page {function}", "gradio_api/component_server", 200, {"method": "POST", "json": body})

    def get(name: str, address: str, status: int = 200, **params: Any) -> Request:
        return (name, address, status, {"method": "GET", "params": params})

    while True:
        id = ids[next(number) % len(ids)]
        for _ in range(4):
            yield get("api search", f"{api}search", q=next(words), k=60)
            yield page("find", {"q": next(words), "k": 60})
        yield get("api search like", f"{api}search", like=id, k=20)
        yield get("api copies", f"{api}copies", id=id)
        yield get("api collection", f"{api}collections/{key}")
        yield get("api jobs", f"{api}jobs")
        yield page("browse", {"k": 60})
        yield page("complete", {"text": f"a {next(words)[2:5]}"})
        for of in (id, ids[-1 - next(number) % len(ids)]):
            yield get("thumbnail", f"media/{key}/{of}.webp")
        yield get("page", "")
        yield get("metrics", "metrics")
        yield get("refused filter", f"{api}search", 422, q="a cat", where="no_such_column > 3")
        yield get("not there", f"media/{key}/{id}x.webp", 404)


class Tally:
    """What the requests came to."""

    def __init__(self) -> None:
        self.milliseconds: defaultdict[str, list[float]] = defaultdict(list)
        self.failed: Counter[str] = Counter()
        self.memory: list[tuple[int, int]] = []  # requests so far, own megabytes

    @property
    def sent(self) -> int:
        return sum(map(len, self.milliseconds.values()))


async def drive(server: Server, requests: Iterator[Request], most: int, seconds: float) -> Tally:
    """Send requests until there were enough, or the time is up."""
    tally, until = Tally(), time.monotonic() + seconds
    limits = httpx.Limits(max_connections=CLIENTS)
    async with httpx.AsyncClient(base_url=server.url, timeout=120, trust_env=False, limits=limits) as client:

        async def person() -> None:
            while tally.sent < most and time.monotonic() < until:
                name, address, status, arguments = next(requests)
                begun = time.monotonic()
                try:
                    answer = await client.request(url=address, **arguments)
                    outcome = "" if answer.status_code == status else f"{name}: {answer.status_code}"
                except httpx.HTTPError as error:
                    outcome = f"{name}: {type(error).__name__}"
                tally.milliseconds[name].append(1000 * (time.monotonic() - begun))
                if outcome:
                    tally.failed[outcome] += 1

        async def reader() -> None:
            while True:
                tally.memory.append((tally.sent, held(server.process.pid)["own"]))
                await asyncio.sleep(READ_EVERY)

        reading = asyncio.create_task(reader())
        await asyncio.gather(*(person() for _ in range(CLIENTS)))
        reading.cancel()
    return tally


def figures(tally: Tally) -> dict[str, Any]:
    """Quantiles in milliseconds by kind of request, memory in megabytes, its slope for 10,000 requests."""
    half = np.array(tally.memory[len(tally.memory) // 2 :], float)
    slope = float(np.polyfit(half[:, 0], half[:, 1], 1)[0]) if len(half) > 2 else None
    every = [value for values in tally.milliseconds.values() for value in values]
    return {
        "requests": tally.sent,
        "failed": dict(tally.failed),
        "all": quantiles(every),
        "by_kind": {name: quantiles(values) for name, values in sorted(tally.milliseconds.items())},
        "own_megabytes": {"first": tally.memory[0][1], "half": int(half[0, 1]), "last": int(half[-1, 1])},
        "own_megabytes_for_10000_requests": None if slope is None else round(10_000 * slope, 2),
        "readings": tally.memory[:: max(1, len(tally.memory) // 40)],
    }


def quantiles(values: list[float]) -> dict[str, float]:
    p50, p99 = np.quantile(values, [0.5, 0.99])
    return {
        "requests": len(values),
        "p50": round(float(p50), 1),
        "p99": round(float(p99), 1),
        "max": round(max(values)),
    }


@click.command()
@click.option("--work", required=True, type=click.Path(path_type=Path), help="A folder for the collection.")
@click.option("--images", default=20_000, show_default=True)
@click.option("--requests", "most", default=200_000, show_default=True)
@click.option("--minutes", default=60.0, show_default=True)
def main(work: Path, images: int, most: int, minutes: float) -> None:
    """Send requests, and store what came of them."""
    work.mkdir(parents=True, exist_ok=True)
    path = generated(work, images)
    ids = Collection.open(path).column("id").head(500).tolist()
    with serving(path) as server:
        while httpx.get(f"{server.url}readyz", timeout=60).status_code != 200:
            time.sleep(0.2)
        key = httpx.get(f"{server.url}api/v1/collections", timeout=60).json()[0]["key"]
        begun, busy = time.monotonic(), server.processor_seconds()
        tally = asyncio.run(drive(server, mix(server, key, ids), most, 60 * minutes))
        result = {
            "images": images,
            "wanted": most,
            "clients": CLIENTS,
            "seconds": round(time.monotonic() - begun),
            "server_cpu_ms_a_request": round(1000 * (server.processor_seconds() - busy) / tally.sent, 2),
            "load": round(os.getloadavg()[0], 1),
            **figures(tally),
            "machine": machine(),
        }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps({name: value for name, value in result.items() if name != "readings"}, indent=1))


if __name__ == "__main__":
    main()
