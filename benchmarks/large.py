"""Ten million vectors on one machine: making the search structure, searching it, opening it, adding to it.

    python benchmarks/large.py --work DIR [--rows 10000000]

Vectors are drawn by benchmarks/vectors.py and published in segments of 100,000, so that only one of them is in memory;
they take 1 KB of disk each. DIR is kept: a run that was stopped goes on, and figures of steps that are done are read
from large-ROWS.json in it. Queries are words of the same making that the effort was not set by: each points to one of
4,000 overlapping clusters and lies off all images, as embeddings of texts do. Each measurement of a search is a process
of its own. The result goes into results/large.json, a row a size.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.search import Drawn
from benchmarks.vectors import ImageLike
from index.collection import Collection
from index.ingest.throughput import machine
from index.nearest import exact, load_nearest
from index.retrieval.faiss_index import save_nearest
from index.search import rows_where
from index.storage.writer import Writer

RESULT = Path(__file__).parent / "results/large.json"
DIM, SEGMENT, ADDED = 512, 100_000, 10_000
WORDS, IMAGES, FILTERED = 200, 100, 20


def publish(path: Path, start: int, stop: int) -> None:
    """Rows start to stop of the endless list as one segment."""
    drawn = ImageLike(DIM)
    facts = {"source": "drawn", "width": 1, "height": 1, "bytes": 1, "caption": "", "stamp": ""}
    rows = []
    for i in range(start, stop):
        place = {"id": f"{i:016x}", "path": f"{i:016x}", "hash": f"{i:064x}", "modified": pd.Timestamp(0)}
        rows.append(facts | place | {"folder": f"album {i * 7919 % 1000:03d}", "year": 2000 + i % 25})
    with Writer(path, Drawn(drawn)) as writer:
        writer.publish(rows, drawn.rows(start, stop))


def drawn_to(path: Path, rows: int) -> dict[str, float]:
    """The collection, begun or continued."""
    done = len(Collection.open(path)) if path.exists() else 0
    began = time.perf_counter()
    for start in range(done, rows, SEGMENT):
        publish(path, start, min(rows, start + SEGMENT))
        click.echo(f"{min(rows, start + SEGMENT):,} rows", err=True)
    files = sum(file.stat().st_size for file in path.glob("segments/*/vectors.npy"))
    return {"drawn_seconds": round(time.perf_counter() - began), "vector_bytes": files}


def opened(path: Path) -> dict[str, Any]:
    """The collection without a search structure: what opening it, a filter and a look-up take, and one more segment."""
    before, marks = memory(), [time.perf_counter()]
    collection = Collection.open(path)
    marks.append(time.perf_counter())
    collection.record(len(collection) // 2)
    marks.append(time.perf_counter())
    held, rows = memory(), len(collection)
    passed = len(rows_where(collection, "year == 2003"))
    marks.append(time.perf_counter())
    assert collection.row(f"{rows - 1:016x}") == rows - 1
    marks.append(time.perf_counter())
    after = memory()
    publish(path, rows, rows + ADDED)
    marks.append(time.perf_counter())
    with Writer(path) as writer:
        writer.discard([Collection.open(path).manifest.segments[-1][0]])
    names = ("open", "first_row", f"first_filter_passed_by_{passed}", "first_id", f"publish_{ADDED}_more")
    took = {f"{name}_s": round(end - start, 3) for name, start, end in zip(names, marks, marks[1:], strict=False)}
    return took | {"memory_before": before, "memory_opened": held, "memory_after": after, "busy": os.getloadavg()[0]}


def made(path: Path) -> dict[str, Any]:
    """The structure, by the call that ends a build."""
    began, busy = time.perf_counter(), time.process_time()
    facts = save_nearest(Collection.open(path), Drawn(ImageLike(DIM)))
    return {
        **{name: fact for name, fact in facts.items() if name not in ("revision", "segments")},
        "build_seconds": round(time.perf_counter() - began),
        "build_cpu_seconds": round(time.process_time() - busy),
        "build_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def queries() -> dict[str, NDArray[np.float32]]:
    drawn = ImageLike(DIM)
    return {"words": drawn.words(2 * WORDS)[1::2], "images": drawn.images(IMAGES)}


def truth(path: Path, to: Path) -> dict[str, Any]:
    """The ten nearest to each query by an exhaustive search, stored in a file; and of words under filters."""
    if not to.exists():
        collection, asked = Collection.open(path), queries()
        every = exact(collection, np.concatenate(list(asked.values())), 10)
        found = {"all": np.array([rows for _, rows in every])}
        for share in (0.001, 0.01, 0.1, 0.5):
            some = exact(collection, asked["words"][:FILTERED], 10, passing(len(collection), share))
            found[str(share)] = np.array([rows for _, rows in some])
        np.savez(to, **found)  # type: ignore[arg-type]
    return {"truth": to.name}


def passing(rows: int, share: float) -> NDArray[np.intp]:
    """The rows that pass a filter of a share of them, spread over all."""
    return np.sort(np.random.default_rng(5).permutation(rows)[: int(share * rows)])


def memory() -> dict[str, int]:
    """Megabytes of this process that are resident: its own, and those of files that it has mapped."""
    text = Path("/proc/self/status").read_text()
    held = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if line.startswith("Rss")}
    return {"own_mb": held["RssAnon"] // 1024, "mapped_mb": held["RssFile"] // 1024}


def searched(path: Path, true: Path) -> dict[str, Any]:
    """Opening and searching, in a process that has opened nothing before."""
    before = memory()
    began = time.perf_counter()
    collection = Collection.open(path)
    opened = time.perf_counter() - began
    nearest = load_nearest(collection)
    loaded = time.perf_counter() - began - opened
    known, result = np.load(true), dict[str, Any]()
    first = 0
    for name, asked in queries().items():
        right = known["all"][first : first + len(asked)]
        first += len(asked)
        result[name] = _timed([lambda query=query: nearest(query, 10) for query in asked], right)
    result["deep"] = _timed([lambda query=query: nearest(query, 1200) for query in queries()["words"][:50]], None)
    after = memory()
    result["filtered"] = {}
    for share in (0.001, 0.01, 0.1, 0.5):
        among = passing(len(collection), share)
        calls = [lambda query=query, among=among: nearest(query, 10, among) for query in queries()["words"][:FILTERED]]
        result["filtered"][str(share)] = _timed(calls, known[str(share)])
    return result | {
        "collection_opened_s": round(opened, 3),
        "structure_opened_s": round(loaded, 3),
        "memory_before": before,
        "memory_after_searches": after,
        "memory_after_filters": memory(),
        "busy": round(os.getloadavg()[0], 1),
    }


def _timed(calls: list[Callable[[], Any]], right: NDArray[np.int64] | None) -> dict[str, Any]:
    """Milliseconds of each call, one after the other, the first one left out; recall where the truth is known."""
    calls[0]()
    took, found = [], []
    cpu = time.process_time()
    for call in calls:
        began = time.perf_counter()
        found.append(call()[1])
        took.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - cpu) / len(calls)
    result = {
        "ms_median": round(statistics.median(took), 2),
        "ms_p95": round(float(np.quantile(took, 0.95)), 2),
        "ms_least": round(min(took), 2),
        "cpu_ms": round(cpu, 2),
        "queries": len(calls),
    }
    if right is not None:
        hits = [len(set(rows.tolist()) & set(of.tolist())) / len(of) for rows, of in zip(found, right, strict=True)]
        result["recall_at_10"] = round(statistics.fmean(hits), 4)
    return result


def added(path: Path, rows: int) -> dict[str, Any]:
    """ADDED more rows: found at once, then in the structure; afterwards they are taken out again."""
    began = time.perf_counter()
    publish(path, rows, rows + ADDED)
    published = time.perf_counter() - began
    collection = Collection.open(path)
    query = np.asarray(collection.vectors[rows + 17], np.float32)
    began = time.perf_counter()
    nearest = load_nearest(collection)
    assert nearest.index is not None and nearest(query, 1)[1].tolist() == [rows + 17]
    at_once = time.perf_counter() - began
    began = time.perf_counter()
    save_nearest(collection)
    saved = time.perf_counter() - began
    nearest = load_nearest(collection)
    assert nearest.places is not None and not len(nearest.places.missing)
    assert nearest(query, 1)[1].tolist() == [rows + 17]
    with Writer(path) as writer:
        writer.discard([collection.manifest.segments[-1][0]])
    gone = Collection.open(path)
    assert (nearest := load_nearest(gone)).index is not None and nearest(query, 10)[1].max() < rows
    return {
        "added": ADDED,
        "publish_seconds": round(published, 2),
        "first_search_of_them_seconds": round(at_once, 2),
        "structure_seconds": round(saved, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


@click.command()
@click.option("--work", required=True, type=click.Path(path_type=Path), help="A folder with 1.2 KB a row free.")
@click.option("--rows", default=10_000_000, show_default=True)
@click.option("--step", help="Run one step in this process and print its figures.")
@click.option("--only", multiple=True, help="These steps; the default is all.")
@click.option("--again", multiple=True, help="A step whose figures are measured again.")
def main(work: Path, rows: int, step: str | None, only: tuple[str, ...], again: tuple[str, ...]) -> None:
    """Measure ROWS drawn vectors, in steps that are each done once."""
    work.mkdir(parents=True, exist_ok=True)
    path, true, figures = work / f"drawn-{rows}.gelato", work / f"truth-{rows}.npz", work / f"large-{rows}.json"
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "draw": lambda: drawn_to(path, rows),
        "open": lambda: opened(path),
        "make": lambda: made(path),
        "truth": lambda: truth(path, true),
        "search": lambda: searched(path, true),
        "add": lambda: added(path, rows),
    }
    if step is not None:
        click.echo(json.dumps(steps[step]()))
        return
    for name in only or steps:
        stored = json.loads(figures.read_text()) if figures.exists() else {}
        if name not in stored or name in again:
            words = [sys.executable, __file__, "--work", str(work), "--rows", str(rows), "--step", name]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
            figures.write_text(json.dumps(stored | {name: json.loads(done.stdout)}, indent=1))
    stored = json.loads(figures.read_text()) | {"machine": machine()}
    every = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    RESULT.write_text(json.dumps(every | {f"{rows:,} x {DIM}": stored}, indent=1) + "\n")
    click.echo(json.dumps(stored, indent=1))


if __name__ == "__main__":
    main()
