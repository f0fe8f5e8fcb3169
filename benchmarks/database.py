"""LanceDB beside FAISS: the same vectors, the same queries, through the same search.

    python benchmarks/database.py --work DIR [--rows 1000000]

DIR is kept, with a collection of drawn vectors (benchmarks/vectors.py) and the database that it is exported to. What is
measured: making each structure, disk, the time and recall of the ten nearest, alone and through `index.search` with a
filter that a twenty-fifth of the rows pass. Each side is a process of its own. The recall is against an exhaustive
search. The result goes into results/database.json.
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
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.large import DIM, SEGMENT, memory, publish, queries
from benchmarks.search import Drawn
from benchmarks.vectors import ImageLike
from index.collection import Collection
from index.database import effort
from index.database.database import Database
from index.database.effort import SCORE, search_vectors
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.ingest.throughput import machine
from index.nearest import exact, load_nearest
from index.query import Term
from index.retrieval.faiss_index import save_nearest
from index.search import SearchRequest, search
from training.models.zero_shot import everyday_words

RESULT = Path(__file__).parent / "results/database.json"
BATCH = 100  # queries of each kind


def timed(calls: list[Callable[[], Any]]) -> tuple[dict[str, float], list[Any]]:
    """Milliseconds of calls made one after the other, the first of them twice, and what they return."""
    calls[0]()
    took, found, busy = [], [], time.process_time()
    for call in calls:
        began = time.perf_counter()
        found.append(call())
        took.append(1000 * (time.perf_counter() - began))
    cpu = 1000 * (time.process_time() - busy) / len(calls)
    figures = {"ms_median": statistics.median(took), "ms_p95": float(np.quantile(took, 0.95)), "cpu_ms": cpu}
    return {name: round(value, 2) for name, value in figures.items()}, found


def asked() -> dict[str, NDArray[np.float32]]:
    return {name: vectors[:BATCH] for name, vectors in queries().items()}


def recall_of(scores: list[Any], true: NDArray[np.float32]) -> float:
    """The share of what was found that is as near as the tenth of the truth."""
    shares = [np.sum(np.asarray(found) >= best[-1] - 1e-5) / 10 for found, best in zip(scores, true, strict=True)]
    return round(float(np.mean(np.minimum(shares, 1))), 4)


def measured(
    opened: Collection | Database, by_vector: Callable[[NDArray[np.float32]], Any], true: dict[str, Any]
) -> dict[str, Any]:
    """The time and recall of both kinds of queries, alone, and through the one search with and without a filter."""
    result: dict[str, Any] = {}
    for name, vectors in asked().items():
        figures, found = timed([lambda query=query: by_vector(query) for query in vectors])
        result[name] = figures | {"recall_at_10": recall_of(found, true[name])}
    for name, filter in (("search", ""), ("search, filtered", "year == 2003")):
        requests = [
            SearchRequest([Term(vector=query)], filter, text_ranking=False, threshold="off", collapse="none", count=10)
            for query in asked()["words"]
        ]
        figures, found = timed([lambda request=request: search(opened, None, request) for request in requests])
        scores = [[hit.score for hit in of.hits] for of in found]
        result[name] = figures | {"recall_at_10": recall_of(scores, true["filtered" if filter else "words"])}
    return result | {"memory": memory(), "busy": round(os.getloadavg()[0], 1)}


def peak() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def bytes_of(*places: Path) -> int:
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*")) if file.is_file()]
    return sum(file.stat().st_size for file in files)


def steps(path: Path, database: Path, true: Path) -> dict[str, Callable[[], dict[str, Any]]]:
    def truth() -> dict[str, Any]:
        collection, every = Collection.open(path), asked()
        few = np.flatnonzero(collection.column("year").to_numpy() == 2003)
        found = {name: np.array([s for s, _ in exact(collection, v, 10)]) for name, v in every.items()}
        found["filtered"] = np.array([s for s, _ in exact(collection, every["words"], 10, few)])
        np.savez(true, **found)  # type: ignore[arg-type]
        return {}

    def make_faiss() -> dict[str, Any]:
        began, busy = time.perf_counter(), time.process_time()
        facts = save_nearest(Collection.open(path), Drawn(ImageLike(DIM)))
        made = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy}
        kept = {name: facts[name] for name in ("kind", "lists", "probes", "recall_at_10_words")}
        disk = {"structure_bytes": bytes_of(path / "search.faiss"), "rows_bytes": bytes_of(path / "segments")}
        return {name: round(value, 1) for name, value in made.items()} | kept | disk | {"peak_mb": peak()}

    def make_lancedb() -> dict[str, Any]:
        effort.text_queries = lambda *_, **__: Drawn(ImageLike(DIM)).embed_texts(everyday_words())  # as FAISS has them
        began, busy = time.perf_counter(), time.process_time()
        export(Selection.of(Collection.open(path)), ExportRequest("lancedb", database))
        made = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy}
        facts = Database.open(database).facts["search"]
        structure = bytes_of(*database.glob("images.lance/_indices"))
        disk = {"structure_bytes": structure, "rows_bytes": bytes_of(database) - structure}
        return {name: round(value, 1) for name, value in made.items()} | facts | disk | {"peak_mb": peak()}

    def search_faiss() -> dict[str, Any]:
        collection = Collection.open(path)
        nearest = load_nearest(collection)
        return measured(collection, lambda query: nearest(query, 10)[0], dict(np.load(true)))

    def search_lancedb() -> dict[str, Any]:
        opened = Database.open(database)

        def nearest(query: NDArray[np.float32]) -> Any:
            return search_vectors(opened.table, opened.facts["search"], query, 10, "", [])[SCORE].to_numpy()

        return measured(opened, nearest, dict(np.load(true)))

    return {
        "truth": truth,
        "faiss made": make_faiss,
        "lancedb made": make_lancedb,
        "faiss": search_faiss,
        "lancedb": search_lancedb,
    }


@click.command()
@click.option("--work", required=True, type=click.Path(path_type=Path), help="A folder with 5 KB a row free.")
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--step", help="Run one step in this process and print its figures.")
def main(work: Path, rows: int, step: str | None) -> None:
    """Measure ROWS drawn vectors on both sides."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / f"drawn-{rows}.gelato"
    every = steps(path, work / f"drawn-{rows}.lancedb", work / f"scores-{rows}.npz")
    if step is not None:
        click.echo(json.dumps(every[step]()))
        return
    for start in range(len(Collection.open(path)) if path.exists() else 0, rows, SEGMENT):
        publish(path, start, min(rows, start + SEGMENT))
    for file in ("search.faiss", "search.json"):
        (path / file).unlink(missing_ok=True)
    result: dict[str, Any] = {}
    for name in every:
        words = [sys.executable, __file__, "--work", str(work), "--rows", str(rows), "--step", name]
        result[name] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)
        click.echo(f"{name}: {json.dumps(result[name])}", err=True)
    del result["truth"]
    stored = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    stored[f"{rows:,} x {DIM}"] = result | {"machine": machine()}
    RESULT.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
