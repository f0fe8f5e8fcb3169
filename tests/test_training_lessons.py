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
from benchmarks.stored_lessons import stored
from tests.conftest import ROOT
from training.__main__ import cli
from training.data.scenes.graph import COLOUR_NAMES, NATURAL
from training.lessons import LESSONS
from training.lessons import data as data_lesson
from training.lessons import queue as queue_lesson
from training.lessons.limits import TIMEOUT
from training.lessons.page import text as page_text
from training.methods.jigsaw import distant_permutations
from training.models.encoders import load_encoder
from training.models.inline_image import image_of_url
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


def the_order_is_a_permutation_of_the_set(parts: Parts) -> None:
    """The permutation of that number, shifted by one."""
    words = parts["result"]["text"]
    number, order = int(words.split()[1]), [int(word.strip(",.")) for word in words.split("order ")[1].split()[:9]]
    assert sorted(order) == list(range(1, 10))
    assert [i - 1 for i in order] == distant_permutations(100)[number].tolist()


def info_nce_by_hand(parts: Parts) -> None:
    """Equation 1 of the paper as loops; and the most similar of more negatives is never less similar."""
    query, key, queue = (rows.numpy() for rows in queue_lesson.embedded("zoo/untrained"))
    losses = []
    for q, k in zip(query, key, strict=True):
        positive, others = math.exp(q @ k / 0.2), [math.exp(q @ n / 0.2) for n in queue[:16]]
        losses.append(-math.log(positive / (positive + sum(others))))
    assert number_in(parts, "Loss") == pytest.approx(np.mean(losses), abs=0.01)
    hardest = [y for _, y in parts["hardest"]["lines"][0]["points"]]
    assert hardest == sorted(hardest)


def without_momentum_nothing_lags(parts: Parts) -> None:
    assert {y for _, y in parts["lag"]["lines"][0]["points"]} == {0.0}
    ages = parts["age"]["lines"][0]["points"]
    assert ages[0] == [0, pytest.approx(1, abs=1e-4)]
    assert ages[-1][1] < 0.99  # but its old keys are of another encoder


def neither_part_means_collapse(parts: Parts) -> None:
    """Below a third of the spread at the start; the loss is 2 - 2 cos in both directions, and falls to 0 with it."""
    spread = [y for _, y in parts["spread"]["lines"][0]["points"]]
    assert spread[-1] < spread[0] / 3
    assert "have collapsed" in parts["result"]["text"]
    assert parts["loss"]["lines"][0]["points"][-1][1] < 0.1


def sinkhorn_by_hand(parts: Parts) -> None:
    """Columns, then rows, divided by their sums three times."""
    codes = np.exp(np.array(parts["scores"]["values"]) / 0.1)
    for _ in range(3):
        codes /= codes.sum(axis=0)
        codes /= codes.sum(axis=1, keepdims=True)
    assert np.array(parts["codes"]["values"]) == pytest.approx(codes, abs=2e-3)
    assert [row["value"] for row in parts["usage"]["rows"]] == pytest.approx(codes.mean(axis=0), abs=2e-3)


def without_sharpening_the_teacher_is_flat(parts: Parts) -> None:
    rows = np.array(parts["teacher"]["values"])
    entropy = -(rows * np.log(rows)).sum(axis=1)
    assert entropy == pytest.approx(math.log(48), abs=0.05)
    assert "uniform" in parts["result"]["text"]


def three_quarters_are_hidden(parts: Parts) -> None:
    assert parts["result"]["text"].startswith("4 of 16 patches")
    assert [len(parts[name]["images"]) for name in ("photo", "scene-1", "scene-2")] == [3, 3, 3]
    visible = image_of_url(parts["scene-1"]["images"][0]["image"])
    grey = (np.abs(np.asarray(visible, int) - 128) < 6).all(axis=2).mean()
    assert 0.7 < grey < 0.95  # a scene may be grey itself


def comparisons_by_hand(parts: Parts) -> None:
    (a, b), (c, d) = parts["scores"]["values"]
    assert parts["result"]["text"].startswith(f"{(a > b) + (d > c) + (a > c) + (d > b)} of the 4")
    (text, image, group) = (row["value"] for row in parts["measured"]["rows"])
    assert group <= min(text, image)


def usual_colours_by_hand(parts: Parts) -> None:
    rows = np.array(parts["colours"]["values"])
    assert rows.sum(axis=1) == pytest.approx(1, abs=1e-3)
    usual = [rows[i, COLOUR_NAMES.index(NATURAL[head["text"]])] for i, head in enumerate(parts["colours"]["rows"])]
    assert number_in(parts, "probability of") == pytest.approx(100 * np.mean(usual), abs=0.51)


def runs_are_those_of_the_claims(parts: Parts) -> None:
    assert json.loads(data_lesson.STORED.read_bytes()) == stored()
    files = sorted((ROOT / "benchmarks/results/claims").glob("clip-labels-?.json"))
    values = [json.loads(file.read_bytes())["measured"]["colour: words"] for file in files]
    assert parts["figures"]["rows"][0]["value"] == pytest.approx(np.mean(values), abs=1e-4)


def systems_up_to_2016(parts: Parts) -> None:
    assert [box["title"] for box in parts["systems"]["boxes"]] == ["DeViSE, 2013", "Colorisation, jigsaw, 2016"]


RED = Image.new("RGB", (80, 60), "red")
CASES: dict[str, tuple[dict[str, object], tuple[Image.Image, ...], Callable[[Parts], None]]] = {
    "structure": ({"draw": 3}, (RED,), the_order_is_a_permutation_of_the_set),
    "families": ({"of": "colour", "probe": "linear"}, (), families_are_stored),
    "views": ({"crop": 1, "jitter": 0, "grey": 0, "blur": 0}, (), views_of_nothing_are_equal),
    "nt-xent": ({"temperature": 0.2, "encoder": "zoo/simclr"}, (RED,), nt_xent_by_hand),
    "queue": ({"negatives": 16, "encoder": "zoo/untrained"}, (), info_nce_by_hand),
    "momentum": ({"momentum": 0}, (), without_momentum_nothing_lags),
    "byol": ({"network": "neither"}, (), neither_part_means_collapse),
    "sinkhorn": ({"iterations": 3, "epsilon": 0.1, "encoder": "zoo/swav"}, (), sinkhorn_by_hand),
    "dino": ({"teacher": "no sharpening"}, (), without_sharpening_the_teacher_is_flat),
    "mae": ({"masked": 0.75}, (RED,), three_quarters_are_hidden),
    "clip": ({"scale": 20}, (), clip_loss_by_hand),
    "zero-shot": ({"temperature": 0.1, "encoder": "zoo/clip"}, (RED,), zero_shot_by_hand),
    "data": ({"changed": "captions"}, (), runs_are_those_of_the_claims),
    "order": ({"kind": "role swap", "pair": 1}, (), comparisons_by_hand),
    "lemons": ({"painted": "wrong colour", "encoder": "zoo/clip"}, (), usual_colours_by_hand),
    "after": ({"year": 2016}, (), systems_up_to_2016),
}
SMALLEST = {  # sizes of the lessons, as small as they still show what they are about
    "momentum": {"STEPS": 8},
    "byol": {"STEPS": 20},
    "dino": {"STEPS": 16},
    "mae": {"STEPS": 12},
    "queue": {"MOST": 64, "QUERIES": 8, "COUNTS": [8, 16, 64]},
    "order": {"EACH": 4},
}


def test_every_lesson_has_a_case():
    assert set(CASES) == set(LESSONS)


@pytest.mark.parametrize("name", CASES)
def test_a_lesson_shows_what_is_computed_elsewhere(name, monkeypatch):
    settings, photos, check = CASES[name]
    for constant, value in SMALLEST.get(name, {}).items():
        monkeypatch.setattr(f"training.lessons.{name}.{constant}", value)
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
