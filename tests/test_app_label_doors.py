"""The same classes give the same probabilities by command line, page, REST and gradio_client, calibrated or not."""

import csv
import json
import time
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner
from gradio_client import Client

from app.state.labellings import finished
from app.state.library import Library
from app.tabs.classify.collection import labelling_state, start_labelling
from app.tabs.classify.image import classify_image
from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.storage.corrections import correct
from tests.browsing import Site, served
from tests.samples import PALETTE, ColourEncoder, paint

CLASSES = ["red", "orange", "green", "blue"]  # grey images are none of them
ODD_NAMES = ["sky: blue, green", 'a "red" thing', "orange, or so"]

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # of Gradio's queue


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    """Eight shades of each colour in a folder of its name, one of them corrected by a person."""
    folder = tmp_path_factory.mktemp("doors")
    for name, (r, g, b) in PALETTE.items():
        for i in range(8):
            paint(folder / "images" / name / f"{name} {i}.png", (r, max(0, g - 9 * i), min(255, b + 7 * i)))
    build_collection([folder / "images"], folder / "colours.gelato", ColourEncoder())
    collection = Collection.open(folder / "colours.gelato")
    correct(collection, str(collection.items["id"][0]), "green")
    library = Library(lambda name: ColourEncoder(), local=True)
    library.add(folder / "colours.gelato")
    with served(library) as site:
        yield site


@pytest.fixture(scope="module")
def client(site) -> Client:
    return Client(site.url, verbose=False, analytics_enabled=False)


@pytest.mark.parametrize(
    ("mode", "calibrated"),
    [
        *(("one", True), ("any", True), ("none", False)),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("one", False), ("any", False), ("none", True))),
    ],
)
def test_every_door_gives_the_same_probabilities(site, client, mode, calibrated, tmp_path, monkeypatch):
    library, calibration = site.library, "calibrated" if calibrated else "uncalibrated"
    collection = library.collection(None).published()
    form = {"classes": "\n".join(CLASSES), "templates": "photo", "mode": "any" if mode == "any" else "one"}
    form |= {"none": mode == "none", "calibration": calibration}
    settings = {"mode": form["mode"], "none": form["none"], "calibration": calibration}

    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    options = [f"--{mode}"] * (mode != "one") + ["--no-calibrate"] * (not calibrated)
    command = ["label", collection.path, "--classes", ",".join(CLASSES), *options, "--out", tmp_path / "labels.csv"]
    done = CliRunner().invoke(cli, [str(word) for word in [*command, "--json"]])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "labels.csv").read_text().splitlines()))
    assert rows[0]["label"] == "green" and rows[0]["probability"] == ""  # a person said so

    state = start_labelling(library, {}, form)
    while state["state"] == "running":
        time.sleep(0.01)
        state = labelling_state(library, state["job"])
    labelling = finished(library, state["job"])[1]
    assert state["calibration"]["labels"] == (32 if calibrated else 0)
    assert [f"{p:.4f}" for p in labelling.result.predictions.probability[1:]] == [r["probability"] for r in rows[1:]]

    for row in range(0, len(rows), 13):
        id = str(collection.items["id"][row])
        bars = classify_image(library, {}, {"id": id}, form)["bars"]
        shown = [(bar["name"], round(bar["probability"], 5)) for bar in bars]
        asked = {"id": id, "classes": CLASSES, **settings}
        rest = httpx.post(f"{site.url}api/v1/classify", json=asked).json()
        by_name = client.predict(**asked, api_name="/classify")
        assert [(c["name"], c["probability"]) for c in rest["classes"]] == shown
        assert rest == by_name and rest["calibration"]["labels"] == state["calibration"]["labels"]
        if mode != "any" and row:
            assert rest["label"] == rows[row]["label"]
            assert float(rows[row]["probability"]) == pytest.approx(shown[0][1], abs=6e-5)
            assert float(rows[row]["margin"]) == pytest.approx(rest["margin"], abs=1.2e-4)


def test_the_call_that_the_page_copies_gives_its_probabilities_by_own_templates_too(site):
    opened = site.library.collection(None)
    image = {"id": str(opened.published().items["id"][9]), "collection": opened.key}
    for templates in ("photo", "custom"):
        form = {"classes": "\n".join(CLASSES), "templates": templates, "custom": 'a {}, it\'s "odd"\n{}'}
        page = classify_image(site.library, {}, image, form)
        rest = httpx.post(f"{site.url}api/v1/classify", json=page["call"]).json()
        shown = [(bar["name"], round(bar["probability"], 5)) for bar in page["bars"]]
        assert [(one["name"], one["probability"]) for one in rest["classes"]] == shown
    bad = httpx.post(f"{site.url}api/v1/classify", json=page["call"] | {"own_templates": ["no place"]})
    assert bad.status_code == 400 and "no place" in bad.text


def test_a_class_name_with_a_colon_a_comma_or_a_quote_keeps_its_meaning(site, client):
    id = str(site.library.collection(None).published().items["id"][1])
    classes = [*ODD_NAMES, {"name": "a: b", "texts": ["grey"]}]
    rest = httpx.post(f"{site.url}api/v1/classify", json={"id": id, "classes": classes}).json()
    assert sorted(c["name"] for c in rest["classes"]) == sorted([*ODD_NAMES, "a: b"])
    assert client.predict(id=id, classes=classes, api_name="/classify") == rest
    cosines = {c["name"]: c["cosine"] for c in rest["classes"]}
    plain = httpx.post(f"{site.url}api/v1/classify", json={"id": id, "classes": ["grey", "red"]}).json()
    assert cosines["a: b"] == {c["name"]: c["cosine"] for c in plain["classes"]}["grey"]


def test_the_summary_says_whether_corrections_and_labels_were_used(site, monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    path = str(site.library.collection(None).path)

    def summary(*options: str) -> dict:
        done = CliRunner().invoke(cli, ["label", path, "--classes", ",".join(CLASSES), "--json", *options])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    used, ignored = summary(), summary("--no-corrections", "--no-calibrate")
    assert used["ground_truth"] == {"column": "folder", "corrections": 1, "known": 32}
    assert used["calibrated"] and used["calibration"]["labels"] == 32
    assert ignored["ground_truth"]["corrections"] == 0 and not ignored["calibrated"]
    assert used["classes"]["green"] == ignored["classes"]["green"] + 1  # the corrected image
    assert not summary("--learn")["learned"]  # one correction is too few


@pytest.mark.parametrize("order", ["margin", "entropy", "disagreement"])
def test_every_door_gives_the_same_queue_of_images_to_label(site, client, order, monkeypatch):
    collection = site.library.collection(None).published()
    second = site.library.collection(None).key if order == "disagreement" else ""
    fields = {"classes": CLASSES, "order": order, "second": second, "k": 5}
    asked = httpx.post(f"{site.url}api/v1/label/queue", json=fields, timeout=60)
    assert asked.status_code == 200, asked.text
    assert client.predict(**fields, api_name="/queue")["images"] == asked.json()["images"]
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    command = ["label", collection.path, "--classes", ",".join(CLASSES), "--queue", order, "-k", 5, "--json"]
    command += ["--second", collection.path] if second else []
    done = CliRunner().invoke(cli, list(map(str, command)))
    queue = [{"file": one.pop("path"), **one} for one in json.loads(done.output)["queue"]]
    assert queue == asked.json()["images"]
