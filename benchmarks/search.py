"""How fast is a search, and how much of what is nearest does it find for words?

    python benchmarks/search.py --rows 1000000
    python benchmarks/search.py --collection DIR

Vectors are drawn by benchmarks/vectors.py, or are those of a collection that is there. What is asked with
is not what the effort was set by: other words of the same making, and for a collection every second
everyday word. The result is printed and kept beside this script as search.json, a row a subject.
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import faiss
import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.vectors import ImageLike
from index.collection import Collection
from index.ingest.throughput import machine, peak_memory_mb
from index.nearest import Nearest, exact, load_nearest
from index.retrieval.faiss_index import make_nearest, save_nearest
from index.storage.writer import Writer
from training.models.encoder import Encoder, Vectors, unit

RESULT = Path(__file__).parent / "results/search.json"
SEGMENT = 50_000


class Drawn(Encoder):
    """Stands for the encoder of drawn vectors: what it reads are the drawn words."""

    name, image_size, logit_scale, runtime, precision, fingerprint = "drawn", 8, 100.0, "torch", "f32", "0" * 16

    def __init__(self, drawn: ImageLike):
        self.drawn, self.dim = drawn, drawn.dim

    def embed_pixels(self, pixels: Any) -> Vectors:
        raise ValueError("it sees nothing")

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        raise ValueError("it reads whole lists")

    def embed_texts(self, texts: Any) -> Vectors:
        return self.drawn.words(2 * len(texts))[::2]


def drawn_collection(path: Path, rows: int, dim: int) -> Collection:
    """A collection of drawn vectors, without images."""
    drawn = ImageLike(dim)
    with Writer(path, Drawn(drawn)) as writer:
        for start in range(0, rows, SEGMENT):
            stop = min(rows, start + SEGMENT)
            hashes = [f"{i:016x}" for i in range(start, stop)]
            facts = {"source": "drawn", "width": 1, "height": 1, "bytes": 1, "caption": "", "stamp": ""}
            facts |= {"modified": pd.Timestamp(0)}
            writer.publish([facts | {"id": h, "path": h, "hash": h * 4} for h in hashes], drawn.rows(start, stop))
    return Collection.open(path)


def measured(collection: Collection, nearest: Nearest, queries: dict[str, NDArray], k: int = 10) -> dict[str, Any]:
    """Recall at k and milliseconds a query, one after the other as people ask."""
    result: dict[str, Any] = {}
    for name, asked in queries.items():
        truth = exact(collection, asked, k)
        nearest(asked[0], k)
        found, took = [], []
        for query in asked:
            begun = time.perf_counter()
            found.append(nearest(query, k))
            took.append(1000 * (time.perf_counter() - begun))
        hits = [len(set(f[1].tolist()) & set(t[1].tolist())) / len(t[1]) for f, t in zip(found, truth, strict=True)]
        result[name] = {
            "recall_at_10": round(statistics.fmean(hits), 4),
            "ms_median": round(statistics.median(took), 3),
            "ms_p95": round(float(np.quantile(took, 0.95)), 3),
            "queries": len(asked),
        }
    return result


def under_filters(collection: Collection, nearest: Nearest, asked: NDArray) -> dict[str, Any]:
    """Recall and milliseconds where only a share of the images passes a filter; none may come back empty."""
    result = {}
    for share in (0.0001, 0.01, 0.1, 0.5):
        rng = np.random.default_rng(5)
        rows = np.sort(rng.permutation(len(collection))[: max(10, int(share * len(collection)))])
        truth = exact(collection, asked, 10, rows)
        begun = time.perf_counter()
        found = [nearest(query, 10, rows) for query in asked]
        took = 1000 * (time.perf_counter() - begun) / len(asked)
        hits = [len(set(f[1].tolist()) & set(t[1].tolist())) / len(t[1]) for f, t in zip(found, truth, strict=True)]
        result[str(share)] = {"recall_at_10": round(statistics.fmean(hits), 4), "ms_mean": round(took, 2)}
        result[str(share)]["fewest"] = min(len(f[1]) for f in found)
    return result


@click.command()
@click.option("--rows", default=1_000_000, show_default=True, help="Vectors that are drawn.")
@click.option("--dim", default=512, show_default=True)
@click.option("--collection", type=click.Path(exists=True, path_type=Path), help="Measure this one instead.")
def main(rows: int, dim: int, collection: Path | None) -> None:
    """Measure search over ROWS drawn vectors, or over COLLECTION."""
    with tempfile.TemporaryDirectory() as folder:
        if collection is None:
            name, opened = f"drawn, {rows:,} x {dim}", drawn_collection(Path(folder, "drawn.gelato"), rows, dim)
            encoder: Encoder = Drawn(ImageLike(dim))
            words = ImageLike(dim).words(732)[1::2]
            images = ImageLike(dim).images(200)
        else:
            from training.models.encoders import load_encoder
            from training.models.text_cache import embed_texts_cached
            from training.models.zero_shot import everyday_words

            copied = shutil.copytree(collection, Path(folder, "copied.gelato"), ignore=shutil.ignore_patterns("thumb*"))
            opened = Collection.open(copied)
            name = f"{opened.encoder_name}, {len(opened):,} images x {opened.dim}"
            encoder = load_encoder(opened.encoder_name)
            words = embed_texts_cached(encoder, [f"{word} outdoors" for word in everyday_words()])
            images = unit(np.asarray(opened.vectors[np.arange(0, len(opened), max(1, len(opened) // 200))]))
        for file in ("search.faiss", "search.json"):
            (opened.path / file).unlink(missing_ok=True)
        begun = time.perf_counter()
        facts = save_nearest(opened, encoder)
        built = time.perf_counter() - begun
        begun = time.perf_counter()
        again = Collection.open(opened.path)
        nearest = load_nearest(again)
        openable = time.perf_counter() - begun
        begun = time.perf_counter()
        nearest(words[0], 10)
        first = time.perf_counter() - begun
        row = {
            **{k: v for k, v in facts.items() if k != "revision"},
            "built_s": round(built, 1),
            "opened_s": round(openable, 3),
            "first_query_s": round(first, 3),
            "asked": measured(again, nearest, {"words": words, "images": images}),
            "filtered": under_filters(again, nearest, words[:50]),
            "exhaustive_ms": round(_exhaustive(again, words[:20]), 1),
            "peak_memory_mb": peak_memory_mb(),
            "machine": machine(),
        }
    stored = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    stored[name] = row
    RESULT.write_text(json.dumps(stored, indent=1) + "\n")
    click.echo(json.dumps({name: row}, indent=1))


def _exhaustive(collection: Collection, asked: NDArray) -> float:
    """Milliseconds a query of FAISS' exhaustive search over the same float16 vectors."""
    index, _ = make_nearest(collection, flat_bytes=float("inf"))
    begun = time.perf_counter()
    for query in asked:
        index.search(query[None], 10, params=faiss.SearchParameters())
    return 1000 * (time.perf_counter() - begun) / len(asked)


if __name__ == "__main__":
    main()
