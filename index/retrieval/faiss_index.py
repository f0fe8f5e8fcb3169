"""Make what a collection is searched by, its effort set by measuring and not by hoping.

Many vectors are looked through by the directions that tell most of them apart, in eight bits each, in an
inverted file of whose lists a search looks into the nearest few; what is found is ordered again by the
stored vectors. How many directions, and how many lists, is set by the queries that people type. The vectors
of words lie outside the images' distribution, and a structure that finds .998 of what is nearest to
images may find .80 of what is nearest to words at the same effort; so the effort rises until the encoder's
own embeddings of everyday words are answered, RECALL of their ten nearest found.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.nearest import EXACT_ROWS, Nearest, exact, load_nearest, search_in_parallel, search_index
from index.retrieval.places import segment_keys
from index.retrieval.sample_queries import SampleQueries, recall, sampled_rows, text_queries
from index.storage.layout import INDEX_FILE, INDEX_JSON
from training.models.atomic import write_file
from training.models.encoder import Encoder

FLAT_BYTES = 64e6  # searched exhaustively within 4 ms on two cores
RECALL = 0.98  # of the ten nearest, for words and for images
DIRECTIONS = 128  # of a vector that are looked at first, at least
FILTER_SHARE = 0.1  # of the images, that the filter lets through with which filtered recall is measured
TRAIN_BYTES = 256e6  # of vectors that directions and lists are made from
RERANK = {"int8": 10, "pq": 64, "fast": 2}  # candidates for each row wanted, ordered again by the stored vectors
RERANK_LEAST = {"fast": 500}  # candidates besides: four bits leave more of the order to the stored vectors
# From here on codes of eight bits would take over 2.5 GB, so that they have four. Three million drawn images found 0.92
# of their ten nearest by four bits and texts 0.985, so no smaller collection has them.
FAST_ROWS = 20_000_000
ADDED = 20_000  # rows that are added to a structure at a time
GROWTH = 0.5  # share of the rows a structure was made of that may be added to it before it is made anew


def save_nearest(collection: Collection, encoder: Encoder | None = None) -> dict[str, Any]:
    """Make the structure, keep it, and say what it is; nothing is done if one of a kind made today is there already.

    encoder: whose words set the effort.
    """
    stored = load_nearest(collection)
    if stored.index is not None and (stored.facts["kind"] == "flat" or "directions" in stored.facts):
        if stored.places is None or not len(stored.places.missing):
            return stored.facts
        if len(collection) <= (1 + GROWTH) * stored.facts["made_of"]:
            return _store(collection, *_extended(stored))
    return _store(collection, *make_nearest(collection, encoder))


def _extended(stored: Nearest) -> tuple[faiss.Index, dict[str, Any]]:
    """A stored structure with the rows that it lacks, and its facts; effort and recall stay as measured."""
    collection, places, facts = stored.collection, stored.places, stored.facts
    assert places is not None
    held = {tuple(key) for key in facts["segments"]}
    new = [key for key in segment_keys(collection) if tuple(key) not in held]
    index = faiss.read_index(str(collection.home / INDEX_FILE))
    _add(index, collection, places.missing)
    segments = [*facts["segments"], *new]
    return index, facts | {"segments": segments, "revision": collection.content, "images": len(collection)}


def _store(collection: Collection, index: faiss.Index, facts: dict[str, Any]) -> dict[str, Any]:
    (collection.home / INDEX_JSON).unlink(missing_ok=True)
    path = collection.home / INDEX_FILE
    write_file(path, lambda file: faiss.write_index(index, faiss.PyCallbackIOWriter(file.write)))  # type: ignore[attr-defined]
    facts["bytes"] = path.stat().st_size
    write_file(collection.home / INDEX_JSON, json.dumps(facts, indent=1).encode())
    return facts


def _add(index: faiss.Index, collection: Collection, rows: NDArray[np.intp]) -> None:
    for start in range(0, len(rows), ADDED):
        index.add(np.ascontiguousarray(collection.vectors[rows[start : start + ADDED]], np.float32))


def make_nearest(
    collection: Collection,
    encoder: Encoder | None = None,
    memory: float | None = None,
    flat_bytes: float | None = None,
    fast_rows: int | None = None,
) -> tuple[faiss.Index, dict[str, Any]]:
    """A structure for the collection as it is, and its facts: kind, effort, recall for words and for images.

    flat_bytes, fast_rows: FLAT_BYTES and FAST_ROWS if not given.
    """
    rows, dim = len(collection), collection.dim
    facts: dict[str, Any]
    flat = 2.0 * rows * dim <= (FLAT_BYTES if flat_bytes is None else flat_bytes)
    queries = SampleQueries(collection, text_queries(encoder, collection.manifest, compute=not flat) if rows else None)
    if flat:
        index: faiss.Index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        facts = {"kind": "flat"}
    else:
        axes = directions(collection, queries)
        codes = "int8" if rows * len(axes) <= (memory or _memory() / 2) else "pq"
        codes = "fast" if rows >= (FAST_ROWS if fast_rows is None else fast_rows) else codes
        lists = 2 ** int(np.log2(4 * np.sqrt(rows)))
        index = _trained(collection, axes, lists, codes)
        facts = {"kind": f"ivf-{codes}", "directions": len(axes), "lists": lists, "probes": lists}
        facts |= {"rerank": RERANK[codes], "rerank_least": RERANK_LEAST.get(codes, 0)}
        facts |= {"segments": segment_keys(collection), "made_of": rows}
    _add(index, collection, np.arange(rows))
    search_in_parallel(index)
    facts |= {"revision": collection.content, "images": rows}
    if rows:
        facts |= _measured(index, facts, collection, queries)
    return index, facts


def directions(collection: Collection, queries: SampleQueries) -> NDArray[np.float32]:
    """[d, dim], orthonormal: as few leading directions of the vectors as tell apart what is asked for.

    They are eigenvectors of the second moment about zero, which leaves the order of cosines as it is, where
    taking off a mean would not. d doubles until the candidates that a search orders again, picked by these
    directions alone, hold so much of what is truly nearest that the lists may lose as much again.
    """
    moments = np.zeros((collection.dim, collection.dim))
    for chunk in sampled_rows(collection, _most(collection)):
        moments += chunk.T @ chunk
    found = np.linalg.eigh(moments)[1][:, ::-1].T
    strongest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    found = (found * np.sign(strongest)).astype(np.float32)  # a direction and its opposite serve alike
    count = min(DIRECTIONS, collection.dim)
    while count < collection.dim and _lost_by(found[:count], collection, queries) > (1 - RECALL) / 2:
        count = min(2 * count, collection.dim)
    return np.ascontiguousarray(found[:count])


def _lost_by(axes: NDArray[np.float32], collection: Collection, queries: SampleQueries) -> float:
    """The most of what is truly nearest, over kinds of queries, that is no candidate by these directions."""
    seen = np.concatenate([vectors @ axes.T @ axes for vectors in queries.kinds.values()])  # by products with them
    candidates = iter(exact(collection, np.asarray(seen, np.float32), 10 * RERANK["int8"]))
    lost = []
    for nearest in queries.nearest.values():
        found = [np.isin(true, next(candidates)[1]).mean() for _, true in nearest]
        lost.append(1 - float(np.mean(found)))
    return max(lost)


def _trained(collection: Collection, axes: NDArray[np.float32], lists: int, codes: str) -> faiss.IndexPreTransform:
    """An inverted file without rows behind the directions axes [d, dim]."""
    count, dim = axes.shape
    project = faiss.LinearTransform(dim, count, False)
    faiss.copy_array_to_vector(axes.ravel(), project.A)
    project.is_trained = True
    quantizer = faiss.IndexFlatIP(count)
    index: faiss.IndexIVF
    if codes == "fast":
        parts = max(1, count // 2)  # two numbers in four bits
        index = faiss.IndexIVFPQFastScan(quantizer, count, lists, parts, 4, faiss.METRIC_INNER_PRODUCT)
        index.by_residual = False  # one table of products for all lists
    elif codes == "pq":
        parts = next(parts for parts in range(max(1, count // 2), 0, -1) if count % parts == 0)
        index = faiss.IndexIVFPQ(quantizer, count, lists, parts, 8, faiss.METRIC_INNER_PRODUCT)
    else:
        eight_bits = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(quantizer, count, lists, eight_bits, faiss.METRIC_INNER_PRODUCT)
    index.cp.niter, index.cp.spherical, index.cp.min_points_per_centroid = 8, True, 1
    index.cp.max_points_per_centroid = 1 << 30  # the sample is bounded already
    index.train(np.concatenate([chunk @ axes.T for chunk in sampled_rows(collection, _most(collection))]))
    return faiss.IndexPreTransform(project, index)


def _most(collection: Collection) -> int:
    """Rows that directions and lists are made from."""
    return int(TRAIN_BYTES / (4 * collection.dim))


def _measured(
    index: faiss.Index, facts: dict[str, Any], collection: Collection, queries: SampleQueries
) -> dict[str, Any]:
    """The least effort that reaches RECALL, and the recall that it has for images, for words and under a filter."""
    trial = dict(facts)
    recalls: dict[str, Any] = {}
    for probes in efforts(facts):
        trial |= {"probes": probes} if probes else {}
        for name, vectors in queries.kinds.items():
            recalls[name] = recall(search_index(index, trial, collection, vectors, 10), queries.nearest[name])
        if min(recalls.values()) >= RECALL:
            break
    recalls["recall_at_10_filtered"] = _filtered_recall(Nearest(index, trial, collection), queries)
    return {**recalls, **({"probes": trial["probes"]} if "probes" in trial else {})}


def _filtered_recall(nearest: Nearest, queries: SampleQueries) -> float:
    """Of texts, or of images where there are none, under a filter that FILTER_SHARE of the rows pass."""
    rows = len(nearest.collection)
    few = np.sort(np.random.default_rng(2).permutation(rows)[: max(1, int(FILTER_SHARE * rows))])
    if len(few) <= EXACT_ROWS:
        return 1.0  # a search among so few is exhaustive: there is nothing to measure
    vectors = queries.kinds.get("recall_at_10_words", queries.kinds["recall_at_10"])
    return recall([nearest(query, 10, few) for query in vectors], exact(nearest.collection, vectors, 10, few))


def efforts(facts: dict[str, Any]) -> Iterator[int]:
    """Lists to look into, rising by halves: 8, 12, 16, 24, ... all."""
    lists = facts.get("lists", 0)
    probes = 8
    while probes < lists:
        yield probes
        if probes * 3 // 2 < lists:
            yield probes * 3 // 2
        probes *= 2
    yield lists


def _memory() -> float:
    """Bytes of memory of this machine."""
    with suppress(ValueError, OSError, AttributeError):
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return 8e9
