"""Several collections searched at once: what merges their hits, and the same answer at every door."""

import asyncio
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from app.application import make_application
from app.state.library import Library
from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.query import Term, parse_query
from index.retrieval.request import SearchRequest
from index.retrieval.result import Hit
from index.search import search
from index.several import HitOf, Searched, _merge, search_several
from tests.samples import PALETTE, ColourEncoder, WarmthEncoder, paint
from training.models import encoders
from training.models.errors import UserError

ENCODERS = {"colour": ColourEncoder, "warmth": WarmthEncoder}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two collections of colours by one encoder, and one by another."""
    folder = tmp_path_factory.mktemp("several")
    for number, (name, (r, g, b)) in enumerate(PALETTE.items()):
        paint(folder / "some" / f"some {name}.png", (r, g, b))
        paint(folder / "others" / f"other {name}.png", (max(0, r - 9 - number), g, b))
    for name, source, encoder in [
        ("a", "some", ColourEncoder),
        ("b", "others", ColourEncoder),
        ("w", "others", WarmthEncoder),
    ]:
        build_collection([folder / source], folder / f"{name}.gelato", encoder())
    return folder


@pytest.fixture
def some(folder):
    return lambda names: [
        Searched(name, made, ENCODERS[made.encoder_name]())
        for name in names
        for made in [Collection.open(folder / f"{name}.gelato")]
    ]


def request(text: str, **more: object) -> SearchRequest:
    return SearchRequest(terms=parse_query(text), text_ranking=False, **more)


def test_hits_are_those_of_one_collection_that_holds_all_images(folder, some, tmp_path):
    """By cosines, where one encoder made all: merging two halves is searching the whole."""
    wanted = request("red", threshold="off")
    build_collection([folder / "some", folder / "others"], tmp_path / "all.gelato", ColourEncoder())
    whole = search(Collection.open(tmp_path / "all.gelato"), ColourEncoder(), wanted)
    found = search_several(some("ab"), wanted)
    assert found.merged == "score"
    assert [one.hit.path for one in found.hits] == [hit.path for hit in whole.hits]
    assert [one.hit.score for one in found.hits] == pytest.approx([hit.score for hit in whole.hits])
    assert [one.hit.rank for one in found.hits] == list(range(1, 11))
    part = search_several(some("ab"), replace(wanted, offset=3, count=4))
    assert [(one.name, one.hit) for one in part.hits] == [(one.name, one.hit) for one in found.hits[3:7]]


def test_hits_of_different_encoders_are_merged_by_normalised_scores_the_likely_first(some):
    found = search_several(some("aw"), request("red", threshold="on"))
    assert found.merged == "normalised_score" and found.likely == sum(one.hit.likely for one in found.hits)
    likely = [one.hit.likely for one in found.hits]
    assert likely == sorted(likely, reverse=True)
    left = {name: [hit.id for hit in result.hits] for name, result in found.results.items()}
    for one in found.hits:  # each list in its own order, and the better of the two next hits first
        for name, ids in left.items():
            other = next((hit for hit in found.results[name].hits if ids and hit.id == ids[0]), one.hit)
            assert (one.hit.likely, one.hit.normalised_score) >= (other.likely, other.normalised_score)
        assert left[one.name].pop(0) == one.hit.id
    assert left == {"a": [], "w": []}


def test_hits_of_different_encoders_without_normalised_scores_are_merged_by_rank(some):
    found = search_several(some("aw"), request("red", threshold="off"))
    assert found.merged == "rank" and [one.name for one in found.hits] == ["a", "w"] * 5


def test_a_list_keeps_its_own_order_and_the_first_of_equals_goes_first():
    lists = [[HitOf(name, Hit(1, score, f"{name}{score}", "", "", 0)) for score in scores] for name, scores in
             [("x", (3.0, 9.0, 1.0)), ("y", (3.0, 2.0)), ("z", ())]]  # fmt: skip
    assert [one.hit.id for one in _merge(lists, lambda hit: (hit.score,))] == ["x3.0", "x9.0", "y3.0", "y2.0", "x1.0"]


@pytest.mark.parametrize(
    ("names", "wanted", "says"),
    [
        ("aa", request("red"), "named twice"),
        ("ab", SearchRequest(terms=[Term(image_id="x")]), "An id is of one collection"),
        ("ab", request("red", order="newest"), "order best"),
        ("ab", request("red", filter="nothing > 3"), "^a: "),
    ],
)
def test_what_makes_sense_for_one_collection_only_is_said(some, names, wanted, says):
    with pytest.raises(UserError, match=says):
        search_several(some(names), wanted)


def test_command_api_and_library_give_the_same_hits(folder, some, monkeypatch):
    monkeypatch.setattr(encoders, "load_encoder", lambda name, *_: ENCODERS[name]())
    expected = [(one.name, one.hit.id) for one in search_several(some("ab"), request("red", count=6)).hits]
    command = [
        "search",
        str(folder / "a.gelato"),
        "red",
        "--also",
        str(folder / "b.gelato"),
        "-k",
        "6",
        "--no-text-ranking",
    ]
    done = CliRunner().invoke(cli, [*command, "--json"])
    assert [(hit["collection"], hit["id"]) for hit in json.loads(done.stdout)] == [
        (str(folder / f"{name}.gelato"), id) for name, id in expected
    ]
    text = CliRunner().invoke(cli, command).stdout
    assert "2 collections" in text and "a.gelato: some red.png" in text
    library = Library(lambda name: ENCODERS[name](), local=True)
    for name in "ab":
        library.add(folder / f"{name}.gelato")

    async def make():
        return make_application(library, "127.0.0.1", {})

    client = TestClient(asyncio.run(make()), base_url="http://127.0.0.1")
    fields = {"q": "red", "k": 6, "text_ranking": False}
    for keys in (["a", "b"], ["*"]):
        answer = client.get("/api/v1/search", params={**fields, "collections": keys}).json()
        assert [(hit["collection"], hit["id"]) for hit in answer["results"]] == expected
        assert answer["collections"] == ["a", "b"] and answer["images"] == 10
        assert answer["results"][0]["preview"].startswith(f"/media/{expected[0][0]}/")
    both = client.get("/api/v1/search", params={**fields, "collections": ["a"], "collection": "b"})
    assert both.status_code == 400 and "not both" in both.json()["error"]
    library.stop()
