"""The demo: free images that pip installs, photographs first, and suggestions that are answered rightly."""

import csv
import re
from collections.abc import Iterator

import pytest
from PIL import Image

from index.collection import Collection
from index.ingest.demo import COLUMNS, PHOTOGRAPHS, SUGGESTIONS, build_demo, write_photographs
from index.ingest.report import BuildProgress
from index.retrieval.suggestions import suggestions
from tests.samples import ColourEncoder, find
from training.data.openmoji import GROUPS, openmoji_names
from training.models.encoders import load_encoder

ROW = 5  # images in the first row of a laptop's page with the inspector closed, and then some


def test_every_photograph_is_there_with_its_author_and_licence(tmp_path):
    rows = write_photographs(tmp_path)
    assert len(rows) == len(PHOTOGRAPHS) >= 12
    for row in rows:
        assert row.caption and row.attribution and row.licence and row.kind == "photograph"
        with Image.open(tmp_path / row.path) as image:
            assert min(image.size) >= 200
    with (tmp_path / "images.csv").open(encoding="utf-8") as table:
        assert next(csv.reader(table)) == list(COLUMNS)


def test_the_whole_demo_has_more_than_a_thousand_images():
    assert len(PHOTOGRAPHS) + len(openmoji_names()) >= 1000


@pytest.fixture(scope="module", params=[24, pytest.param(1, marks=pytest.mark.slow)], ids="one drawing in {}".format)
def total(request) -> Iterator[int]:
    """How many images the demo has with some of its drawings, fruit among them, or slowly with all."""
    fruit = re.compile(rf"\b({'|'.join(SUGGESTIONS['fruit'])})")
    kept = [one for number, one in enumerate(openmoji_names()) if number % request.param == 0 or fruit.search(one[1])]
    with pytest.MonkeyPatch.context() as patched:
        for module in ("index.ingest.demo", "training.data.openmoji"):
            patched.setattr(f"{module}.openmoji_names", lambda: kept)
        yield len(PHOTOGRAPHS) + len(kept)


def test_the_demo_is_attributed_images_photographs_first_and_can_be_stopped(tmp_path, total):
    seen: list[BuildProgress] = []
    encoder = ColourEncoder()
    build_demo(tmp_path / "images", tmp_path / "demo", encoder, progress=seen.append, stop=lambda: bool(seen))
    early = Collection.open(tmp_path / "demo")
    assert 0 < len(early) < 50  # photographs are searchable before the first drawing is made
    build_demo(tmp_path / "images", tmp_path / "demo", encoder, progress=seen.append)
    items = Collection.open(tmp_path / "demo").items
    assert len(items) == total == seen[-1].total
    assert (items["kind"].iloc[: len(PHOTOGRAPHS)] == "photograph").all()
    assert set(items["kind"]) == {"photograph", "drawing"}
    assert set(items["group"][items["kind"] == "drawing"]) == set(GROUPS)
    assert items["attribution"].ne("").all() and items["licence"].ne("").all() and items["caption"].ne("").all()
    before = encoder.embedded
    build_demo(tmp_path / "images", tmp_path / "demo", encoder)
    assert encoder.embedded == before


@pytest.fixture(scope="module")
def demo(tmp_path_factory, total):
    folder = tmp_path_factory.mktemp("demo")
    encoder = load_encoder("starter")
    build_demo(folder / "images", folder / "demo", encoder)
    return Collection.open(folder / "demo"), encoder


@pytest.mark.parametrize("words", SUGGESTIONS)
def test_each_suggestion_has_a_right_image_in_its_first_row(demo, words):
    collection, encoder = demo
    captions = [hit.caption for hit in find(collection, encoder, words, ROW)]
    right = re.compile(rf"\b({'|'.join(SUGGESTIONS[words])})", re.IGNORECASE)
    assert any(right.search(caption) for caption in captions), captions


def test_there_are_six_suggestions_and_a_collection_of_ones_own_gets_its_own(demo):
    collection, encoder = demo
    assert len(SUGGESTIONS) == 6
    words = suggestions(collection, encoder)
    assert len(words) == len(set(words)) == 6
