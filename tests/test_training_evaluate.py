"""python -m training evaluate, on images whose every answer can be checked by eye."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.samples import PALETTE, ColourEncoder, paint
from training.__main__ import cli
from training.evaluation import PROBES
from training.evaluation.pairs import open_pairs
from training.evaluation.report import html, markdown
from training.evaluation.subject import Subject
from training.evaluation.suite import default_probes, parse_suite, run_suite
from training.models.encoder import unit
from training.models.errors import UserError

COLOURS = ("red", "green", "blue")


class SeesOnly(ColourEncoder):
    reads_text, name = False, "eye"


class Collapsed(ColourEncoder):
    """Says the same of everything."""

    name = "collapsed"

    def embed_pixels(self, pixels):
        return np.tile(unit(np.ones((1, 3))), (len(pixels), 1))

    embed_text_batch = embed_pixels


@pytest.fixture
def swatches(tmp_path):
    """Twelve squares of each of three colours, the colour in the folder's name and in the caption, none the same."""
    rng = np.random.default_rng(0)
    for colour in COLOURS:
        for number in range(12):
            shade = tuple(int(c) for c in np.clip(np.array(PALETTE[colour]) + rng.integers(-15, 15, 3), 0, 255))
            paint(tmp_path / "swatches" / colour / f"{number:02}.png", shade)
            (tmp_path / "swatches" / colour / f"{number:02}.txt").write_text(f"a {colour} square\n")
    return tmp_path / "swatches"


@pytest.fixture
def pairs(tmp_path):
    """A table of pairs: a red and a blue square, and which is which."""
    for name in COLOURS:
        paint(tmp_path / f"{name}.png", name)
    rows = [("red", "blue", "easy"), ("green", "red", "easy"), ("blue", "green", "also easy")]
    table = pd.DataFrame(
        [
            {
                "image_0": f"{a}.png",
                "image_1": f"{b}.png",
                "caption_0": f"it is {a}",
                "caption_1": f"it is {b}",
                "tag": t,
            }
            for a, b, t in rows
        ]
    )
    table.to_csv(tmp_path / "pairs.csv", index=False)
    return tmp_path / "pairs.csv"


def run(*arguments, encoder=None, monkeypatch=None):
    if encoder is not None:
        monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: encoder)
    done = CliRunner().invoke(cli, ["evaluate", *map(str, arguments)])
    return done, json.loads(done.stdout) if "--json" in arguments and not done.exit_code else None


def test_what_captions_and_classes_allow_is_measured_with_an_interval_on_each_figure(swatches, monkeypatch):
    done, document = run("colour", "--data", swatches, "--json", encoder=ColourEncoder(), monkeypatch=monkeypatch)
    assert done.exit_code == 0, done.output
    assert {"geometry", "knn", "linear", "zero-shot", "retrieval"} <= set(document)
    assert document["knn"]["value"] == document["linear"]["value"] == document["zero-shot"]["value"] == 1
    assert document["knn"]["n"] == 18 and document["zero-shot"]["n"] == 36  # half of them; all of them
    assert document["retrieval"]["image_to_text@1"]["value"] == 1
    figures = [document["knn"], *document["retrieval"].values(), *document["geometry"].values()]
    assert all(set(figure) == {"value", "low", "high", "n"} for figure in figures)
    assert all(figure["low"] <= figure["value"] <= figure["high"] for figure in figures)
    assert document["beside"]["knn"]["chance"] == pytest.approx(1 / 3)
    assert document["beside"]["retrieval"]["chance"]["image_to_text@1"] == pytest.approx(1 / 3)


def test_captions_that_several_images_share_are_no_errors(swatches):
    found = run_suite(Subject(ColourEncoder(), str(swatches)), "retrieval").results["retrieval"]
    assert found.figures["text_to_image@1"]["n"] == 3  # three different captions
    assert found.figures["text_to_image@1"]["value"] == 1


def test_training_images_may_come_from_elsewhere_and_classes_are_matched_by_name(swatches, tmp_path):
    for number, colour in enumerate(("orange", "blue", "green", "red")):  # in an order of their own, and one more
        paint(tmp_path / "train" / colour / f"{number}.png", colour)
    found = run_suite(Subject(ColourEncoder(), str(swatches), train=str(tmp_path / "train")), "knn,linear").results
    assert found["knn"].figures["value"] == found["linear"].figures["value"] == 1
    assert found["knn"].figures["n"] == 36


def test_an_encoder_that_sees_only_is_measured_by_what_it_can(swatches):
    subject = Subject(SeesOnly(), str(swatches))
    assert default_probes(subject) == ["geometry", "knn", "linear"]
    with pytest.raises(UserError, match="retrieval cannot be run: it needs a text encoder, and eye is image-only"):
        run_suite(subject, "knn,retrieval")


def test_a_collapsed_encoder_gets_nothing_from_words_or_pairs(swatches, pairs):
    found = run_suite(Subject(Collapsed(), str(swatches)), "zero-shot,retrieval,geometry").results
    assert found["zero-shot"].figures["value"] == 0
    assert {figure["value"] for name, figure in found["retrieval"].named.items() if name.endswith("@1")} == {0}
    assert found["geometry"].figures["effective_rank"]["value"] == pytest.approx(1)
    assert found["geometry"].figures["uniformity"]["value"] == pytest.approx(0, abs=1e-6)
    scores = run_suite(Subject(Collapsed(), str(pairs)), "winoground").results["winoground"]
    assert {figure["value"] for figure in scores.named.values()} == {0}


def test_pairs_are_scored_in_all_and_by_tag_beside_chance_and_people(pairs, monkeypatch):
    done, document = run(
        "colour", "--data", pairs, "--suite", "winoground", "--json", encoder=ColourEncoder(), monkeypatch=monkeypatch
    )
    assert done.exit_code == 0, done.output
    names = [prefix + score for prefix in ("", "easy/", "also easy/") for score in ("text", "image", "group")]
    assert {name: figure["value"] for name, figure in document["winoground"].items()} == dict.fromkeys(names, 1.0)
    beside = document["beside"]["winoground"]
    assert "bag" in " ".join(document["notes"]["winoground"])
    assert beside["chance"]["group"] == pytest.approx(1 / 6) and beside["human"]["text"] == 0.895
    assert beside["CLIP ViT-B/32"]["image"] == 0.105


def as_bytes(colour: str) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (20, 20), PALETTE[colour]).save(held, "PNG")
    return held.getvalue()


def test_winogrounds_own_files_and_folders_of_pairs_are_read(tmp_path):
    row = {"id": 7, "caption_0": "red", "caption_1": "blue", "tag": "Noun", "collapsed_tag": "Object"}
    cells = {f"image_{i}": {"bytes": as_bytes(c), "path": None} for i, c in enumerate(("red", "blue"))}
    pd.DataFrame([row | cells]).to_parquet(tmp_path / "test.parquet")
    (tmp_path / "clone" / "data").mkdir(parents=True)  # as the hub hands it out
    pd.DataFrame([row | cells]).to_parquet(tmp_path / "clone" / "data" / "test-00000.parquet")
    paint(tmp_path / "own" / "images" / "ex_7_img_0.png", "red")
    paint(tmp_path / "own" / "images" / "ex_7_img_1.png", "blue")
    named = {"image_0": "ex_7_img_0", "image_1": "ex_7_img_1"}
    (tmp_path / "own" / "examples.jsonl").write_text(json.dumps(row | named) + "\n")
    for side, colour in enumerate(("red", "blue")):
        paint(tmp_path / "folder" / "Object" / f"7_{side}.png", colour)
        (tmp_path / "folder" / "Object" / f"7_{side}.txt").write_text(colour + "\n")
    for place in ("test.parquet", "clone", "own", "folder"):
        (example,) = open_pairs(str(tmp_path / place))
        assert example.captions == ("red", "blue") and example.tag == "Object" and "7" in example.name
        assert [open_().getpixel((3, 3)) for open_ in example.images] == [PALETTE["red"], PALETTE["blue"]]


def test_saved_embeddings_need_no_encoder(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(50, 8)) for name in ("image_0", "image_1", "caption_0", "caption_1")}
    np.savez(tmp_path / "pairs.npz", **arrays)
    done, document = run("--features", tmp_path / "pairs.npz", "--suite", "winoground", "--json")
    assert done.exit_code == 0, done.output
    assert 0 < document["winoground"]["text"]["value"] < 0.6 and document["winoground"]["text"]["n"] == 50
    np.savez(tmp_path / "half.npz", image_0=arrays["image_0"])
    done, _ = run("--features", tmp_path / "half.npz")
    assert done.exit_code == 1 and "lacks image_1, caption_0, caption_1" in done.stderr
    assert "Traceback" not in done.output
    (tmp_path / "no.npz").write_text("hello")
    assert run("--features", tmp_path / "no.npz")[0].exit_code == 1
    assert run("--features", tmp_path / "pairs.npz", "--suite", "knn")[0].exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (("colour", "--suite", "kn"), "no probe called 'kn'. Did you mean 'knn'?", 1),
        (("colour", "--suite", "knn"), "knn cannot be run: it needs images; name them with --data", 1),
        ((), "Missing argument 'ENCODER'", 2),
        (("colour",), "Missing option '--data' or '--suite'", 2),
        (("colour", "--data", "nowhere", "--suite", "knn"), "There is nothing at nowhere", 1),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_sentence(arguments, says, code, monkeypatch):
    done, _ = run(*arguments, encoder=ColourEncoder(), monkeypatch=monkeypatch)
    assert done.exit_code == code and says in done.stderr


def test_images_without_classes_or_names_are_told_apart(squares, tmp_path):
    with pytest.raises(UserError, match="needs captions"):
        run_suite(Subject(ColourEncoder(), str(squares)), "retrieval")
    table = pd.DataFrame({"path": [str(path) for path in sorted(squares.rglob("*.*"))], "label": range(5)})
    table.to_csv(tmp_path / "numbers.csv", index=False)
    with pytest.raises(UserError, match="needs class names"):
        run_suite(Subject(ColourEncoder(), str(tmp_path / "numbers.csv")), "zero-shot")


def test_a_image_that_cannot_be_read_is_left_out(swatches):
    (swatches / "red" / "broken.png").write_bytes(b"not an image")
    subject = Subject(ColourEncoder(), str(swatches))
    assert len(subject.test) == 36 and subject.test.unreadable[0][0] == "red/broken.png"


def test_a_report_is_a_page_with_the_images_that_went_wrong(swatches, tmp_path, monkeypatch):
    out = tmp_path / "report"
    done, _ = run(
        "x", "--data", swatches, "--suite", "zero-shot,knn", "--out", out, encoder=Collapsed(), monkeypatch=monkeypatch
    )
    assert done.exit_code == 0, done.output
    page = (out / "report.html").read_text()
    assert page.count("data:image/webp;base64,") == 24 and "predicted as" in page
    assert "http" not in page  # nothing is fetched
    assert json.loads((out / "report.json").read_text())["zero-shot"]["value"] == 0
    assert "| zero-shot | 0 | 0 to 0.0974 | 36 | 0.333 |" in (out / "report.md").read_text()


def test_names_in_a_report_cannot_become_markup(tmp_path):
    encoder = SeesOnly()
    encoder.name = "<script>alert(1)</script>"
    for colour in COLOURS:
        for number in range(4):
            paint(tmp_path / "s" / f"<b>{colour}" / f"{number}.png", (number * 60, 90, 90))
    report = run_suite(Subject(encoder, str(tmp_path / "s")), "knn")
    assert "<script>" not in html(report) and "<b>red" not in html(report)
    assert encoder.name in markdown(report)


def test_a_suite_is_names_with_commas_or_all_of_them():
    assert parse_suite("knn, linear,knn") == ["knn", "linear"]
    assert parse_suite("probes") == list(PROBES)
    with pytest.raises(UserError, match="No probe was named"):
        parse_suite(" , ")


@pytest.mark.parametrize("name", PROBES)
def test_every_probe_is_a_function_that_says_what_it_measures(name):
    assert PROBES[name].__doc__ and PROBES[name].__name__ == "probe"


def test_generated_examples_are_never_taken_for_those_of_the_data(swatches, pairs, tmp_path):
    notes = run_suite(Subject(ColourEncoder(), str(swatches), quick=True), "winoground,hard-negatives").results
    for finding in notes.values():
        assert f"generated examples, since {swatches} holds none." in finding.notes[0]
    assert (
        f"3 examples of {pairs}."
        in run_suite(Subject(ColourEncoder(), str(pairs)), "winoground").results["winoground"].notes[0]
    )
    with pytest.raises(UserError, match="There is nothing at"):
        run_suite(Subject(ColourEncoder(), str(tmp_path / "nowhere")), "winoground")


def test_a_set_of_examples_that_is_broken_is_refused_in_a_sentence(pairs, tmp_path):
    pd.read_csv(pairs).rename(columns={"caption_0": "text"}).to_csv(tmp_path / "half.csv")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "examples.jsonl").write_text('{"image_0": "a"\n')
    rows = [{"filename": "1.jpg", "caption": "a", "negative_caption": "b"}, {"filename": "2.jpg", "caption": "a"}]
    (tmp_path / "sugar.json").write_text(json.dumps(rows))
    (tmp_path / "no.json").write_text("{}")
    for name, suite, says in (
        ("half.csv", "winoground", "it lacks caption_0; its columns are"),
        ("own", "winoground", "Line 1 of .* cannot be read"),
        ("sugar.json", "hard-negatives", "example 1 lacks one of filename, caption, negative_caption"),
        ("no.json", "hard-negatives", "holds no hard negatives"),
    ):
        with pytest.raises(UserError, match=says):
            run_suite(Subject(ColourEncoder(), str(tmp_path / name)), suite)


def test_all_probes_of_a_set_of_pairs_leave_out_those_that_need_single_images(pairs):
    report = run_suite(Subject(ColourEncoder(), str(pairs), quick=True), "probes")
    assert "needs single images" in report.skipped["knn"]
    assert report.results["winoground"].named["group"]["n"] == 3 and "order" in report.results


def test_one_class_is_no_question(tmp_path):
    for number in range(12):
        paint(tmp_path / "only" / "red" / f"{number}.png", (200, 10 * number, 20))
    subject = Subject(ColourEncoder(), str(tmp_path / "only"))
    for name in ("knn", "linear", "few-shot", "zero-shot"):
        with pytest.raises(UserError, match="two classes or more"):
            run_suite(subject, name)
    assert default_probes(subject) == ["geometry"]
