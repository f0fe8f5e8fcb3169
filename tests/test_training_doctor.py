"""The doctor reads numbers and names the illness; a healthy run gets none."""

import json
import math
import re
from dataclasses import asdict, fields

import pytest
from click.testing import CliRunner

from training.__main__ import cli
from training.data.config import DataConfig
from training.engine.config import RunConfig
from training.engine.doctor import chances
from training.methods import METHODS

HEALTHY = {"learning_rate": 1e-3, "gradient_norm": 1.0, "waiting": 0.02, "unreadable": 0, "epoch": 1.0}


def document(method="clip", settings=None, **of_run) -> dict:
    return {"method": method, "settings": settings or {}, "run": asdict(RunConfig(**{"batch_size": 128, **of_run}))}


def told(tmp_path, lines, **of_document) -> str:
    (tmp_path / "config.json").write_text(json.dumps(document(**of_document)))
    rows = [{"step": 10 * (n + 1), **HEALTHY, **line} for n, line in enumerate(lines)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = CliRunner().invoke(cli, ["doctor", str(tmp_path)])
    assert result.exit_code == 0, result.output
    return result.stdout


def falling(**more) -> list[dict]:
    return [{"loss": 4.8 / (n + 1), "scale": 20.0, "effective_rank": 20.0, "duplicates": 0.0, "floor": 0.0} | more
            for n in range(12)]  # fmt: skip


def test_a_healthy_run_has_nothing_wrong(tmp_path):
    assert told(tmp_path, falling()) == "The metrics show no problem.\n"


@pytest.mark.parametrize(
    "change, words, knob",
    [
        ({"loss": math.log(128) + 0.01}, "ln 128 = 4.852", "--learning-rate"),
        ({"loss": None}, "became NaN or infinite by step 10", "--learning-rate"),
        ({"scale": 100.0}, "at its lower limit", "--hard-negatives"),
        ({"waiting": 0.6}, "waits for its data 60%", "--workers"),
        ({"duplicates": 0.5, "floor": 0.4}, "50% of the captions", "--multi-positive"),
        ({"unreadable": 700}, "could not be read", "unreadable.tsv"),
    ],
)
def test_an_illness_is_named_with_the_knob_to_turn(tmp_path, change, words, knob):
    text = told(tmp_path, falling(**change))
    assert words in text and knob in text and text.count("\n") == 1


def test_a_rank_that_falls_is_named(tmp_path):
    lines = [line | {"effective_rank": 30.0 if n < 6 else 3.0} for n, line in enumerate(falling())]
    assert "fallen from 30.0 to 3.0" in told(tmp_path, lines)


@pytest.mark.parametrize(
    "method, settings, size",
    [
        ("simclr", {}, 255),
        ("moco", {"queue": 4096}, 4097),
        ("swav", {"prototypes": 512}, 512),
        ("dino", {"outputs": 4096}, 4096),
        ("jigsaw", {"permutations": 100}, 100),
        ("relative-position", {}, 8),
    ],
)
def test_every_collapse_to_chance_has_its_own_number(tmp_path, method, settings, size):
    lines = falling(loss=math.log(size))
    assert f"ln {size} = " in told(tmp_path, lines, method=method, settings=settings)


def test_duplicates_that_are_counted_as_right_are_no_illness(tmp_path):
    lines = falling(duplicates=0.9, floor=2.0)
    assert "no problem" in told(tmp_path, lines, settings={"multi_positive": True})


def test_what_is_no_run_is_answered_in_one_line(tmp_path):
    result = CliRunner().invoke(cli, ["doctor", str(tmp_path)])
    assert result.exit_code == 1 and "is not a run of python -m training" in result.stderr


@pytest.mark.parametrize("method", ["clip", "simclr", "moco", "swav", "dino", "jigsaw", "relative-position"])
def test_every_knob_that_is_named_is_one_of_the_method(method):
    own = METHODS[method].Config
    known = {field.name for config in (own, RunConfig, DataConfig) for field in fields(config)}
    for _, _, turn in chances(document(method, asdict(own()))):
        named = {flag.replace("-", "_") for flag in re.findall(r"--([a-z-]+)", turn)}
        assert named and named <= known
