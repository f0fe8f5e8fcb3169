"""JSON that any reader accepts, whatever a table, a figure or a name holds."""

import datetime
import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from app.server.api.schemas import SearchSchema
from app.server.api.search import search as search_by_api
from app.state.library import Library
from app.tabs.search.tab import count_facets, find_images
from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.storage.writer import Writer
from tests.browsing import served
from tests.samples import ColourEncoder, noise_image, paint
from training.models.strict_json import as_json, json_text

UTC = datetime.UTC
Colour = enum.Enum("Colour", {"RED": "red"})


@dataclass
class Figure:
    value: float
    n: int


def strict(text: str) -> object:
    """text as JSON by the letter of RFC 8259."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (np.bool_(True), True),
        (1.5, 1.5),
        (float("nan"), None),
        (float("inf"), None),
        (-float("inf"), None),
        (np.float32("nan"), None),
        (np.float16("inf"), None),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (2**70, 2**70),
        (Decimal("1.5"), 1.5),
        (Decimal("nan"), None),
        (pd.NaT, None),
        (pd.NA, None),
        (np.datetime64("NaT"), None),
        (np.timedelta64("NaT"), None),
        (np.datetime64("2020-01-02"), "2020-01-02"),
        (pd.Timestamp("2020-01-02 03:04"), "2020-01-02T03:04:00"),
        (pd.Timestamp("2020-01-02", tz="UTC"), "2020-01-02T00:00:00+00:00"),
        (datetime.datetime(2020, 1, 2, tzinfo=UTC), "2020-01-02T00:00:00+00:00"),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (datetime.time(3, 4), "03:04:00"),
        (Path("a/b").name, "b"),
        (Path("b"), "b"),
        (b"abc", "abc"),
        (Colour.RED, "red"),
        (Figure(float("nan"), 3), {"value": None, "n": 3}),
        (np.array([1.0, np.nan]), [1.0, None]),
        ((1, [float("inf")]), [1, [None]]),
        ({"b", "a"}, ["a", "b"]),
        ({"a": pd.NaT, 1: np.int8(2), None: 3}, {"a": None, "1": 2, "null": 3}),
        ([pd.NaT, {"deep": [np.float64("nan")]}], [None, {"deep": [None]}]),
    ],
)
def test_every_value_has_a_place_in_json(value, expected):
    assert as_json(value) == expected
    assert strict(json_text(value)) == expected
    assert strict(json_text([value], indent=None, ascii_only=True)) == [expected]


def test_half_a_surrogate_pair_can_be_written_and_read():
    assert strict(json_text({"name": "caf\udce9 🍨"}).encode().decode()) == {"name": "caf\udce9 🍨"}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A collection whose columns hold all that JSON does not have."""
    folder = tmp_path_factory.mktemp("odd")
    paint(folder / "images" / "red.png", "red")
    for number in range(3):
        noise_image(number).save(folder / "images" / f"{number}.png")
    (folder / "images" / "broken.png").write_bytes(b"no image")
    build_collection([folder / "images"], folder / "plain.gelato", ColourEncoder())
    plain = Collection.open(folder / "plain.gelato")
    items = plain.stored.copy()
    items["taken"] = pd.to_datetime(["2020-01-02", None, None, "2021-05-06"], utc=True)
    items["rating"] = [np.nan, np.inf, -np.inf, 4.5]
    items["nothing"] = [None] * 4
    items["place"] = ["here", None, "\x00control", 'quote"back\\slash']
    items["seen"] = [True, None, False, True]
    items.loc[1, "modified"] = pd.NaT
    with Writer(folder / "odd.gelato", ColourEncoder()) as writer:
        writer.publish(items.to_dict("records"), np.asarray(plain.vectors, np.float32))
    return folder / "odd.gelato"


COMMANDS = [
    ["info"],
    ["search", "red"],
    ["search", "red", "--threshold", "on"],
    ["search", "--order", "newest"],
    ["search", "--where", "rating > 1"],
    ["duplicates"],
    ["verify"],
    ["label", "--classes", "red,blue"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_prints_strict_json(odd, monkeypatch, words, tmp_path):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, [words[0], str(odd), *words[1:], "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    strict(done.stdout)
    assert "NaT" not in done.stdout and "NaN" not in done.stdout


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def test_every_answer_of_the_api_and_the_page_is_strict_json(odd):
    library = Library(lambda name: ColourEncoder(), local=True)
    key = library.add(odd).key
    for text in ("", "red"):
        answer = search_by_api(library, SearchSchema(q=text))
        strict(answer.model_dump_json())
        for response in (answer.model_dump(), find_images(library, {"q": text}), count_facets(library, {"q": text})):
            assert all(not isinstance(leaf, float) or np.isfinite(leaf) for leaf in leaves(response)), response
    addresses = (
        "api/v1/search",
        "api/v1/search?q=red&threshold=on",
        "api/v1/search?order=newest",
        "api/v1/collections",
        f"api/v1/collections/{key}",
        "api/v1/jobs",
        f"export/{key}.json",
        f"export/{key}.json?q=red",
        "api/v1/search?filter=nonsense",
    )
    with served(library) as site:
        for address in addresses:
            strict(httpx.get(f"{site.url}{address}").text)
