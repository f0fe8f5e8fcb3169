"""Many vectors are searched by lists: recall is measured for words, for images and under filters."""

import json
import shutil

import faiss
import numpy as np
import pandas as pd
import pytest

from index.collection import Collection
from index.nearest import Nearest, exact, load_nearest, search_in_parallel
from index.retrieval.faiss_index import RECALL, make_nearest, save_nearest
from index.storage.writer import Writer
from tests.samples import ColourEncoder
from training.models.encoder import unit
from training.models.zero_shot import everyday_words

DIM = 32


class Reader(ColourEncoder):
    """Reads words as vectors that lie off the images, as CLIP's do."""

    dim = DIM

    def embed_text_batch(self, texts):
        rng = np.random.default_rng(len(texts))
        return unit(rng.normal(size=(len(texts), DIM)) + 2 * np.eye(DIM)[0])


def publish(writer: Writer, vectors: np.ndarray) -> None:
    hashes = [f"{writer.manifest.images + i:016x}" for i in range(len(vectors))]
    facts = {
        "source": "s",
        "width": 1,
        "height": 1,
        "bytes": 1,
        "modified": pd.Timestamp(0),
        "caption": "",
        "stamp": "",
    }
    writer.publish([{"id": h, "path": h, "hash": h * 4} | facts for h in hashes], vectors)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """6,000 vectors in 60 clusters of a cone, in three segments."""
    path = tmp_path_factory.mktemp("nearest") / "c.gelato"
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, DIM))
    vectors = unit(centres[rng.integers(60, size=6000)] + 0.7 * rng.normal(size=(6000, DIM)) - 2 * np.eye(DIM)[0])
    with Writer(path, Reader()) as writer:
        for start in range(0, 6000, 2000):
            publish(writer, vectors[start : start + 2000])
    return Collection.open(path)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Matrices this small take longest where threads wait for each other."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.fixture(scope="module")
def made(collection):
    """An inverted file over all of it, and its facts."""
    return make_nearest(collection, Reader(), flat_bytes=0)


def brute(collection, query, k, among=None):
    """The oracle: every product, sorted."""
    scores = np.asarray(collection.vectors[:], np.float64) @ query
    rows = np.arange(len(scores)) if among is None else among
    return rows[np.argsort(-scores[rows], kind="stable")[:k]]


def test_exhaustive_search_is_a_sorted_product(collection):
    queries = unit(np.random.default_rng(1).normal(size=(5, DIM)))
    among = np.arange(7, 6000, 13)
    for rows_allowed in (None, among):
        for query, (scores, rows) in zip(queries, exact(collection, queries, 20, rows_allowed), strict=True):
            true = np.asarray(collection.vectors[:], np.float64) @ query
            assert np.allclose(scores, true[brute(collection, query, 20, rows_allowed)], atol=1e-5)
            assert np.allclose(scores, true[rows], atol=1e-5) and len(set(rows)) == 20


def test_effort_is_set_by_words_and_the_recall_that_is_written_is_what_a_search_has(collection, made):
    index, facts = made
    assert facts["kind"] == "ivf-int8"
    assert min(facts["recall_at_10"], facts["recall_at_10_words"]) >= RECALL
    _, by_images = make_nearest(collection, None, flat_bytes=0)
    assert by_images["probes"] < facts["probes"] <= facts["lists"], "words take more effort than images"
    found = []
    words = Reader().embed_texts([f"a photo of a {word}" for word in everyday_words()])
    nearest = Nearest(index, facts, collection)
    for query in words:
        found.append(len(set(nearest(query, 10)[1]) & set(brute(collection, query, 10))) / 10)
    assert np.mean(found) == pytest.approx(facts["recall_at_10_words"], abs=0.005)


@pytest.mark.parametrize(
    "memory, kind",
    [(6000 * DIM * 1.5, "ivf-int8"), pytest.param(1000.0, "ivf-pq", marks=pytest.mark.slow)],
)
def test_less_memory_takes_coarser_codes_and_orders_again_by_the_stored_vectors(collection, memory, kind):
    index, facts = make_nearest(collection, Reader(), memory, flat_bytes=0)
    assert facts["kind"] == kind
    assert facts["recall_at_10_words"] >= (RECALL if kind != "ivf-pq" else 0.9)
    query = unit(np.random.default_rng(3).normal(size=DIM))
    scores, rows = Nearest(index, facts, collection)(query, 10)
    assert np.allclose(scores, np.asarray(collection.vectors[rows], np.float32) @ query, atol=1e-3)


def test_as_few_directions_are_looked_at_as_find_what_is_nearest(collection, tmp_path, monkeypatch):
    monkeypatch.setattr("index.retrieval.faiss_index.DIRECTIONS", 4)
    _, of_many = make_nearest(collection, Reader(), flat_bytes=0)
    assert of_many["directions"] > 4, "in these vectors every direction counts"
    assert min(of_many["recall_at_10"], of_many["recall_at_10_words"]) >= RECALL
    rng = np.random.default_rng(5)
    with Writer(tmp_path / "flat.gelato", Reader()) as writer:
        publish(writer, unit(rng.normal(size=(6000, 4)) @ rng.normal(size=(4, DIM))))
    few = Collection.open(tmp_path / "flat.gelato")
    index, of_few = make_nearest(few, Reader(), flat_bytes=0)
    assert of_few["directions"] == 4, "these vary along four only"
    query = unit(rng.normal(size=DIM))
    assert set(Nearest(index, of_few, few)(query, 10)[1]) == set(brute(few, query, 10))


def test_a_structure_that_an_earlier_version_made_is_searched_by_until_the_next_build(collection, tmp_path):
    """Half-precision lists of whole vectors."""
    copied = Collection.open(shutil.copytree(collection.path, tmp_path / "copied.gelato"))
    vectors = np.asarray(collection.vectors[:], np.float32)
    half = faiss.ScalarQuantizer.QT_fp16
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(DIM), DIM, 16, half, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    facts = {"kind": "ivf-fp16", "lists": 16, "probes": 16, "rerank": 0, "revision": copied.revision}
    faiss.write_index(index, str(copied.path / "search.faiss"))
    (copied.path / "search.json").write_text(json.dumps(facts))
    nearest = load_nearest(copied)
    assert nearest.facts["kind"] == "ivf-fp16"
    query, few = unit(np.random.default_rng(6).normal(size=DIM)), np.arange(0, 6000, 3)
    assert set(nearest(query, 10)[1]) == set(brute(collection, query, 10))
    assert set(nearest(query, 10, few)[1]) == set(brute(collection, query, 10, few))
    assert save_nearest(copied)["kind"] == load_nearest(copied).facts["kind"] == "flat"


@pytest.mark.parametrize("share", [0.0005, 0.01, 0.6])
def test_a_filter_never_empties_the_results(collection, made, share, monkeypatch):
    monkeypatch.setattr("index.nearest.EXACT_ROWS", 100)
    index, facts = made
    rng = np.random.default_rng(4)
    among = np.sort(rng.permutation(6000)[: max(1, int(share * 6000))])
    nearest = Nearest(index, {**facts, "probes": 1}, collection)
    found = []
    for query in unit(rng.normal(size=(20, DIM))):
        _, rows = nearest(query, 10, among)
        assert len(rows) == min(10, len(among)) and np.isin(rows, among).all()
        found.append(np.isin(rows, brute(collection, query, 10, among)).mean())
    assert share > 0.1 or np.mean(found) > 0.3


def test_what_is_kept_is_opened_as_it_is_and_made_once(collection):
    facts = save_nearest(collection, Reader())
    stored = load_nearest(collection)
    assert stored.index is not None and stored.facts == facts == json.loads(
        (collection.path / "search.json").read_text()
    )
    assert facts["bytes"] == (collection.path / "search.faiss").stat().st_size
    before = (collection.path / "search.faiss").stat().st_mtime_ns
    assert save_nearest(collection, Reader()) == facts
    assert (collection.path / "search.faiss").stat().st_mtime_ns == before


def test_mapped_lists_start_no_threads_of_their_own(made, tmp_path):
    faiss.write_index(made[0], str(tmp_path / "lists.faiss"))
    mapped = faiss.read_index(str(tmp_path / "lists.faiss"), faiss.IO_FLAG_MMAP)
    search_in_parallel(mapped)
    lists = faiss.downcast_InvertedLists(faiss.try_extract_index_ivf(mapped).invlists)
    assert isinstance(lists, faiss.OnDiskInvertedLists) and lists.prefetch_nthread == 0


def test_a_structure_of_another_revision_is_not_used(collection, tmp_path):
    copied = shutil.copytree(collection.path, tmp_path / "copied.gelato")
    old = Collection.open(copied)
    save_nearest(old)
    with Writer(copied, Reader()) as writer:
        publish(writer, unit(np.ones((1, DIM))))
    new = Collection.open(copied)
    assert load_nearest(new).index is None, "stale"
    _, rows = load_nearest(new)(unit(np.ones(DIM)), 1)
    assert rows.tolist() == [6000], "and yet the newest is found"
    save_nearest(new)
    assert load_nearest(old).index is None, "nor is a newer one used by who has the older collection open"
    assert load_nearest(new).index is not None


def test_very_many_vectors_are_scanned_in_four_bits_and_ordered_by_the_stored_vectors(collection):
    index, facts = make_nearest(collection, Reader(), flat_bytes=0, fast_rows=0)
    assert facts["kind"] == "ivf-fast"
    assert min(facts["recall_at_10"], facts["recall_at_10_words"]) >= RECALL
    nearest, among = Nearest(index, facts, collection), np.arange(0, 6000, 2)
    assert_finds(nearest, collection, word_queries(np.random.default_rng(8), 20), among)


@pytest.mark.parametrize("fast", [0, 1 << 40])
def test_a_structure_follows_a_collection_that_changes_without_being_made_anew(collection, tmp_path, monkeypatch, fast):
    """Rows come and go at random; each state is searched before it is stored, also by who has an older one."""
    monkeypatch.setattr("index.retrieval.faiss_index.FLAT_BYTES", 0)
    monkeypatch.setattr("index.retrieval.faiss_index.FAST_ROWS", fast)
    path = shutil.copytree(collection.path, tmp_path / "copied.gelato")
    (path / "search.json").unlink(missing_ok=True)
    rng = np.random.default_rng(9)
    save_nearest(older := Collection.open(path), Reader())
    made_of = json.loads((path / "search.json").read_text())["made_of"]
    for number in range(3):
        with Writer(path, Reader()) as writer:
            ids = older.column("id")
            places = [("s", ids.iat[row]) for row in rng.permutation(len(ids))[:3]] if number % 2 else []
            rows = [row | {"id": f"{number:02d}{i:014x}", "path": f"{number}/{i}"} for i, row in enumerate(ROWS)]
            writer.publish(rows, unit(rng.normal(size=(len(rows), DIM))), dropped=places)
        newer = Collection.open(path)
        among = np.sort(rng.permutation(len(newer))[:3500])
        assert_finds(load_nearest(older), older, word_queries(rng, 5), among[among < len(older)])
        assert_finds(load_nearest(newer), newer, word_queries(rng, 5), among)
        save_nearest(newer, Reader())
        stored = load_nearest(newer)
        assert stored.index is not None and stored.facts["images"] == len(newer)
        older = newer
    assert stored.places is None or not len(stored.places.missing)
    assert made_of == 6000


ROWS = [
    {"source": "s", "width": 1, "height": 1, "bytes": 1, "modified": pd.Timestamp(0), "caption": "", "stamp": ""}
    | {"hash": f"{i:064x}"}
    for i in range(100)
]


def word_queries(rng, count):
    return unit(rng.normal(size=(count, DIM)) + 2 * np.eye(DIM)[0])


def assert_finds(nearest, collection, queries, among):
    """What is found is scored by the vectors of these very rows, and is nearly all of what is nearest."""
    for some in (None, among):
        shares = []
        for query in queries:
            scores, rows = nearest(query, 10, some)
            assert len(set(rows.tolist())) == 10 and (some is None or np.isin(rows, some).all())
            assert np.allclose(scores, np.asarray(collection.vectors[rows], np.float32) @ query, atol=1e-3)
            shares.append(np.isin(rows, brute(collection, query, 10, some)).mean())
        assert np.mean(shares) >= 0.9


def test_a_structure_is_made_anew_when_much_was_added_and_not_used_where_much_is_gone(
    collection, tmp_path, monkeypatch
):
    monkeypatch.setattr("index.retrieval.faiss_index.FLAT_BYTES", 0)
    path = shutil.copytree(collection.path, tmp_path / "copied.gelato")
    (path / "search.json").unlink(missing_ok=True)
    save_nearest(Collection.open(path))
    with Writer(path, Reader()) as writer:
        writer.discard(["000002"])
    third = Collection.open(path)
    assert load_nearest(third).index is None, "a third of its places is gone"
    assert save_nearest(third)["made_of"] == 4000
    monkeypatch.setattr("index.retrieval.faiss_index.GROWTH", 0.01)
    with Writer(path, Reader()) as writer:
        publish(writer, unit(np.ones((300, DIM))))
    assert save_nearest(Collection.open(path))["made_of"] == 4300
