"""What a run logs of itself while it trains is what `evaluate` says of it afterwards."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from tests.samples import SMALL_TOWERS, noise_image
from training.__main__ import cli
from training.engine.log import read_metrics
from training.evaluation.run_defaults import runtime_for, templates_for
from training.models.tower_configs import TINY

KINDS = ("striped_cat", "dog", "ship", "tree")


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """A cache of the test's own, and the tiny towers smaller still."""
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


@pytest.fixture
def held_out(tmp_path):
    """Photographs of several formats and sizes, each class with a tint, one of them unreadable."""
    rng = np.random.default_rng(0)
    for number in range(48):
        folder = tmp_path / "held" / KINDS[number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        ending, size = (".png", ".jpg", ".webp")[number % 3], (int(rng.integers(20, 300)), int(rng.integers(20, 300)))
        tint = Image.new("RGB", size, tuple(int(c) for c in rng.integers(0, 255, 3)))
        Image.blend(noise_image(number, size), tint, 0.4).save(folder / f"{number:02}{ending}")
        (folder / f"{number:02}.txt").write_text(f"a {KINDS[number % 4]} number {number}\n")
    (tmp_path / "held/dog/cut.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "held"


def command(*words) -> str:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


OF_CLIP = ("clip", ["--caption", "one {folder}"], {"zero-shot", "retrieval", "knn"})
OF_SIMCLR = ("simclr", [], {"knn"})


@pytest.mark.parametrize(
    ("method", "options", "probes", "cache"),
    [
        *((*OF_CLIP, "100"), (*OF_SIMCLR, "0")),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in ((*OF_CLIP, "0"), (*OF_SIMCLR, "100"))),
    ],
)
def test_the_last_line_of_a_log_equals_the_command(captioned, held_out, tmp_path, method, options, probes, cache):
    run = tmp_path / "run"
    sizes = ["--steps", 9, "--batch-size", 8, "--workers", 0, "--image-size", 32, "--learning-rate", 0.01]
    evaluation = ["--evaluate", held_out, "--evaluate-every", 3, "--cache", cache]
    command(method, "--data", captioned, "--out", run, *sizes, *options, *evaluation)
    logged = [line for line in read_metrics(run / "metrics.jsonl") if "evaluation" in line]
    assert [line["step"] for line in logged] == [3, 6, 9]
    figures = logged[-1]["evaluation"]["held"]
    assert set(figures) == probes
    said = json.loads(command("evaluate", run, "--data", held_out, "--suite", ",".join(probes), "--json"))
    assert {name: said[name] for name in probes} == figures


def test_class_names_are_embedded_anew_after_every_step(captioned, held_out, tmp_path):
    sizes = ["--steps", 6, "--batch-size", 8, "--workers", 0, "--learning-rate", 0.05]
    evaluation = ["--evaluate", held_out, "--evaluate-every", 3, "--suite", "zero-shot"]
    for name in ("first", "second"):  # the second would find what the first one kept
        command("clip", "--data", captioned, "--out", tmp_path / name, *sizes, *evaluation)
    first, second = (
        [line["evaluation"] for line in read_metrics(tmp_path / name / "metrics.jsonl") if "evaluation" in line]
        for name in ("first", "second")
    )
    assert first == second
    assert not list((tmp_path / "cache").rglob("*.sqlite"))


def test_a_run_is_evaluated_by_default_as_its_log_and_other_encoders_as_ever(captioned, tmp_path):
    run = tmp_path / "run"
    sizes = ["--steps", 1, "--batch-size", 8, "--workers", 0]
    command("clip", "--data", captioned, "--out", run, *sizes, "--caption", "one {folder}")
    assert templates_for(str(run)) == ("one {}",) and templates_for(str(run), "plain") == ("{}",)
    assert templates_for("starter") == ("a photo of a {}.",)
    assert runtime_for(str(run), None, None) == ("torch", "f32")
    assert runtime_for(str(run), "openvino", None) == ("openvino", None)
    assert runtime_for("starter", None, None) == (None, None)
    shutil.rmtree(run)
    assert templates_for(str(run)) == ("a photo of a {}.",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--evaluate", "{tmp}/missing"], "There is nothing at {tmp}/missing"),
        (["--evaluate", "{held}", "--suite", "knnn"], "Did you mean 'knn'"),
        (["--out", "{held}/dog/cut.jpg/run"], "{held}/dog/cut.jpg/run cannot be written"),
        (["--data", "{tmp}/empty"], "{tmp}/empty has no images: choose another source with --data."),
    ],
)
def test_a_mistake_is_answered_before_anything_is_trained(held_out, tmp_path, options, said):
    (tmp_path / "empty").mkdir()
    places = {"tmp": tmp_path, "held": held_out}
    given = [option.format(**places) for option in options]
    data = [] if "--data" in given else ["--data", str(held_out)]
    out = [] if "--out" in given else ["--out", str(tmp_path / "run")]
    sizes = ["--steps", "1", "--batch-size", "8", "--workers", "0"]
    result = CliRunner().invoke(cli, ["clip", *data, *out, *sizes, *given])
    assert result.exit_code == 1 and said.format(**places) in result.stderr
    assert "Traceback" not in result.stderr and not (tmp_path / "run").exists()
