"""Every lesson on the smallest input, its main figure beside a result from elsewhere."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from app.state import lessons as page_lessons
from tests.conftest import ROOT
from training.__main__ import cli
from training.lessons import LESSONS
from training.lessons.limits import TIMEOUT
from training.lessons.page import text as page_text
from training.models.encoders import load_encoder
from training.models.zoo import zoo

Parts = dict[str, dict[str, Any]]
KINDS = {"sentence", "remark", "matrix", "curve", "bars", "histogram", "images", "steps"}


def parts_of(name: str, photos: tuple[Image.Image, ...] = (), **settings: object) -> Parts:
    """The last state of each part of a lesson, after its way through JSON."""
    found: Parts = {}
    for part in LESSONS[name].run({key: str(value) for key, value in settings.items()}, photos):
        found[part["part"]] = json.loads(json.dumps(part, allow_nan=False))
    return found


def number_in(parts: Parts, before: str) -> float:
    """The number that follows some words in the sentence of a lesson."""
    return float(parts["result"]["text"].split(before)[1].split()[0].strip("().,;%"))


def nt_xent_by_hand(parts: Parts) -> None:
    """Equation 1 of the paper as two loops over the cosines that are shown, which have five digits."""
    cosines = parts["similarity"]["values"]
    count = len(cosines)
    losses = []
    for i, row in enumerate(cosines):
        others = [math.exp(value / 0.2) for value in row if value is not None]
        losses.append(-math.log(math.exp(row[(i + count // 2) % count] / 0.2) / sum(others)))
    assert number_in(parts, "Loss") == pytest.approx(np.mean(losses), abs=2e-3)
    assert [float(one) for one in parts["similarity"]["extra"]] == pytest.approx(losses, abs=0.01)


def views_of_nothing_are_equal(parts: Parts) -> None:
    """Without crops, colours, grey and blur, a view is the image or its mirror image: an untrained CNN nearly ties."""
    for row in parts["similar"]["rows"]:
        assert row["value"] > 0.9
        assert row["value"] > row["beside"]


def families_are_stored(parts: Parts) -> None:
    shown = {row["name"]: row["value"] for part in parts.values() for row in part.get("rows", [])}
    stored = {model.name: json.loads((model.folder / "evaluation.json").read_bytes()) for model in zoo()}
    assert shown == {name: pytest.approx(of["linear/colour"]["value"], rel=1e-4) for name, of in stored.items()}


def clip_loss_by_hand(parts: Parts) -> None:
    """Both softmaxes of the cosines that are shown, as in the pseudocode of the lecture."""
    cosines = torch.tensor(parts["matrix"]["values"], dtype=torch.float64) * 20
    labels = torch.arange(len(cosines))
    both = [torch.nn.functional.cross_entropy(logits, labels) for logits in (cosines, cosines.T)]
    assert number_in(parts, "Loss") == pytest.approx(float(sum(both)) / 2, abs=2e-3)


def zero_shot_by_hand(parts: Parts) -> None:
    """Five prompts, embedded and compared once more."""
    encoder = load_encoder("zoo/clip")
    prompts = parts["steps"]["boxes"][0]["lines"]
    cosines = encoder.embed_texts(prompts) @ encoder.embed_images([RED])[0]
    powers = np.exp(cosines.astype(np.float64) / 0.1)
    assert [row["value"] for row in parts["softmax"]["rows"]] == pytest.approx(powers / powers.sum(), rel=1e-3)


RED = Image.new("RGB", (80, 60), "red")
CASES: dict[str, tuple[dict[str, object], tuple[Image.Image, ...], Callable[[Parts], None]]] = {
    "families": ({"of": "colour", "probe": "linear"}, (), families_are_stored),
    "views": ({"crop": 1, "jitter": 0, "grey": 0, "blur": 0}, (), views_of_nothing_are_equal),
    "nt-xent": ({"temperature": 0.2, "encoder": "zoo/simclr"}, (RED,), nt_xent_by_hand),
    "clip": ({"scale": 20}, (), clip_loss_by_hand),
    "zero-shot": ({"temperature": 0.1, "encoder": "zoo/clip"}, (RED,), zero_shot_by_hand),
}


def test_every_lesson_has_a_case():
    assert set(CASES) == set(LESSONS)


@pytest.mark.parametrize("name", CASES)
def test_a_lesson_shows_what_is_computed_elsewhere(name):
    settings, photos, check = CASES[name]
    parts = parts_of(name, photos, **settings)
    assert {part["kind"] for part in parts.values()} <= KINDS
    assert parts["result"]["text"].endswith((".", "?"))
    check(parts)


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_says_what_one_sees_and_what_to_move(name):
    lesson = LESSONS[name]
    assert 2 <= lesson.says.count(". ") + 1 <= 4, "two to four sentences"
    assert lesson.look and lesson.paper and lesson.controls
    first = lesson.controls[0]
    assert first.read(str(first.default)) == first.default
    assert all(len(control.options) != 1 for control in lesson.controls)


def test_the_command_lists_computes_and_refuses():
    run = CliRunner()
    assert set(json.loads(run.invoke(cli, ["lesson", "--json"]).stdout)[0]) >= {"name", "title", "section", "controls"}
    lines = run.invoke(cli, ["lesson", "families", "--set", "of=colour", "--json"]).stdout.splitlines()
    assert {json.loads(line)["kind"] for line in lines} == {"bars", "sentence", "remark"}
    assert "labels" in run.invoke(cli, ["lesson", "families"]).stdout
    for wrong, words in {
        ("nt-xnet",): "Did you mean 'nt-xent'?",
        ("nt-xent", "--set", "temperature=9"): "a number from 0.02 to 2",
        ("nt-xent", "--set", "heat=1"): "no setting called 'heat'",
        ("nt-xent", "--set", "temperature"): "KEY=VALUE",
        ("families", "--image", "README.md"): "takes none",
    }.items():
        result = run.invoke(cli, ["lesson", *wrong])
        assert result.exit_code == 1
        assert words in result.output and "Traceback" not in result.output


def test_the_page_of_docs_is_made_from_the_registry():
    assert (ROOT / "docs/learn.md").read_text(encoding="utf-8") == page_text()
    assert page_lessons.TIMEOUT == TIMEOUT
