"""One search at every door: command line, page, REST, gradio_client and export give the same hits and numbers."""

import json

import httpx
import pytest
from click.testing import CliRunner
from gradio_client import Client

from app.state.library import Library
from app.tabs.search.tab import find_images
from app.ui.inspector.inspector import image_copies
from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.storage.tags import tag
from tests.browsing import served
from tests.samples import ColourEncoder, noise_image, paint


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """The path of a collection of twenty squares, some tagged, and the address of the server that has it open."""
    folder = tmp_path_factory.mktemp("doors")
    for i in range(20):
        name = ("red", "orange", "green", "blue", "grey")[i % 5]
        paint(folder / "images" / ("warm" if i % 5 < 2 else "cold") / f"{name} {i}.png", name, (30 + i, 40))
    path = folder / "squares.gelato"
    build_collection([folder / "images"], path, ColourEncoder())
    collection = Collection.open(path)
    tag(collection, collection.column("id").tolist()[::2], "even")
    library = Library(lambda name: ColourEncoder(), local=True)
    library.add(path)
    with served(library) as site:
        yield path, library, site.url


@pytest.fixture(scope="module")
def client(doors) -> Client:
    return Client(doors[2], verbose=False, analytics_enabled=False)


@pytest.mark.parametrize(
    ("text", "fields", "options"),
    [
        ("red", {}, []),
        ("2:red + blue - green", {"without": ["grey"]}, ["--without", "grey"]),
        ("red 0.png", {}, []),
        ("red", {"threshold": 0.1}, ["--threshold", "0.1"]),
        ("red", {"threshold": "on", "likely": True}, ["--threshold", "on", "--likely"]),
        ("orange", {"filter": "width > 35", "order": "name"}, ["--where", "width > 35", "--order", "name"]),
        ("orange", {"tags": ["even"], "facets": ["folder=warm"]}, ["--tag", "even", "--filter", "folder=warm"]),
        ("", {"order": "largest"}, ["--order", "largest"]),
    ],
)
def test_one_request_has_one_answer_at_every_door(doors, client, monkeypatch, text, fields, options):
    path, library, url = doors
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    words = ["search", str(path), *([text] if text else []), "-k", "9", "--json", *options]
    by_command = json.loads(CliRunner().invoke(cli, words).stdout)
    by_rest = httpx.get(f"{url}api/v1/search", params={"q": text, "k": 9, **fields}).json()
    by_client = client.predict(q=text, k=9, **fields, api_name="/search")
    page = {"q": text, "k": 9, **fields}
    if "facets" in page:
        page["facets"] = [{"column": "folder", "values": ["warm"]}]
    by_page = find_images(library, page)

    def figures(hits):
        return [(hit["rank"], hit["id"], hit["score"], hit["normalised_score"], hit["likely"]) for hit in hits]

    assert figures(by_rest["results"]) == figures(by_command) == figures(by_client["results"])
    assert by_rest["results"] or fields.get("likely")
    rounded = [
        (rank, id, score and round(score, 4), normalised and round(normalised, 2), likely)
        for rank, id, score, normalised, likely in figures(by_command)
    ]
    assert [f[:2] + f[4:] for f in figures(by_page["hits"])] == [f[:2] + f[4:] for f in rounded]
    for shown, exact in zip(figures(by_page["hits"]), rounded, strict=True):
        assert shown[2:4] == (pytest.approx(exact[2], abs=2e-4), pytest.approx(exact[3], abs=2e-2))
    assert by_page["matching"] == by_rest["matching"] == (by_command[0]["matching"] if by_command else 20)
    if not fields:
        exported = httpx.get(f"{url}export/squares.json", params={"q": text, "k": 9}).json()
        assert figures(exported) == figures(by_command)


def test_a_large_image_has_one_answer_at_every_door(doors, monkeypatch, tmp_path):
    path, library, url = doors
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    large = tmp_path / "large.png"
    noise_image(5, (1700, 1300)).save(large)
    words = ["search", str(path), "--image", str(large), "-k", "9", "--json"]
    by_command = json.loads(CliRunner().invoke(cli, words).stdout)
    token = httpx.post(f"{url}api/v1/images", content=large.read_bytes()).json()["image"]
    by_rest = httpx.get(f"{url}api/v1/search", params={"image": token, "k": 9}).json()["results"]
    by_page = find_images(library, {"image": [token], "k": 9})["hits"]
    assert [(hit["id"], hit["score"]) for hit in by_rest] == [(hit["id"], hit["score"]) for hit in by_command]
    assert [hit["id"] for hit in by_page] == [hit["id"] for hit in by_rest]


def test_wanted_and_unwanted_images_are_the_same_at_every_door(doors, monkeypatch, tmp_path):
    path, _, url = doors
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    ids = Collection.open(path).column("id").tolist()
    like = [ids[0], ids[3], f"-{ids[2]}"]
    words = ["search", str(path), *(f"--like={id}" for id in like), "-k", "9", "--json"]
    by_command = json.loads(CliRunner().invoke(cli, words).stdout)
    by_rest = httpx.get(f"{url}api/v1/search", params={"like": like, "k": 9}).json()["results"]
    assert [(hit["id"], hit["score"]) for hit in by_rest] == [(hit["id"], hit["score"]) for hit in by_command]
    images = [word for name in ("red", "green") for word in ("--image", str(paint(tmp_path / f"{name}.png", name)))]
    found = json.loads(CliRunner().invoke(cli, ["search", str(path), *images, "-k", "9", "--json"]).stdout)
    assert found[0]["score"] < 0.999  # the mean of two colours is neither


@pytest.fixture(scope="module")
def copied(doors, tmp_path_factory):
    """Path and key of a collection at the same server: an image in four files, one with a tag, and three others."""
    _, library, _ = doors
    folder = tmp_path_factory.mktemp("copied")
    (folder / "images").mkdir()
    image = noise_image(1, (400, 300))
    image.save(folder / "images/b original.png")
    image.save(folder / "images/c again.png", pnginfo=None, compress_level=1)
    image.resize((200, 150)).save(folder / "images/a small.png")
    image.crop((20, 10, 390, 290)).save(folder / "images/d cut.png")
    for seed in (2, 3, 4):
        noise_image(seed, (400, 300)).save(folder / f"images/other {seed}.png")
    path = folder / "copied.gelato"
    build_collection([folder / "images"], path, ColourEncoder())
    collection = Collection.open(path)
    rows = collection.items.set_index("path")["id"]
    tag(collection, [rows["a small.png"]], "small")
    return path, library.add(path).key, rows


@pytest.mark.parametrize(
    ("fields", "options", "expected"),
    [
        ({}, [], {"c again.png": 3, "d cut.png": 1}),
        ({"collapse": "same"}, ["--collapse", "same"], {"c again.png": 3, "d cut.png": 1}),
        ({"collapse": "similar"}, ["--collapse", "similar"], {"c again.png": 4}),
        (
            {"collapse": "none"},
            ["--collapse", "none"],
            dict.fromkeys(["a small.png", "b original.png", "c again.png", "d cut.png"], 1),
        ),
        ({"tags": ["small"]}, ["--tag", "small"], {"a small.png": 1}),  # the best of those that pass
        ({"filter": 'path < "c"'}, ["--where", 'path < "c"'], {"b original.png": 2}),
    ],
)
@pytest.mark.parametrize("text", ["", "a small"])
def test_copies_are_one_result_with_their_number_at_every_door(
    doors, client, copied, monkeypatch, text, fields, options, expected
):
    (_, library, url), (path, key, _) = doors, copied
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    filtered = "tags" in fields or "filter" in fields
    words = ["search", str(path), *([text] if text else []), *options, "-k", "20", "--json"]
    if not text and not filtered:
        words += ["--where", "width > 0"]
    by_command = json.loads(CliRunner().invoke(cli, words).stdout)
    by_rest = httpx.get(f"{url}api/v1/search", params={"collection": key, "q": text, **fields}).json()
    by_client = client.predict(collection=key, q=text, **fields, api_name="/search")
    by_page = find_images(library, {"collection": key, "q": text, **fields})
    found = {hit["path"]: hit["copies"] for hit in by_command}
    assert {name: count for name, count in found.items() if not name.startswith("other")} == expected
    others = 0 if filtered else 3
    assert len(found) == len(by_command) == len(expected) + others
    for hits in (by_rest["results"], by_client["results"], by_page["hits"]):
        assert [(h["id"], h["copies"]) for h in hits] == [(h["id"], h["copies"]) for h in by_command]
    assert by_rest["distinct"] == by_page["distinct"] == len(by_command)
    assert by_rest["matching"] == sum(found.values())


def test_the_copies_of_an_image_are_listed_best_first_at_every_door(doors, client, copied):
    (_, library, url), (_, key, ids) = doors, copied
    ask = {"collection": key, "id": ids["a small.png"], "collapse": "similar"}
    by_rest = httpx.get(f"{url}api/v1/copies", params=ask).json()
    by_client = client.predict(**ask, api_name="/copies")
    by_page = image_copies(library, ask)
    expected = ["c again.png", "b original.png", "d cut.png", "a small.png"]
    assert [hit["file"] for hit in by_rest] == [hit["file"] for hit in by_client] == expected
    assert [copy["path"] for copy in by_page["copies"]] == expected and by_page["count"] == 4
    missing = httpx.get(f"{url}api/v1/copies", params={"collection": key, "id": "0" * 16})
    assert missing.status_code == 404 and "There is no image" in missing.json()["error"]


def test_an_export_of_what_the_page_shows_has_every_copy_of_it(doors, copied):
    (_, _, url), (_, key, _) = doors, copied

    def exported(**fields):
        return [hit["path"] for hit in httpx.get(f"{url}export/{key}.json", params=fields).json()]

    every = ["a small.png", "b original.png", "c again.png", "d cut.png"]
    assert sorted(exported(k=60))[:4] == every and len(exported(k=60)) == 7
    assert sorted(exported(k=60, collapse="same"))[:4] == every
    assert exported(k=1, collapse="similar") == ["c again.png", "b original.png", "d cut.png", "a small.png"]
