"""Compare the speed of two revisions in turns: start-up, build, search by text and by image, label and load.

    python benchmarks/revisions.py --before DIR --after DIR --photos FOLDER [--pairs 7]

--before and --after are checkouts, each with its environment in .venv. --photos is a folder of images: each revision
first builds a collection of them with its own `starter`, and is measured on that one. Each pair runs the same command
of both revisions, one after the other, and the order alternates. A figure is the ratio after / before of each pair: the
median, and a 95 % bootstrap interval of the median. Below 1, the new revision is faster.
"""

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np

RESULT = Path(__file__).parent / "results/revisions.json"
TEXTS = ("a dog", "a red car", "a bird on a branch", "food on a plate", "a boat", "snow", "a flower", "a building")
CLASSES = "dog,cat,bird,fish,snake,car,boat,house,flower,food"
SEARCHES = 200  # requests of the load test, by CLIENTS threads
CLIENTS = 8

Measure = Callable[[Path], dict[str, float]]  # a checkout to seconds by name
Collections = dict[Path, Path]  # the collection that each checkout made


def command(checkout: Path, *words: str) -> dict[str, float]:
    """Wall and CPU seconds of a whole process."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([checkout / ".venv/bin/python", *words], cwd=checkout, check=True, capture_output=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"wall": wall, "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def build(photos: Path) -> Measure:
    def measure(checkout: Path) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            return command(checkout, "-m", "index", "build", str(photos), "--into", f"{folder}/new.gelato")

    return measure


@contextmanager
def serving(checkout: Path, collection: Path) -> Iterator[str]:
    """The address of the page over a copy of the collection."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["app.py", "--collection", str(collection), "--port", str(port), "--no-browser"]
    process = subprocess.Popen(
        [checkout / ".venv/bin/python", *words], cwd=checkout, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def fetch(address: str) -> bytes:
    """The response, asked for until the server answers."""
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as response:
                return bytes(response.read())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def search_address(base: str, text: str) -> str:
    return f"{base}/api/v1/search?" + urllib.parse.urlencode({"q": text, "k": 20})


def startup(collections: Collections) -> Measure:
    def measure(checkout: Path) -> dict[str, float]:
        started = time.perf_counter()
        with serving(checkout, collections[checkout]) as base:
            fetch(f"{base}/")
            page = time.perf_counter() - started
            fetch(search_address(base, TEXTS[0]))
            return {"page": page, "first search": time.perf_counter() - started}

    return measure


def load(collections: Collections) -> Measure:
    def measure(checkout: Path) -> dict[str, float]:
        with serving(checkout, collections[checkout]) as base:
            for text in TEXTS:
                fetch(search_address(base, text))

            def one(number: int) -> float:
                began = time.perf_counter()
                fetch(search_address(base, f"{TEXTS[number % len(TEXTS)]} {number}"))
                return time.perf_counter() - began

            with ThreadPoolExecutor(CLIENTS) as pool:
                seconds = list(pool.map(one, range(SEARCHES)))
        return {"p50": float(np.median(seconds)), "p95": float(np.quantile(seconds, 0.95))}

    return measure


def compare(measure: Measure, before: Path, after: Path, pairs: int) -> dict[str, dict[str, float]]:
    """By name: the medians of both revisions, and of the ratio after / before with its interval."""
    measure(before), measure(after)  # the files are in the page cache from here on
    runs: list[tuple[dict[str, float], dict[str, float]]] = []
    for number in range(pairs):
        first, second = (before, after) if number % 2 == 0 else (after, before)
        found = {first: measure(first)}
        found[second] = measure(second)
        runs.append((found[before], found[after]))
    figures = {}
    for name in runs[0][0]:
        old, new = (np.array([run[side][name] for run in runs]) for side in (0, 1))
        drawn = np.random.default_rng(0).integers(0, pairs, (2000, pairs))
        low, high = np.quantile(np.median((new / old)[drawn], axis=1), [0.025, 0.975])
        figures[name] = {
            "before": round(float(np.median(old)), 4),
            "after": round(float(np.median(new)), 4),
            "ratio": round(float(np.median(new / old)), 3),
            "low": round(float(low), 3),
            "high": round(float(high), 3),
        }
    return figures


@click.command()
@click.option("--before", required=True, type=click.Path(path_type=Path, exists=True), help="A checkout.")
@click.option("--after", required=True, type=click.Path(path_type=Path, exists=True), help="Another checkout.")
@click.option("--photos", required=True, type=click.Path(path_type=Path, exists=True), help="Images to build from.")
@click.option("--pairs", default=7, show_default=True, type=click.IntRange(2))
@click.option("--only", multiple=True, help="startup, build, search, search by image, label or load.")
@click.option("--out", default=RESULT, show_default=True, type=click.Path(path_type=Path, dir_okay=False))
def main(before: Path, after: Path, photos: Path, pairs: int, only: tuple[str, ...], out: Path) -> None:
    """Measure both revisions in turns and store the ratios."""
    before, after, photos = before.resolve(), after.resolve(), photos.resolve()
    photo = next(path for path in sorted(photos.rglob("*.*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each run compiles every module anew, as no user's does
    with tempfile.TemporaryDirectory() as folder:
        collections = {checkout: Path(folder) / f"{name}.gelato" for name, checkout in (("b", before), ("a", after))}
        for checkout, path in collections.items():
            command(checkout, "-m", "index", "build", str(photos), "--into", str(path))

        def on_own(verb: str, *words: str) -> Measure:
            return lambda checkout: command(checkout, "-m", "index", verb, str(collections[checkout]), *words)

        measures: dict[str, Measure] = {
            "startup": startup(collections),
            "build": build(photos),
            "search": on_own("search", TEXTS[0], "--json"),
            # An image has no relevance threshold, so that revisions with and without one do the same work.
            "search by image": on_own("search", "--image", str(photo), "--json"),
            "label": on_own("label", "--classes", CLASSES),
            "load": load(collections),
        }
        result = json.loads(out.read_text()) if out.exists() else {}
        for name in only or measures:
            print(name, file=sys.stderr)
            result[name] = {"pairs": pairs, **compare(measures[name], before, after, pairs)}
            result["load average"] = round(os.getloadavg()[0], 1)
            out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
