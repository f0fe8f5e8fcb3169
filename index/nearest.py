"""Which rows lie nearest to a vector: FAISS over the stored vectors, recall measured and not hoped for.

Few vectors are searched exhaustively, many in an inverted file, of whose lists a search looks into the
nearest few. How many is set by the queries that people type. The vectors of words lie outside the
pictures' distribution, and a structure that finds .998 of what is nearest to pictures may find .80 of
what is nearest to words at the same effort; so the effort rises until the encoder's own embeddings of
everyday words are answered, RECALL of their ten nearest found.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.collection import Collection, Manifest
from training.models.atomic import write_file
from training.models.encoder import Encoder, Vectors, unit
from training.models.texts import known_texts, remembered_texts
from training.models.zero_shot import everyday_words

FAISS_FILE, FACTS_FILE = "search.faiss", "search.json"
FLAT_BYTES = 64e6  # searched exhaustively within 4 ms on two cores
RECALL = 0.98  # of the ten nearest, for words and for pictures
PICTURE_QUERIES = 200
FILTER_SHARE = 0.1  # of the pictures, that the filter lets through with which filtered recall is measured
EXACT_ROWS = 50_000  # what passes a filter is searched exhaustively up to here, so that no filter empties the results
TRAIN_BYTES = 256e6  # of vectors that the lists are made from
CHUNK = 20_000  # rows at a time: bounds the memory at any size
RERANK = {"fp16": 0, "int8": 8, "pq": 64}  # candidates for each row wanted, ordered again by the stored vectors


@dataclass(frozen=True)
class Nearest:
    """A search structure and what is known about it. index: None where every stored row is looked at instead."""

    index: faiss.Index | None
    facts: dict[str, Any]
    collection: Collection

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
        [(scores, found)] = search_index(self.index, self.facts, self.collection, query[None], k, among)
        if len(found) < min(k, rows if among is None else len(among)):  # the lists looked into hold too few
            return exact(self.collection, query[None], k, among)[0]
        return scores, found


def load_nearest(collection: Collection) -> Nearest:
    """The structure stored beside the collection, memory-mapped; exhaustive search where it is missing or stale."""
    try:
        before = (collection.path / FACTS_FILE).read_bytes()
        facts = json.loads(before)
        if facts["revision"] == collection.revision:
            index = faiss.read_index(str(collection.path / FAISS_FILE), faiss.IO_FLAG_MMAP)
            whole = index.ntotal == len(collection) and index.d == collection.dim
            # The facts go before the file is replaced and come after it: unchanged, they are of this file.
            if whole and (collection.path / FACTS_FILE).read_bytes() == before:
                _parallel(index)
                return Nearest(index, facts, collection)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        pass
    return Nearest(None, {"kind": "flat", "images": len(collection), "recall_at_10": 1.0, "stored": False}, collection)


def save_nearest(collection: Collection, encoder: Encoder | None = None, memory: float | None = None) -> dict[str, Any]:
    """Make the structure, keep it, and say what it is; nothing is done if it is there already.

    encoder: whose words set the effort. memory: bytes that it may take, half of the machine's if not given.
    """
    stored = load_nearest(collection)
    if stored.index is not None:
        return stored.facts
    index, facts = make_nearest(collection, encoder, memory)
    (collection.path / FACTS_FILE).unlink(missing_ok=True)
    path = collection.path / FAISS_FILE
    write_file(path, lambda file: faiss.write_index(index, faiss.PyCallbackIOWriter(file.write)))  # type: ignore[attr-defined]
    facts["bytes"] = path.stat().st_size
    write_file(collection.path / FACTS_FILE, json.dumps(facts, indent=1).encode())
    return facts


def make_nearest(
    collection: Collection, encoder: Encoder | None = None, memory: float | None = None, flat_bytes: float = FLAT_BYTES
) -> tuple[faiss.Index, dict[str, Any]]:
    """A structure for the collection as it is, and its facts: kind, effort, recall for words and for pictures."""
    rows, dim = len(collection), collection.dim
    index: faiss.Index
    if 2.0 * rows * dim <= flat_bytes:
        index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        facts: dict[str, Any] = {"kind": "flat"}
    else:
        codes = _codes(rows, dim, memory or _memory() / 2)
        lists = 2 ** int(np.log2(4 * np.sqrt(rows)))
        index = _trained(collection, lists, codes)
        facts = {"kind": f"ivf-{codes}", "lists": lists, "probes": lists, "rerank": RERANK[codes]}
    for chunk in _chunks(collection):
        index.add(chunk)
    _parallel(index)
    facts |= {"revision": collection.revision, "images": rows}
    if rows:
        words = _words(encoder, collection.manifest, compute=facts["kind"] != "flat")
        facts |= _measured(index, facts, collection, words)
    return index, facts


def search_index(
    index: faiss.Index,
    facts: dict[str, Any],
    collection: Collection,
    queries: Vectors,
    k: int,
    among: NDArray[np.intp] | None = None,
) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Scores and rows that the structure finds for each of queries [Q, dim], best first."""
    wanted = min(max(k, facts.get("rerank", 0) * k), index.ntotal)
    settings: dict[str, Any] = {}
    if "probes" in facts:
        share = 1.0 if among is None else len(among) / index.ntotal
        settings["nprobe"] = min(facts["lists"], int(facts["probes"] / max(share, 0.125)))
    if among is not None:
        mask = np.zeros(index.ntotal, bool)
        mask[among] = True
        bits = np.packbits(mask, bitorder="little")
        settings["sel"] = faiss.IDSelectorBitmap(index.ntotal, faiss.swig_ptr(bits))
    kind = faiss.SearchParametersIVF if "probes" in facts else faiss.SearchParameters
    scores, rows = index.search(queries, wanted, params=kind(**settings))
    found = []
    for query, of_query, at in zip(queries, scores, rows, strict=True):
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
        if scores.shape[1] > k:  # sorting all of them would take longer than the product
            some = np.argpartition(scores, scores.shape[1] - k, axis=1)[:, -k:]
            scores, at = np.take_along_axis(scores, some, axis=1), at[some]
        best = np.concatenate([best, scores], axis=1)
        rows = np.concatenate([rows, np.broadcast_to(at, scores.shape)], axis=1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best, rows = np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)
    return list(zip(best, rows, strict=True))


def _codes(rows: int, dim: int, memory: float) -> str:
    """The finest codes that fit into memory bytes."""
    if 2.0 * rows * dim <= memory:
        return "fp16"
    return "int8" if rows * dim <= memory else "pq"


def _trained(collection: Collection, lists: int, codes: str) -> faiss.IndexIVF:
    """An inverted file without rows, its lists made from a sample of them."""
    dim = collection.dim
    quantizer = faiss.IndexFlatIP(dim)
    index: faiss.IndexIVF
    if codes == "pq":
        parts = next(parts for parts in range(max(1, dim // 4), 0, -1) if dim % parts == 0)
        index = faiss.IndexIVFPQ(quantizer, dim, lists, parts, 8, faiss.METRIC_INNER_PRODUCT)
    else:
        kind = faiss.ScalarQuantizer.QT_fp16 if codes == "fp16" else faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(quantizer, dim, lists, kind, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.spherical, index.cp.min_points_per_centroid = 8, True, 1
    index.cp.max_points_per_centroid = 1 << 30  # the sample is bounded already
    index.train(_sample(collection, int(TRAIN_BYTES / (4 * dim))))
    return index


def _sample(collection: Collection, most: int, seed: int = 0) -> Vectors:
    """Up to most rows, spread over the collection: [n, dim]."""
    rows = np.random.default_rng(seed).permutation(len(collection))[:most]
    rows.sort()
    out = np.empty((len(rows), collection.dim), np.float32)
    for start in range(0, len(rows), CHUNK):
        out[start : start + CHUNK] = collection.vectors[rows[start : start + CHUNK]]
    return out


def _measured(
    index: faiss.Index, facts: dict[str, Any], collection: Collection, words: Vectors | None
) -> dict[str, Any]:
    """The least effort that reaches RECALL, and the recall that it has for pictures, for words and under a filter."""
    pictures = unit(_sample(collection, PICTURE_QUERIES, seed=1))
    kinds = {"recall_at_10": pictures} | ({} if words is None else {"recall_at_10_words": words})
    truth = {name: exact(collection, queries, 10) for name, queries in kinds.items()}
    trial = dict(facts)
    recalls: dict[str, Any] = {}
    for probes in _efforts(facts):
        trial |= {"probes": probes} if probes else {}
        for name, queries in kinds.items():
            recalls[name] = _recall(search_index(index, trial, collection, queries, 10), truth[name])
        if min(recalls.values()) >= RECALL:
            break
    few = np.sort(np.random.default_rng(2).permutation(len(collection))[: max(1, int(FILTER_SHARE * len(collection)))])
    queries = pictures if words is None else words
    nearest = Nearest(index, trial, collection)
    under = [nearest(query, 10, few) for query in queries]
    recalls["recall_at_10_filtered"] = _recall(under, exact(collection, queries, 10, few))
    return {**recalls, **({"probes": trial["probes"]} if "probes" in trial else {})}


def _efforts(facts: dict[str, Any]) -> Iterator[int]:
    """Lists to look into, rising by halves: 8, 12, 16, 24, ... all."""
    lists = facts.get("lists", 0)
    probes = 8
    while probes < lists:
        yield probes
        if probes * 3 // 2 < lists:
            yield probes * 3 // 2
        probes *= 2
    yield lists


def _recall(
    found: list[tuple[NDArray[np.float32], NDArray[np.int64]]],
    truth: list[tuple[NDArray[np.float32], NDArray[np.int64]]],
) -> float:
    """The share of the true nearest that were found; those that are as near as the last of them count too."""
    shares = []
    for (scores, _), (best, _) in zip(found, truth, strict=True):
        shares.append(float((scores >= best[-1] - 1e-4).sum()) / len(best))
    return round(min(1.0, float(np.mean(shares))), 4)


def _words(encoder: Encoder | None, manifest: Manifest, compute: bool) -> Vectors | None:
    """What people may type, as the collection's encoder reads it: [M, dim]; None if that is not known.

    compute: embed them if no process has done so yet; an exhaustive search is not worth it.
    """
    phrases = [f"a photo of a {word}" for word in everyday_words()]
    if compute and encoder is not None and encoder.reads_text:
        return remembered_texts(encoder, phrases)
    return known_texts(manifest, phrases)


def _chunks(collection: Collection) -> Iterator[Vectors]:
    for start in range(0, len(collection), CHUNK):
        yield np.ascontiguousarray(collection.vectors[start : start + CHUNK], np.float32)


def _parallel(index: faiss.Index) -> None:
    """Let one query use every core: it shares out the lists, where FAISS would share out queries."""
    if hasattr(index, "parallel_mode"):
        index.parallel_mode = 1


def _memory() -> float:
    """Bytes of memory of this machine."""
    with suppress(ValueError, OSError, AttributeError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return 8e9
