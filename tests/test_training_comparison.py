"""Encoders side by side: what is trained and measured once, and what is written down of it."""

import csv
import io
import json
import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from index.__main__ import cli as index_cli
from training.__main__ import cli
from training.comparison.measure import Entry, over_seeds
from training.comparison.neighbours import GAP, SIDE, TOP, neighbours
from training.comparison.table import document, grouped, markdown
from training.models.encoders import load_encoder
from training.models.errors import UserError
from training.models.intervals import Figure

BUDGET = ["steps=2", "batch-size=8", "workers=0", "log-every=1", "evaluate-every=1", "tower=micro-resnet"]


def figure(value: float, n: int = 100) -> Figure:
    return Figure(value=value, low=value - 0.05, high=value + 0.05, n=n)


def entry(method: str, seed: int | None, knn: float, **facts: float) -> Entry:
    return Entry(f"runs/{method}-{seed}", method, seed, 10, {"knn": figure(knn)}, facts, [])


@pytest.fixture(scope="module")
def compared(captioned, tmp_path_factory) -> Path:
    """What the command wrote of a run that it trained itself, and of a run from elsewhere."""
    out = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GELATO_CACHE", str(out / "cache"))
        words = ["compare", "--train", captioned, "--data", captioned, "--out", out, "--suite", "knn,geometry"]
        words += ["--methods", "simclr", *(word for setting in BUDGET for word in ("--with", setting))]
        assert ask(words).exit_code == 0
        other = shutil.copytree(out / "runs/simclr-0", out / "elsewhere")
        config = (other / "config.json").read_text()
        (other / "config.json").write_text(config.replace('"method": "simclr"', '"method": "byol"'))
        # The weights have been measured, and the run is there: nothing of either may happen again.
        patch.setattr("subprocess.run", lambda *args, **kwargs: pytest.fail("trained again"))
        patch.setattr("training.comparison.measure.run_suite", lambda *args: pytest.fail("measured again"))
        result = ask([*words, other, "--json"])
        assert result.exit_code == 0 and len(json.loads(result.stdout)["rows"]) == 2
    return out


def ask(words: list) -> Result:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0 or not result.exc_info or result.exc_info[0] is SystemExit, result.output
    return result


def test_the_table_says_the_same_in_three_languages(compared):
    table = json.loads((compared / "table.json").read_text())
    assert sorted(row["encoder"] for row in table["rows"]) == ["byol", "simclr"]
    lines = list(csv.DictReader((compared / "table.csv").read_text().splitlines()))
    text = (compared / "table.md").read_text()
    for run, line in zip(table["runs"], lines, strict=True):
        knn = run["figures"]["knn"]
        assert float(line["knn"]) == knn["value"] and float(line["knn high"]) == knn["high"]
        assert f"| {run['method']} |" in text and f"{knn['value']:.1%} ({knn['low']:.1%} – {knn['high']:.1%})" in text
        assert {"trained_per_second", "embedded_per_second", "memory_bytes", "parameters"} <= run["facts"].keys()


def test_every_figure_is_drawn_and_names_the_methods(compared):
    for name in ("curves", "knn", "map", "geometry"):
        text = " ".join(ET.parse(compared / f"{name}.svg").getroot().itertext())
        assert name == "map" or ("simclr" in text and "byol" in text), name
    with Image.open(compared / "neighbours.webp") as sheet:
        assert sheet.height == TOP + 2 * (SIDE + GAP)  # a row an encoder


@pytest.mark.parametrize("labels, framed", [([0] * 6 + [1] * 6, False), ([0, 1] * 6, True)])
def test_neighbours_of_another_class_are_framed(labels, framed):
    """Six images lie at one place and six at another, so that an image's five nearest are the others there."""
    test = SimpleNamespace(
        items=[SimpleNamespace(path=f"{i:02}") for i in range(12)],
        images=np.repeat(np.eye(2), 6, axis=0),
        labels=np.array(labels),
        image=lambda i: Image.new("RGB", (8, 8), "green"),
    )
    drawn = neighbours([SimpleNamespace(test=test, entry=SimpleNamespace(method="one"))])
    sheet = np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB")).astype(int)
    red = (sheet[:, :, 0] > 150) & (sheet[:, :, 1] < 110)
    assert red.any() == framed


def test_what_images_alone_have_taught_builds_a_collection_and_finds_images(compared, captioned, tmp_path):
    run, image = compared / "runs/simclr-0", captioned / "cat/00.png"
    words = ["build", captioned, "--into", tmp_path / "c.gelato", "--encoder", run, "--runtime", "torch"]
    result = CliRunner().invoke(index_cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    words = ["search", tmp_path / "c.gelato", "--image", image, "-k", 3, "--runtime", "torch"]
    result = CliRunner().invoke(index_cli, [str(word) for word in [*words, "--json"]])
    assert result.exit_code == 0, result.output
    hits = json.loads(result.stdout)
    assert len(hits) == 3 and hits[0]["path"].endswith("cat/00.png") and hits[0]["score"] > 0.99
    words = ["search", str(tmp_path / "c.gelato"), "cat", "--runtime", "torch", "--json"]
    by_name = CliRunner().invoke(index_cli, words)  # the encoder has no text tower, names and captions have words
    assert by_name.exit_code == 0, by_name.output
    assert {(hit["matched"], "cat" in hit["path"]) for hit in json.loads(by_name.stdout)} == {("text", True)}


def test_seeds_of_a_method_are_one_row_with_students_interval():
    entries = [entry("simclr", seed, knn) for seed, knn in enumerate((0.5, 0.6, 0.7))]
    found = over_seeds(entries, "knn")
    assert found is not None and found["value"] == pytest.approx(0.6) and found["n"] == 3
    assert found["high"] - 0.6 == pytest.approx(
        4.303 * 0.1 / 3**0.5, rel=1e-3
    )  # t of two degrees of freedom, by its table
    assert over_seeds(entries[:1], "knn") == figure(0.5)  # one seed: the interval over images
    assert over_seeds(entries, "linear") is None


def test_rows_stand_in_the_order_of_their_neighbours():
    entries = [entry("byol", 0, 0.4), entry("starter", None, 0.9), entry("simclr", 0, 0.6), entry("byol", 1, 0.5)]
    assert list(grouped(entries)) == ["runs/starter-None", "simclr", "byol"]
    rows = document(entries, {})["rows"]
    assert [row["seeds"] for row in rows] == [[], [0], [0, 1]]
    assert markdown({"rows": rows}).count("\n") == 5


def test_runs_of_one_method_with_other_settings_are_rows_of_their_own():
    small, large, again = entry("clip", 0, 0.4), entry("clip", 1, 0.6), entry("clip", 2, 0.5)
    small, again = (replace(one, settings="tower: tiny") for one in (small, again))
    rows = grouped([small, replace(large, settings="tower: ViT-B-32"), again, entry("byol", 0, 0.3)])
    assert {label: len(group) for label, group in rows.items()} == {
        "runs/clip-1": 1,
        "runs/clip-0 runs/clip-2": 2,
        "byol": 1,
    }


def test_each_encoder_is_measured_by_what_it_can_do_and_the_table_says_what_it_lacks(compared, captioned):
    words = [
        "compare",
        compared / "runs/simclr-0",
        "--data",
        captioned,
        "--suite",
        "zero-shot,knn,winoground",
        "--json",
    ]
    result = ask(words)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["rows"]
    assert set(row["figures"]) == {"knn"} and set(row["skipped"]) == {"zero-shot", "winoground"}
    able = Entry("runs/clip", "clip", 0, 10, {"knn": figure(0.5), "zero-shot": figure(0.6)}, {}, [])
    lacks = {"zero-shot": "it needs a text encoder, and byol is image-only.", "retrieval": "it needs captions."}
    text = markdown(document([able, replace(entry("byol", 0, 0.4), skipped=lacks)], {}))
    assert "| byol | 1 | 40.0% (35.0% – 45.0%) | needs a text encoder |" in text
    assert text.endswith("\n\nretrieval was skipped: it needs captions.\n")


def test_methods_need_images_of_their_own(captioned, tmp_path):
    for words, says in (
        (["--methods", "simclr"], "trained on --train"),
        (["--methods", "simclear", "--train", str(captioned)], "Did you mean 'simclr'"),
    ):
        result = CliRunner().invoke(cli, ["compare", "--data", str(captioned), "--out", str(tmp_path), *words])
        assert result.exit_code == 1 and says in result.stderr and "Traceback" not in result.stderr


def test_a_name_of_timm_is_an_encoder_that_says_when_its_weights_are_out_of_reach(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr("timm.create_model", offline)
    with pytest.raises(UserError, match=r"weights of resnet18\.a1_in1k are not on this machine"):
        load_encoder("resnet18.a1_in1k")
