"""What is asked for comes first; filters compare and do nothing else."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from index.nearest import load_nearest
from index.query import Term, format_query, parse_query
from index.retrieval.filters import matching_rows
from index.search import search
from tests.samples import PALETTE
from training.models.errors import UserError

ROOT = Path(__file__).parent.parent


@pytest.fixture
def collection(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "squares.gelato", encoder)
    return Collection.open(tmp_path / "squares.gelato")


def names(hits):
    return [hit.path.rpartition("/")[2].partition(".")[0] for hit in hits]


def test_images_come_in_the_order_of_their_cosine(collection, encoder):
    hits = search(collection, encoder, "red", k=2)
    assert names(hits) == ["red", "orange"]
    assert [hit.rank for hit in hits] == [1, 2]
    expected = encoder.embed_texts(["red"])[0] @ encoder.embed_images([Image.new("RGB", (8, 8), PALETTE["orange"])])[0]
    assert hits[1].score == pytest.approx(expected, abs=2e-3)


def test_what_is_not_wanted_goes_last(collection, encoder):
    assert names(search(collection, encoder, "red - orange", k=5))[-1] != "red"
    assert names(search(collection, encoder, "orange - green"))[0] == "red"


def test_a_image_can_be_asked_with_and_so_can_one_of_the_collection(collection, encoder):
    blue = Image.new("RGB", (50, 50), PALETTE["blue"])
    [hit] = search(collection, encoder, [Term(image=blue)], k=1)
    assert names([hit]) == ["blue"]
    assert hit.score == pytest.approx(1, abs=1e-3)
    assert names(search(collection, encoder, [Term(like=hit.id)], k=1)) == ["blue"]


def test_later_pages_go_on_where_the_first_ended(collection, encoder):
    everything = search(collection, encoder, "green", k=5)
    assert search(collection, encoder, "green", k=2) + search(collection, encoder, "green", k=3, offset=2) == everything


def test_more_than_there_is_gives_what_there_is(collection, encoder):
    assert len(search(collection, encoder, "red", k=100)) == 5


def test_a_filter_narrows_before_ranking(collection, encoder):
    assert names(search(collection, encoder, "red", k=1, where='folder == "cold"')) == ["grey"]
    hits = search(collection, encoder, "red", k=5, where='folder == "cold" and width >= 40')
    assert sorted(names(hits)) == ["blue", "green", "grey"]


@pytest.mark.parametrize(
    "text, terms",
    [
        ("a cat", [(1, 1, "a cat")]),
        ("t-shirt", [(1, 1, "t-shirt")]),
        ("2:golden retriever + pool - people", [(1, 2, "golden retriever"), (1, 1, "pool"), (-1, 1, "people")]),
        ("- people", [(-1, 1, "people")]),
        ("sea − boats", [(1, 1, "sea"), (-1, 1, "boats")]),
        ("  ", []),
    ],
)
def test_a_query_reads_as_people_write_it(text, terms):
    assert [(t.sign, t.weight, t.words) for t in parse_query(text)] == terms
    assert parse_query(format_query(parse_query(text))) == parse_query(text)


def test_a_query_that_cancels_out_says_so(collection, encoder):
    with pytest.raises(UserError, match="cancel out"):
        search(collection, encoder, "red - red")


@pytest.mark.parametrize("query", ["", []])
def test_an_empty_query_says_so(collection, encoder, query):
    with pytest.raises(UserError, match="nothing to search for"):
        search(collection, encoder, query)


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
    assert names(search(Collection.open(collection.path), encoder, "red", k=1)) == ["red"]
    (collection.path / file).unlink()
    assert names(search(Collection.open(collection.path), encoder, "red", k=1)) == ["red"]


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
