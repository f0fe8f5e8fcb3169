"""Which rows lie nearest to a vector: FAISS over the stored vectors, recall measured and not hoped for."""

import json
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.segment import Vectors
from training.models.atomic import write_file

FAISS_FILE, FACTS_FILE = "search.faiss", "search.json"
PROBES = 100  # stored vectors that recall is measured with


@dataclass(frozen=True)
class Nearest:
    """A search structure and what is known about it.

    Exact search over the float16 rows: half the memory of float32, and faster, since memory is what
    it waits for.
    """

    index: faiss.Index
    facts: dict[str, Any]

    def __call__(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The k best rows for query [dim]: cosines and row numbers, best first; fewer if there are fewer."""
        scores, rows = self.index.search(np.asarray(query, np.float32)[None], min(k, self.index.ntotal))
        return scores[0], rows[0]


def load_nearest(collection: Collection) -> Nearest:
    """The structure stored beside the collection, memory-mapped; made anew if it is missing or stale."""
    try:
        facts = json.loads((collection.path / FACTS_FILE).read_bytes())
        if facts["revision"] == collection.revision:
            index = faiss.read_index(str(collection.path / FAISS_FILE), faiss.IO_FLAG_MMAP)
            if index.ntotal == len(collection) and index.d == collection.dim:
                return Nearest(index, facts)
    except (OSError, ValueError, KeyError, RuntimeError):
        pass
    return make_nearest(collection)


def make_nearest(collection: Collection) -> Nearest:
    """A structure for the collection as it is, with its recall measured."""
    index = faiss.IndexScalarQuantizer(collection.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    vectors = collection.vectors
    for start in range(0, len(vectors), 100_000):
        index.add(np.ascontiguousarray(vectors[start : start + 100_000], np.float32))
    facts = {
        "kind": "flat",
        "revision": collection.revision,
        "images": len(vectors),
        "recall_at_10": _recall_at_10(index, vectors),
    }
    return Nearest(index, facts)


def save_nearest(collection: Collection) -> None:
    """Make the structure and keep it; the facts come last, since they vouch for the file."""
    nearest = make_nearest(collection)
    write_file(collection.path / FAISS_FILE, faiss.serialize_index(nearest.index).tobytes())
    write_file(collection.path / FACTS_FILE, json.dumps(nearest.facts, indent=1).encode())


def _recall_at_10(index: faiss.Index, vectors: Vectors) -> float | None:
    """The share of the true ten nearest that a search finds, over stored vectors as queries; ties count as found."""
    if not len(vectors):
        return None
    rows = np.random.default_rng(0).choice(len(vectors), min(PROBES, len(vectors)), replace=False)
    k = min(10, len(vectors))
    queries = vectors[np.sort(rows)].astype(np.float32)
    worst = np.full((len(queries), k), -np.inf, np.float32)  # the true k best scores so far
    for start in range(0, len(vectors), 100_000):
        scores = queries @ vectors[start : start + 100_000].astype(np.float32).T
        worst = -np.sort(-np.concatenate([worst, scores], axis=1), axis=1)[:, :k]
    found, _ = index.search(queries, k)
    return float((found >= worst[:, -1:] - 1e-4).mean())
