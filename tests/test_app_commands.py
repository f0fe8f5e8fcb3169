"""What "Copy as command" copies gives the same answer in a shell, whatever the texts hold."""

import base64
import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from app.state.label_requests import label_request
from app.state.library import Library
from app.state.search_requests import PageSearch
from app.state.validation import validated
from app.tabs.map.tab import map_colours
from app.tabs.search.tab import browse_images, find_images
from app.ui.command.command import index_command, label_command, search_command
from index.__main__ import cli
from index.build import build_collection
from index.labels.labelling import Labelling
from tests.samples import PALETTE, ColourEncoder, paint
from training.models.zero_shot import ClassEmbeddings, ClassName

ODD = [
    'it\'s "quoted" and $HOME `id` \\ !',
    "salt, pepper",
    "two\nlines",
    "größe 大小 🍦",
    "- green",
    "--help",
    "a;b|c&d>e *?[x] ~ #",
    " spaces  inside ",
]


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Library:
    """Colours in folders, in a collection whose folder has an odd name."""
    folder = tmp_path_factory.mktemp("commands") / 'it\'s a "collection", größe'
    for name in PALETTE:
        paint(folder / "images" / name / f"{name}.png", name)
    build_collection([folder / "images"], folder / "my colours.gelato", ColourEncoder())
    library = Library(lambda name: ColourEncoder(), local=True)
    library.add(folder / "my colours.gelato")
    return library


@pytest.fixture
def run(monkeypatch):
    """What a command prints as JSON: a real shell takes it apart, and the command runs in this process."""
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())

    def run_in_shell(command: str):
        name, *words = words_of(command)[2:]
        done = CliRunner().invoke(cli, [name, "--json", *words])
        assert done.exit_code == 0, (command, done.output)
        return json.loads(done.output)

    return run_in_shell


def words_of(command: str) -> list[str]:
    """The arguments that bash gives to the program of a command."""
    script = f'python() {{ printf \'%s\\0\' "$@"; }}; curl() {{ python "$@"; }}; {command}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


def test_a_shell_gives_every_word_to_the_command_as_it_is():
    assert words_of(index_command(*ODD)) == ["-m", "index", *ODD]


@pytest.mark.parametrize(
    "fields",
    [
        *({"q": text} for text in ODD if text.strip() and text != "--help"),
        {"q": "red + blue - green", "k": 3, "threshold": "off", "collapse": "none"},
        {"q": "blue", "facets": [{"column": "folder", "values": ["red", "blue"]}], "order": "name"},
        {"facets": [{"column": "width", "low": 10, "high": 100}, {"column": "path", "contains": "gre"}]},
        {"q": "red", "without": ODD[:2], "filter": "width >= 10", "likely": True, "text_ranking": False},
        {"q": "red", "collections": ["*"]},
        {},
    ],
    ids=str,
)
def test_the_command_of_a_search_finds_what_the_page_finds(library, run, fields):
    given = validated(PageSearch, fields)
    page = (find_images if given.has_terms else browse_images)(library, fields)
    found = run(page["command"])
    assert [one["id"] for one in found] == [hit["id"] for hit in page["hits"]]


def test_a_search_with_an_image_of_this_page_has_no_command_and_one_like_an_image_has(library, run):
    id = str(library.collection(None).published().column("id").iat[0])
    liked = {"like": [f"-{id}", id], "q": "red"}
    assert [one["id"] for one in run(search_command(library, validated(PageSearch, liked)))]
    assert search_command(library, validated(PageSearch, {"image": ["a-token"]})) == ""


@pytest.mark.parametrize(
    ("classes", "settings"),
    [
        ([ClassName("red"), ClassName("blue")], {}),
        ([ClassName(text) for text in ("it's", 'a "b"', "salt, pepper", "größe 大小", "--any", "$x")], {"none": True}),
        ([ClassName("warm", ("warm", "red", "orange"))], {"mode": "any", "calibration": "uncalibrated"}),
        ([ClassName("red"), ClassName("x" * 5000)], {"custom": "a {}, it's\n{}", "none": True, "none_level": -2.5}),
        ([ClassName("red")], {"custom": '{} "quoted"', "calibration": "unscaled"}),
    ],
)
def test_the_command_of_labels_gives_the_labels_of_the_page(library, run, classes, settings):
    request = label_request(classes, "photo", **settings)
    opened = library.collection(None)
    page = Labelling(opened.published(), ClassEmbeddings(ColourEncoder()), request).result.summary()
    command = label_command(library, opened, request, "" if "custom" in settings else "photo")
    assert run(command) == page


@pytest.mark.parametrize("tier", ["--exact", "--tier=similar"])
def test_the_commands_of_duplicates_and_of_the_map_run(library, run, tmp_path, tier):
    folder = library.collection(None).path
    assert "groups" in json.dumps(run(index_command("duplicates", folder, tier)))
    out = tmp_path / "it's.csv"
    assert run(index_command("map", folder, "--method", "pca", "--out", out))["images"] == 5
    assert Path(out).read_text().splitlines()[0] == "id,path,x,y"


@pytest.mark.parametrize(
    ("wanted", "colours"),
    [
        ({"by": "folder"}, [*PALETTE]),
        ({"q": "red, it's blue"}, ["red", "it's blue"]),
        ({"q": "red - blue"}, [0.0, 1.0]),
    ],
)
def test_the_command_of_a_coloured_map_writes_the_colours_of_the_page(library, run, tmp_path, wanted, colours):
    opened = library.collection(None)
    fields = {"collection": opened.key, "revision": opened.published().revision, **wanted}
    page, out = map_colours(library, fields), tmp_path / "map.csv"
    run(f"{index_command('map', opened.path, '--out', out)} {page['options']}")
    found = pd.read_csv(out)["colour"]
    codes = np.frombuffer(base64.b64decode(page["codes"]), np.uint8)
    if page["kind"] == "scale":
        assert found.tolist() == pytest.approx([code / 254 for code in codes], abs=1e-3)
        assert [found.min(), found.max()] == colours
    else:
        assert found.tolist() == [page["classes"][code][0] for code in codes] and set(found) <= set(colours)
