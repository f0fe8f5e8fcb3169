"""The commands as a person runs them: JSON and nothing else, one line for a mistake."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from index.__main__ import cli
from index.collection import Collection
from index.storage.tags import tag
from tests.samples import ColourEncoder


@pytest.fixture
def gelato(monkeypatch):
    """The commands, with the encoder that knows nothing but colour in the place of a real one."""
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())

    def run(*words):
        return CliRunner().invoke(cli, [str(word) for word in words])

    return run


@pytest.fixture
def built(gelato, squares, tmp_path):
    result = gelato("build", squares, "--into", tmp_path / "c.gelato", "--json")
    assert result.exit_code == 0, result.output
    return tmp_path / "c.gelato"


def test_build_answers_one_json_document(gelato, squares, tmp_path):
    result = gelato("build", squares, "--into", tmp_path / "c.gelato", "--json")
    document = json.loads(result.stdout)
    wanted = {"images", "added", "updated", "removed", "unchanged", "embedded", "failed", "seconds"}
    assert wanted | {"images_per_second"} <= set(document)
    assert (document["images"], document["failed"]) == (5, 0)


def test_search_answers_ranked_images(gelato, built):
    document = json.loads(gelato("search", built, "red", "-k", 2, "--json").stdout)
    assert [(hit["rank"], hit["path"]) for hit in document] == [(1, "warm/red.png"), (2, "warm/orange.webp")]
    assert {"rank", "score", "id", "path", "caption"} <= set(document[0])
    assert "warm/red.png" in gelato("search", built, "red").stdout


def test_a_name_with_control_characters_stays_on_one_harmless_line(gelato, squares, tmp_path):
    (squares / "warm/red.png").rename(squares / "warm/re\nd\x1b[2J.png")
    gelato("build", squares, "--into", tmp_path / "c.gelato")
    lines = gelato("search", tmp_path / "c.gelato", "red").stdout.splitlines()
    assert len(lines) == 5 and lines[0].endswith(r"warm/re\nd\x1b[2J.png")


def test_search_takes_a_image_words_to_leave_out_and_a_filter(gelato, built, squares):
    by_image = json.loads(gelato("search", built, "--image", squares / "cold/blue.gif", "--json").stdout)
    assert by_image[0]["path"] == "cold/blue.gif"
    without = json.loads(gelato("search", built, "orange", "--without", "green", "--json").stdout)
    assert without[0]["path"] == "warm/red.png"
    cold = json.loads(gelato("search", built, "red", "--where", 'folder == "cold"', "--json").stdout)
    assert len(cold) == 3


def test_search_narrows_by_column_and_tag_orders_and_marks_what_is_likely(gelato, built):
    def paths(*words):
        return [hit["path"] for hit in json.loads(gelato("search", built, *words, "--json").stdout)]

    assert paths("red", "--filter", "folder=cold", "--filter", "folder=nowhere", "--filter", "height=30") == paths(
        "red", "--where", 'folder == "cold" and height == 30'
    )
    assert paths("--order", "name") == paths("--where", "width > 0", "--order", "name")
    collection = Collection.open(built)
    tag(collection, [collection.column("id").iat[0]], "print")
    assert paths("red", "--tag", "print") == [collection.column("path").iat[0]]
    hits = json.loads(gelato("search", built, "red", "--threshold", 0.1, "--json").stdout)
    likely = [hit for hit in hits if hit["likely"]]
    assert 0 < len(likely) < 5 and hits[: len(likely)] == likely
    assert {(hit["threshold"], hit["matching"]) for hit in hits} == {(0.1, 5)}
    assert paths("red", "--threshold", 0.1, "--likely") == [hit["path"] for hit in likely]
    lines = gelato("search", built, "red", "--threshold", 0.1).stdout.splitlines()
    assert [" likely " in line for line in lines[:5]] == [hit["likely"] for hit in hits]
    assert lines[5] == f"{len(likely)} likely of 5 images (threshold 0.1)"


def test_what_is_not_wanted_can_be_all_that_is_asked(gelato, built):
    first = json.loads(gelato("search", built, "--without", "green", "--json").stdout)[0]
    assert first["path"] != "cold/green.bmp"
    assert json.loads(gelato("search", built, "--json", "--", "- green").stdout)[0] == first


def test_label_says_how_many_true_labels_were_not_offered(gelato, built):
    result = gelato("label", built, "--classes", "warm,blue", "--truth", "folder", "--json")
    assert json.loads(result.stdout)["not_offered"] == 3


def test_label_writes_a_row_a_image_and_answers_a_summary(gelato, built, tmp_path):
    out = tmp_path / "labels.csv"
    document = json.loads(gelato("label", built, "--classes", "red,blue", "--out", out, "--json").stdout)
    labels = pd.read_csv(out)
    assert list(labels.columns) == ["path", "label", "probability", "runner_up", "margin"]
    assert sum(document["classes"].values()) == len(labels) == 5
    gelato("label", built, "--classes", "red,blue", "--out", tmp_path / "labels.json")
    rows = json.loads((tmp_path / "labels.json").read_text(), parse_constant=pytest.fail)["labels"]
    assert [row["label"] for row in rows] == labels["label"].tolist()
    (tmp_path / "classes.txt").write_text("warm colours: red, orange\nblue\n")
    document = json.loads(gelato("label", built, "--classes", tmp_path / "classes.txt", "--json").stdout)
    assert set(document["classes"]) == {"warm colours", "blue"}


def test_label_lists_the_images_to_label_next(gelato, built):
    words = ("label", built, "--classes", "red,blue", "--queue", "entropy", "-k", "2")
    document = json.loads(gelato(*words, "--json").stdout)
    assert len(document["queue"]) == 2 and set(document["queue"][0]) >= {"id", "path", "label", "runner_up", "margin"}
    assert document["queue"][0]["path"] in gelato(*words).stdout
    second = json.loads(gelato(*words[:4], "--queue", "disagreement", "--second", built, "--json").stdout)["queue"]
    assert len(second) == 5  # it agrees with itself; all are listed


def test_label_answers_none_only_when_asked(gelato, built):
    without = json.loads(gelato("label", built, "--classes", "red", "--json").stdout)
    assert "none" not in without["classes"]


def test_info_tells_what_there_is(gelato, built):
    document = json.loads(gelato("info", built, "--json").stdout)
    assert (document["images"], document["failed"], document["dim"], document["encoder"]) == (5, 0, 3, "colour")
    assert document["search"]["kind"] == "flat"
    assert document["search"]["recall_at_10"] == 1.0
    assert document["bytes"] > 0 and document["segments"] == 1
    assert "5 images" in gelato("info", built).stdout


@pytest.mark.parametrize(
    "words, message",
    [
        (["search", "nowhere", "red"], "does not exist; make one with"),
        (["build", "nowhere", "--into", "c"], "There is nothing at nowhere"),
        (["build", "empty", "--into", "c"], "has no images in it"),
        (["search", "C", ""], "nothing to search for"),
        (["search", "C", "--image", "nowhere.png"], "nowhere.png cannot be read"),
        (["search", "C", "red", "--where", "x("], "cannot be read"),
        (["search", "C", "red", "--filter", "folder"], "not COLUMN=VALUE"),
        (["search", "C", "red", "--filter", "colour=red"], "no column called 'colour'"),
        (["search", "C", "red", "--order", "colour"], "choose from best, newest"),
        (["search", "C", "red", "--threshold", "high"], "not a number, auto, on or off"),
        (["search", "C", "red", "--threshold", "off", "--likely"], "no likely images"),
        (["label", "C", "--classes", "nowhere.txt"], "There is no file nowhere.txt"),
        (["label", "C", "--classes", " , "], "no classes"),
        (["label", "C", "--classes", "a,b", "--queue", "disagreement"], "--second go together"),
        (["label", "C", "--classes", "a,b", "--queue", "disagreement", "--second", "no"], "no"),
        (["label", "C", "--classes", "a", "--templates", "none"], "no template set called 'none'"),
        (["label", "C", "--classes", "a", "--truth", "none"], "neither a file nor a column"),
        (["label", "C", "--classes", "a", "--out", "no/such/labels.csv"], "cannot be written"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_1(gelato, built, words, message, monkeypatch):
    monkeypatch.chdir(built.parent)
    Path("empty").mkdir()
    result = gelato(*[built if word == "C" else word for word in words])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    assert message in result.stderr


def test_a_usage_mistake_exits_2(gelato):
    assert gelato("search").exit_code == 2
    assert gelato("build", "x").exit_code == 2


def test_an_unknown_encoder_is_one_line_without_a_traceback(squares, tmp_path):
    words = ["build", squares, "--into", tmp_path / "c", "--encoder", "startr"]
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert "There is no encoder called 'startr'" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "c").exists()


def test_a_collection_remembers_its_encoder(gelato, built, squares):
    assert Collection.open(built).encoder_name == "colour"
    os.utime(squares / "warm/red.png", (0, 0))
    document = json.loads(gelato("build", squares, "--into", built, "--json").stdout)
    assert (document["unchanged"], document["embedded"]) == (5, 0)


def test_bench_says_how_near_a_build_comes_to_its_bound(gelato, squares):
    document = json.loads(gelato("bench", "build", squares, "--json").stdout)
    assert (document["images"], document["failed"]) == (5, 0)
    assert document["upper_bound"] == pytest.approx(1000 / sum(document["milliseconds"].values()), rel=0.05)
    assert document["ratio"] == pytest.approx(document["images_per_second"] / document["upper_bound"], rel=0.05)
    assert list(document["milliseconds"]) == ["read", "hash", "decode", "preprocess", "thumbnail", "embed", "write"]
    assert "of it" in gelato("bench", "build", squares).stdout
    assert gelato("bench", "build", "nowhere").exit_code == 1
