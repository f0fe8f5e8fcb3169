"""The structure that the database searches by, and its effort: measured with the queries that FAISS is set by."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from index.collection import Collection
from index.database.tables import VECTOR
from index.retrieval.faiss_index import RECALL, efforts
from index.retrieval.sample_queries import Neighbours, SampleQueries, recall, text_queries
from training.models.encoder import Vectors

EXACT = 50_000  # vectors are searched exhaustively up to here, as by FAISS
KIND = "IVF_RQ"  # a bit a number; IVF_PQ, which LanceDB makes by default, took 592 s of CPU for 100,000 vectors, this 8
REFINE = 20  # candidates for each row wanted, ordered again by the stored vectors
ITERATIONS, SAMPLES = 8, 64  # of k-means, as for FAISS, and vectors a list that it sees
UNINDEXED = 0.1  # of the rows, that may wait outside the structure: they are searched exhaustively

ROW, SCORE = "_rowid", "_score"


def index_vectors(table: Any, collection: Collection) -> dict[str, Any]:
    """Make the structure, or add what is new to the one that is there, and say how it is searched."""
    rows = table.count_rows()
    if rows <= EXACT:
        return {"kind": "flat"}
    indexed = next((table.index_stats(one.name) for one in table.list_indices() if one.columns == [VECTOR]), None)
    if indexed is None or indexed.num_unindexed_rows > UNINDEXED * rows:
        lists = 2 ** int(np.log2(np.sqrt(rows)))
        from lancedb.index import IvfRq  # there, since the table is

        config = IvfRq("cosine", num_partitions=lists, max_iterations=ITERATIONS, sample_rate=SAMPLES)
        table.create_index(VECTOR, config=config)
    else:
        table.optimize()
        lists = 2 ** int(np.log2(np.sqrt(indexed.num_indexed_rows)))
    return _measured(table, collection, {"kind": KIND, "lists": lists, "refine": REFINE})


def _measured(table: Any, collection: Collection, facts: dict[str, Any]) -> dict[str, Any]:
    """facts with the least effort that reaches RECALL, and the recall that it has."""
    queries = SampleQueries(collection, text_queries(None, collection.manifest, compute=False))
    recalls: dict[str, float] = {}
    trial = dict(facts)
    for probes in efforts(facts):
        trial["probes"] = probes
        for name, vectors in queries.kinds.items():
            recalls[name] = recall(found_by(table, trial, vectors, 10), queries.nearest[name])
        if min(recalls.values()) >= RECALL:
            break
    return trial | recalls


def found_by(table: Any, facts: dict[str, Any], queries: Vectors, k: int) -> Neighbours:
    """Scores and row ids for each of queries [Q, dim]."""
    found = []
    for query in queries:
        rows = search_vectors(table, facts, query, k, "", []).to_pydict()
        found.append((np.array(rows[SCORE], np.float32), np.array(rows[ROW], np.int64)))
    return found


def search_vectors(
    table: Any,
    facts: dict[str, Any],
    query: NDArray[np.float32],
    k: int,
    where: str,
    columns: list[str],
    few: bool = False,
) -> pa.Table:
    """The k best rows that meet a condition, best first, with ROW and SCORE, the cosine by the stored vectors.

    few: so few rows pass that all of them are looked at.
    """
    search = table.search(query, vector_column_name=VECTOR).distance_type("cosine").limit(k)
    if where:
        search = search.where(where, prefilter=True)
    if few or "probes" not in facts:
        search = search.bypass_vector_index()
    else:
        # Under a filter more lists are looked into where the nearest ones hold too few rows that pass.
        most = facts["lists"] if where else facts["probes"]
        search = search.minimum_nprobes(facts["probes"]).maximum_nprobes(most).refine_factor(facts["refine"])
    rows = search.select([*columns, VECTOR]).with_row_id(True).to_arrow()
    vectors = rows[VECTOR].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(len(rows), len(query))
    scores = vectors.astype(np.float32) @ query
    order = np.argsort(-scores, kind="stable")
    return rows.drop_columns([VECTOR]).append_column(SCORE, pa.array(scores)).take(pa.array(order))
