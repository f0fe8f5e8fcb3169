"""What holds the memory of a server of 100,000 images, step by step?

    python benchmarks/server_memory.py --folder FOLDER [--label NAME]

Starts `python app.py` on a generated collection (see made_up.py) and reads /proc/PID/smaps_rollup after each step.
`own` is memory that the process alone holds; `mapped` are pages of files, which the system can take back. Searches are
those of the page and of the API in turns, none of them repeated; their times are the client's. At last encoders are
dropped (--unload-after), and one more search brings theirs back. Kept under NAME in results/server_memory.json, so that
revisions stand side by side. The collection has an index of texts and groups of copies, as a build leaves them; its
groups are files of equal content, since a hundred generated images share each thumbnail.
"""

import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.made_up import generated
from benchmarks.people import Server, caller, queries, serving, spread, through_api, through_gradio
from index.collection import Collection
from index.copies import groups
from index.ingest.throughput import machine
from index.retrieval.text_index import save_text_index

IDLE_LOOK = 40  # seconds within which the server has seen that an encoder is idle
RESULT = Path(__file__).parent / "results/server_memory.json"


def held(pid: int) -> dict[str, int]:
    """Megabytes of a process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kb = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return {
        "resident": kb["Rss"] // 1024,
        "own": kb["Anonymous"] // 1024,
        "mapped": (kb["Rss"] - kb["Anonymous"]) // 1024,
    }


async def steps(server: Server, searches: int, unload: float, done: Callable[[str, float], None]) -> dict[str, float]:
    """Use the server, calling done after each step with its seconds. unload: minutes until encoders are dropped."""
    call, words = caller(server), queries(3)
    async with httpx.AsyncClient(timeout=600, trust_env=False) as client:

        async def one(name: str, function: str, fields: dict[str, Any]) -> None:
            begun = time.monotonic()
            await call(client, function, fields)
            done(name, time.monotonic() - begun)

        while (await client.get(f"{server.url}readyz")).status_code != 200:
            await asyncio.sleep(0.1)
        done("ready", time.monotonic() - server.begun)
        await one("first search", "find", {"q": next(words), "k": 60})
        await asyncio.sleep(5)  # what it began in the background
        await one("second search", "find", {"q": next(words), "k": 60})
        await one("filters", "filters", {"q": ""})
        await one("timeline", "browse", {"k": 60})
        await one("completion", "complete", {"text": "a do"})
        taken = []
        doors = itertools.cycle([through_api(server), through_gradio(server)])
        begun = time.monotonic()
        for _ in range(searches):
            at = time.monotonic()
            await next(doors)(client, next(words))
            taken.append(1000 * (time.monotonic() - at))
        done(f"{searches} searches", time.monotonic() - begun)
        if unload:
            await asyncio.sleep(60 * unload + IDLE_LOOK)
            done("idle", 60 * unload)
            await one("search after it", "find", {"q": next(words), "k": 60})
    return {**spread(taken), "mean": round(statistics.fmean(taken), 1)}


@click.command()
@click.option("--images", default=100_000, show_default=True)
@click.option("--searches", default=1000, show_default=True)
@click.option("--folder", required=True, type=click.Path(path_type=Path), help="Where the collection is kept.")
@click.option("--unload", default=0.5, show_default=True, help="Minutes for --unload-after; 0: a revision without it.")
@click.option("--label", default="now", show_default=True, help="The name of this run in the results.")
def main(images: int, searches: int, folder: Path, unload: float, label: str) -> None:
    """Measure and keep one server."""
    path = generated(folder, images)
    save_text_index(Collection.open(path))
    groups.make_copies = lambda collection, *_: groups.exact_copies(collection)  # type: ignore[assignment]
    groups.save_copies(Collection.open(path))
    found: list[dict[str, Any]] = []
    with serving(path, *(["--unload-after", str(unload)] if unload else [])) as server:

        def done(name: str, seconds: float) -> None:
            found.append({"step": name, "seconds": round(seconds, 2), **held(server.process.pid)})
            click.echo(json.dumps(found[-1]))

        processor = server.processor_seconds
        before = processor()
        times = asyncio.run(steps(server, searches, unload, done))
        run = {
            "images": images,
            "steps": found,
            "milliseconds": times,
            "processor_seconds": round(processor() - before, 1),
            "busy": round(os.getloadavg()[0], 1),
            "machine": machine(),
        }
    click.echo(json.dumps(times))
    kept = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    RESULT.write_text(json.dumps(kept | {label: run}, indent=1) + "\n")


if __name__ == "__main__":
    main()
