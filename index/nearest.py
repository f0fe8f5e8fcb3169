"""Which rows lie nearest to a vector: FAISS over the stored vectors, ordered by the stored vectors themselves.

Few vectors are searched exhaustively, many by a structure that structure.py makes and measures. What it is
and how much of what is nearest it finds stands in search.json beside it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.retrieval.places import Places
from index.storage.layout import INDEX_FILE, INDEX_JSON
from training.models import file_names
from training.models.encoder import Vectors

EXACT_ROWS = 2_000  # what passes a filter is searched exhaustively up to here, so that no filter empties the results
# Of the rows wanted, those for which further candidates are ordered again. A page wants 1,200 rows at each search: with
# ten candidates for each, as many of them were right as with 2,280 in all, and a search took twice the time.
RERANKED = 120
UNDER_FILTER = 4  # times the candidates
SHARED_LISTS = 15  # FAISS's number for a fast scan in which the threads share out the lists of one query
CHUNK = 5_000  # rows at a time: bounds the memory at any size
BEHIND = 0.1  # share of the rows that a structure may lack, and of its places that may be gone, before it is stale


@dataclass(frozen=True)
class Nearest:
    """A search structure and what is known about it. index: None where every stored row is looked at instead.

    places: what the structure's numbers stand for, None where they are rows.
    """

    index: faiss.Index | None
    facts: dict[str, Any]
    collection: Collection
    places: Places | None = None

    def __call__(
        self, query: NDArray[np.float32], k: int, among: NDArray[np.intp] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The k best rows for query [dim]: cosines and row numbers, best first; fewer if there are fewer.

        among: only these rows, however few they are.
        """
        query = np.asarray(query, np.float32)
        rows = len(self.collection)
        if among is not None and (self.index is None or len(among) <= max(EXACT_ROWS, k)):
            return exact(self.collection, query[None], k, among)[0]
        if self.index is None:
            return exact(self.collection, query[None], k)[0]
        [(scores, found)] = search_index(self.index, self.facts, self.collection, query[None], k, among, self.places)
        if self.places is not None and len(self.places.missing):
            scores, found = self._with_missing(query, k, among, scores, found)
        if len(found) < min(k, rows if among is None else len(among)):  # the lists looked into hold too few
            return exact(self.collection, query[None], k, among)[0]
        return scores, found

    def _with_missing(
        self,
        query: NDArray[np.float32],
        k: int,
        among: NDArray[np.intp] | None,
        scores: NDArray[np.float32],
        found: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The best of what was found and of the rows that the structure lacks, which are few."""
        assert self.places is not None
        new = self.places.missing if among is None else np.intersect1d(self.places.missing, among)
        [(of_new, rows)] = exact(self.collection, query[None], k, new)
        scores, found = np.concatenate([scores, of_new]), np.concatenate([found, rows])
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order], found[order]


def load_nearest(collection: Collection) -> Nearest:
    """The structure stored beside the collection, memory-mapped; exhaustive search where it is missing or stale."""
    try:
        before = (collection.home / INDEX_JSON).read_bytes()
        facts = json.loads(before)
        places = Places.of(facts["segments"], collection) if "segments" in facts else None
        if facts["revision"] == collection.content if places is None else not is_stale(places, collection):
            index = read_structure(collection.home / INDEX_FILE, facts["kind"])
            whole = index.ntotal == (len(collection) if places is None else len(places))
            # The facts go before the file is replaced and come after it: unchanged, they are of this file.
            if whole and index.d == collection.dim and (collection.home / INDEX_JSON).read_bytes() == before:
                search_in_parallel(index)
                return Nearest(index, facts, collection, places)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        pass
    return Nearest(None, {"kind": "flat", "images": len(collection), "recall_at_10": 1.0, "stored": False}, collection)


def read_structure(file: Path, kind: str) -> faiss.Index:
    """A stored structure, memory-mapped but on Windows, where nothing that is mapped can be replaced. RuntimeError if
    it is broken.
    """
    mapped = faiss.IO_FLAG_MMAP_IFC if kind == "ivf-fast" else faiss.IO_FLAG_MMAP
    return faiss.read_index(str(file), 0 if file_names.WINDOWS else mapped)


def is_stale(places: Places, collection: Collection) -> bool:
    """Whether a structure lacks too many rows, or too many of its places are gone."""
    return len(places.missing) > BEHIND * len(collection) or places.gone > BEHIND * len(places)


def search_index(
    index: faiss.Index,
    facts: dict[str, Any],
    collection: Collection,
    queries: Vectors,
    k: int,
    among: NDArray[np.intp] | None = None,
    places: Places | None = None,
) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Scores and rows that the structure finds for each of queries [Q, dim], best first."""
    # The nearest of few lie farther off and closer together than those of all, so that more are ordered again.
    more = (facts.get("rerank", 1) - 1) * min(k, RERANKED) + facts.get("rerank_least", 0)
    candidates = (k + more) * (1 if among is None else UNDER_FILTER)
    if among is None and places is not None:  # what is gone is dropped only after it was found
        candidates = int(candidates * len(places) / max(1, len(places) - places.gone)) + 1
    wanted = min(max(k, candidates), index.ntotal)
    settings: dict[str, Any] = {}
    if "probes" in facts:
        share = 1.0 if among is None else len(among) / index.ntotal
        settings["nprobe"] = min(facts["lists"], int(facts["probes"] / max(share, 0.125)))
    if among is not None:
        mask = np.zeros(index.ntotal, bool) if places is None else places.mask(among)
        if places is None:
            mask[among] = True
        bits = np.packbits(mask, bitorder="little")
        settings["sel"] = faiss.IDSelectorBitmap(index.ntotal, faiss.swig_ptr(bits))
    params = faiss.SearchParametersIVF(**settings) if "probes" in facts else faiss.SearchParameters(**settings)
    if isinstance(index, faiss.IndexPreTransform):
        params = faiss.SearchParametersPreTransform(index_params=params)  # type: ignore[call-arg]
    scores, rows = index.search(queries, wanted, params=params)
    found = []
    for query, of_query, at in zip(queries, scores, rows, strict=True):
        if places is not None:
            at = np.where(at >= 0, places.rows_at(np.maximum(at, 0)), -1)
        of_query, at = of_query[at >= 0], at[at >= 0]
        if facts.get("rerank"):
            of_query = np.asarray(collection.vectors[at], np.float32) @ query
            order = np.argsort(-of_query, kind="stable")
            of_query, at = of_query[order], at[order]
        found.append((of_query[:k], at[:k]))
    return found


def exact(
    collection: Collection, queries: Vectors, k: int, among: NDArray[np.intp] | None = None
) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Scores and rows of the true k nearest to each of queries [Q, dim], from the stored vectors alone."""
    best = np.zeros((len(queries), 0), np.float32)
    rows = np.zeros((len(queries), 0), np.int64)
    total = len(collection) if among is None else len(among)
    for start in range(0, total, CHUNK):
        at = np.arange(start, min(start + CHUNK, total)) if among is None else among[start : start + CHUNK]
        part = collection.vectors[start : start + CHUNK] if among is None else collection.vectors[at]
        scores = queries @ np.asarray(part, np.float32).T
        if best.shape[1] == k:  # few rows are among the best of any query; to look for them takes a fifth of sorting
            near = (scores > best[:, -1:]).any(axis=0)
            scores, at = scores[:, near], at[near]
        if scores.shape[1] > k:  # sorting all of them would take longer than the product
            some = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, -k:]
            scores, at = np.take_along_axis(scores, some, axis=1), at[some]
        best = np.concatenate([best, scores], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(at, scores.shape)], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best, rows = np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)
    return list(zip(best, rows, strict=True))


def cosines(collection: Collection, queries: Vectors) -> NDArray[np.float32]:
    """[N, K]: of every image with each of queries [K, dim], a segment at a time."""
    return np.concatenate([np.asarray(part, np.float32) @ queries.T for part in collection.parts])


def search_in_parallel(index: faiss.Index) -> None:
    """Let one query use every core, and start no thread but those."""
    lists = faiss.try_extract_index_ivf(index)
    if lists is None:
        return
    lists.parallel_mode = 1  # it shares out the lists, where FAISS would share out queries
    stored = faiss.downcast_InvertedLists(lists.invlists)  # type: ignore[arg-type]
    fast = faiss.downcast_index(lists)
    if isinstance(fast, faiss.IndexIVFFastScan):
        fast.implem = SHARED_LISTS
    if isinstance(stored, faiss.OnDiskInvertedLists):  # mapped: 32 new threads a query read ahead, for 3 ms of 4
        stored.prefetch_nthread = 0
