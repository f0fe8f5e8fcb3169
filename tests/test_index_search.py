"""What is asked for comes first; filters compare and do nothing else."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from index.nearest import load_nearest
from index.query import Term, embed_query, parse_query, with_file_names
from index.retrieval import relevance
from index.retrieval.facets import FacetFilter
from index.retrieval.filters import matching_rows
from index.retrieval.request import threshold_setting
from index.search import SearchRequest, search
from index.storage.tags import tag
from tests.samples import PALETTE, QUERIES, find
from training.models.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def collection(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "squares.gelato", encoder)
    return Collection.open(tmp_path / "squares.gelato")


def names(hits):
    return [hit.path.rpartition("/")[2].partition(".")[0] for hit in hits]


def test_images_come_in_the_order_of_their_cosine(collection, encoder):
    hits = find(collection, encoder, "red", k=2)
    assert names(hits) == ["red", "orange"]
    assert [hit.rank for hit in hits] == [1, 2]
    expected = encoder.embed_texts(["red"])[0] @ encoder.embed_images([Image.new("RGB", (8, 8), PALETTE["orange"])])[0]
    assert hits[1].score == pytest.approx(expected, abs=2e-3)


def test_what_is_not_wanted_goes_last(collection, encoder):
    assert names(find(collection, encoder, "red - orange", k=5))[-1] != "red"
    assert names(find(collection, encoder, "orange - green"))[0] == "red"


def test_a_image_can_be_asked_with_and_so_can_one_of_the_collection(collection, encoder):
    blue = Image.new("RGB", (50, 50), PALETTE["blue"])
    [hit] = find(collection, encoder, [Term(image=blue)], k=1)
    assert names([hit]) == ["blue"]
    assert hit.score == pytest.approx(1, abs=1e-3)
    assert names(find(collection, encoder, [Term(image_id=hit.id)], k=1)) == ["blue"]


def test_later_pages_go_on_where_the_first_ended(collection, encoder):
    everything = find(collection, encoder, "green", k=5)
    assert find(collection, encoder, "green", k=2) + find(collection, encoder, "green", k=3, offset=2) == everything


def test_more_than_there_is_gives_what_there_is(collection, encoder):
    assert len(find(collection, encoder, "red", k=100)) == 5


def test_a_filter_narrows_before_ranking(collection, encoder):
    assert names(find(collection, encoder, "red", k=1, filter='folder == "cold"')) == ["grey"]
    hits = find(collection, encoder, "red", k=5, filter='folder == "cold" and width >= 40')
    assert sorted(names(hits)) == ["blue", "green", "grey"]


@pytest.mark.parametrize(("text", "terms"), QUERIES)
def test_a_query_reads_as_people_write_it(text, terms):
    assert [(t.sign, t.weight, t.text) for t in parse_query(text)] == terms


def test_a_query_that_cancels_out_says_so(collection, encoder):
    with pytest.raises(UserError, match="cancel out"):
        find(collection, encoder, "red - red")


def test_an_empty_query_has_no_embedding(collection, encoder):
    with pytest.raises(UserError, match="nothing to search for"):
        embed_query([], collection, encoder)


def test_without_a_query_the_images_are_listed_unscored(collection):
    hits = find(collection, None, "")
    assert [hit.row for hit in hits] == [0, 1, 2, 3, 4]
    assert {(hit.score, hit.normalised_score, hit.likely) for hit in hits} == {(None, None, None)}
    assert names(find(collection, None, "", order="name"))[0] == "blue"


def test_a_file_name_stands_for_that_image(collection, encoder):
    assert find(collection, encoder, "BLUE.gif", k=1)[0].score == pytest.approx(1, abs=1e-3)
    path = Term(text="../blue.gif")  # a text like any other
    assert with_file_names([path], collection) == [path]


def test_a_filter_an_order_a_tag_and_facets_narrow_one_search(collection, encoder):
    ids = {name: hit.id for hit in find(collection, None, "") for name in names([hit])}
    tag(collection, [ids["blue"], ids["green"]], "sea")
    assert names(find(collection, encoder, "green", tags=["sea"])) == ["green", "blue"]
    assert find(collection, encoder, "green", tags=["sea"])[0].tags == ("sea",)
    assert find(collection, encoder, "green", tags=["sea", "beach"]) == []
    warm = FacetFilter("folder", values=("warm",))
    assert sorted(names(find(collection, encoder, "green", facets=[warm]))) == ["orange", "red"]
    assert names(find(collection, encoder, "green", facets=[warm], filter="width > 1", order="name"))[0] == "orange"
    counted = search(collection, None, SearchRequest(facets=[warm], with_facets=True))
    assert counted.matching == 2 and counted.total == 5
    offered = {facet["column"]: dict(facet["values"]) for facet in counted.facets if facet["kind"] == "values"}
    assert offered["tags"] == {"sea": 0} and offered["folder"]["warm"] == 2
    assert sum(offered["folder"].values()) == 5  # its own filter hides none of its values


def test_likely_images_come_first_are_counted_and_can_be_all(collection, encoder):
    on = search(collection, encoder, SearchRequest(parse_query("red"), threshold=0.1, with_histogram=True))
    scores = [hit.normalised_score for hit in on.hits]
    assert [hit.likely for hit in on.hits] == [score >= 0.1 for score in scores]
    assert 0 < on.likely == sum(score >= 0.1 for score in scores) < 5
    assert on.threshold.shown and on.threshold.best == max(scores) and sum(on.threshold.histogram.counts) == 5
    assert len(find(collection, encoder, "red", threshold=0.1, likely_only=True)) == on.likely
    assert find(collection, encoder, "red", threshold=99.0, likely_only=True) == []
    by_name = find(collection, encoder, "red", threshold=0.1, order="name")
    likely = [hit.path.rpartition("/")[2] for hit in by_name if hit.likely]
    assert likely == sorted(likely) and [hit.likely for hit in by_name] == [hit.likely for hit in on.hits]


@pytest.mark.parametrize(
    ("query", "threshold", "reason", "scored"),
    [("red", "auto", "unmeasured", True), ("red", "off", "off", False), ("red.png", "on", "images", False)],
)
def test_where_no_threshold_is_shown_no_image_is_likely_or_not(collection, encoder, query, threshold, reason, scored):
    result = search(collection, encoder, SearchRequest(parse_query(query), threshold=threshold))
    assert (result.threshold.shown, result.threshold.reason, result.likely) == (False, reason, None)
    assert {hit.likely for hit in result.hits} == {None}
    assert (result.hits[0].normalised_score is not None) == scored
    if reason in ("off", "images"):
        with pytest.raises(UserError, match="no likely images"):
            find(collection, encoder, query, threshold=threshold, likely_only=True)


@pytest.mark.parametrize("text", ["high", "nan", "inf", ""])
def test_a_threshold_is_a_number_or_a_setting(text):
    with pytest.raises(UserError, match="not a number, auto, on or off"):
        threshold_setting(text)
    assert threshold_setting("1.5") == 1.5 and threshold_setting("off") == "off"


def test_a_null_distribution_that_is_not_ready_is_not_waited_for(collection, encoder, monkeypatch):
    ready = threading.Event()
    compute = relevance.null_distribution

    def slow(*args):
        ready.wait(10)
        return compute(*args)

    monkeypatch.setattr(relevance, "null_distribution", slow)
    request = SearchRequest(parse_query("red"), threshold="on")
    result = search(collection, encoder, request, timeout=0.01)
    assert (result.threshold.reason, result.pending) == ("pending", ("threshold",))
    ready.set()
    assert search(collection, encoder, request).threshold.shown


def test_a_filter_compares_columns_as_pandas_does(collection):
    items = collection.items.assign(**{"two words": range(5)})
    assert matching_rows(items, "`two words` in [1, 3]").tolist() == [False, True, False, True, False]
    assert matching_rows(items, "width > 39 and not height > 30").all()
    assert matching_rows(items, "modified > '2020-01-01'").all()


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "path.str.contains('a')",
        "width.__class__ == 1",
        "@collection == 1",
        "width if 1 else 2",
        "[x for x in width] == 1",
        "(lambda: 1)() == 1",
        "width",
        "1 +",
        "unknown == 1",
        "1 < 2",
        "True and True",
        "f'{width}' == 'a'",
        "width == 1; height == 2",
        "not " * 400 + "width",
    ],
)
def test_a_filter_can_do_nothing_but_compare(collection, expression):
    with pytest.raises(UserError):
        matching_rows(collection.items, expression)


def test_the_search_structure_finds_what_an_exact_product_finds(collection, encoder):
    nearest = load_nearest(collection)
    query = encoder.embed_texts(["green"])[0]
    scores, rows = nearest(query, 5)
    exact = collection.vectors.astype(np.float32) @ query
    assert rows.tolist() == np.argsort(-exact).tolist()
    assert np.allclose(scores, np.sort(exact)[::-1], atol=1e-6)
    assert nearest.facts["recall_at_10"] == 1.0


@pytest.mark.parametrize("file", ["search.faiss", "search.json"])
def test_a_missing_or_broken_search_structure_is_made_again(collection, encoder, file):
    (collection.path / file).write_bytes(b"broken")
    assert names(find(Collection.open(collection.path), encoder, "red", k=1)) == ["red"]
    (collection.path / file).unlink()
    assert names(find(Collection.open(collection.path), encoder, "red", k=1)) == ["red"]


def test_a_search_by_words_from_the_command_line_imports_nothing_heavy(squares, tmp_path):
    """torch alone takes longer to import than the whole search."""
    from training.models.encoders import load_encoder

    build_collection([squares], tmp_path / "c.gelato", load_encoder("starter"))
    load_encoder("starter").embed_texts(["exported"])
    script = (
        "import sys; from index.__main__ import cli; "
        f"cli(['search', {str(tmp_path / 'c.gelato')!r}, 'a red square'], standalone_mode=False); "
        "print(sorted({'torch', 'torchvision', 'open_clip', 'gradio', 'timm', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
    assert "red.png" in done.stdout


def test_a_collection_of_format_1_as_it_was_first_written_opens_and_keeps_its_tags(tmp_path, encoder):
    """Written here by hand, as the first version wrote it: without checksums and the last segment's number."""
    path = tmp_path / "old.gelato"
    segment = path / "segments" / "000001"
    segment.mkdir(parents=True)
    names = list(PALETTE)
    ids = [f"{i:016x}" for i in range(len(names))]
    vectors = encoder.embed_images([Image.new("RGB", (8, 8), PALETTE[name]) for name in names])
    np.save(segment / "vectors.npy", vectors.astype(np.float16))
    facts = {"source": "here", "width": 8, "height": 8, "bytes": 1, "modified": pd.Timestamp(0), "caption": ""}
    rows = [
        {"id": id, "path": f"{name}.png", "hash": id, **facts, "stamp": ""} for id, name in zip(ids, names, strict=True)
    ]
    pd.DataFrame(rows).to_parquet(segment / "items.parquet", index=False)
    manifest = {
        "encoder": "colour",
        "fingerprint": encoder.fingerprint,
        "dim": 3,
        "runtime": "torch",
        "precision": "f32",
    }
    manifest |= {"format": 1, "revision": 1, "failed": 0, "images": 5, "segments": [{"name": "000001", "images": 5}]}
    (path / "manifest.json").write_text(json.dumps(manifest))
    (path / "tags.json").write_text(json.dumps({ids[0]: ["print"]}))
    hits = find(Collection.open(path), encoder, "red", k=2)
    assert [hit.path for hit in hits] == ["red.png", "orange.png"] and hits[0].tags == ("print",)
    assert hits[0].score == pytest.approx(1, abs=1e-3)
