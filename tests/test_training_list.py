"""python -m training list: every registry, in words and as JSON; and no command writes where nobody asked it to."""

import json
from pathlib import Path

import open_clip
import pytest
from click.testing import CliRunner

from tests.samples import SMALL_TOWERS
from training.__main__ import cli
from training.cli.listing import KINDS
from training.evaluation import PROBES
from training.methods import METHODS
from training.models.tower_configs import TINY


def listed(*words: str) -> str:
    result = CliRunner().invoke(cli, ["list", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_list_holds_every_registry_with_a_line_for_each():
    found = json.loads(listed("--json"))
    names = {kind: [row["name"] for row in rows] for kind, rows in found.items()}
    assert list(found) == list(KINDS)
    assert names["methods"] == list(METHODS) and names["probes"] == list(PROBES)
    assert set(TINY) | {"starter", "resnet18-32"} <= set(names["towers"])
    assert set(open_clip.list_models()) <= set(names["towers"])
    assert names["optimizers"] == ["adamw", "sgd", "lars"]
    assert "crop" in names["augmentations"] and "simclr" in found["augmentations"][0]["methods"]
    assert all(row["text"] for rows in found.values() for row in rows)
    assert next(row for row in found["methods"] if row["name"] == "clip")["needs"] == "captions"


def test_words_say_the_same_within_a_terminal():
    text = listed("methods", "towers")
    assert all(f"  {name} " in text for name in METHODS) and "ViT-B-32" in text and "Probes" not in text
    assert max(map(len, text.splitlines())) <= 120
    wrong = CliRunner().invoke(cli, ["list", "tower"])
    assert wrong.exit_code == 2 and "'tower' is not one of" in wrong.stderr


@pytest.fixture(scope="module")
def run(captioned, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("asked") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GELATO_CACHE", str(out.parent / "cache"))
        patch.setitem(TINY, "tiny", SMALL_TOWERS)
        words = [
            "clip",
            "--data",
            captioned,
            "--steps",
            1,
            "--batch-size",
            8,
            "--workers",
            0,
            "--out",
            out,
            "--no-report",
        ]
        assert CliRunner().invoke(cli, [str(word) for word in words]).exit_code == 0
    return out


COMMANDS = {
    "compare": ["compare", "{run}", "--data", "{data}", "--suite", "knn"],
    "evaluate": ["evaluate", "{run}", "--data", "{data}", "--suite", "knn"],
    "explain": ["simclr", "--data", "{data}", "--batch-size", "8", "--explain"],
    "doctor": ["doctor", "{run}"],
    "report": ["report", "{run}", "--data", "{data}"],
    "export": ["export", "{run}"],
    "resume": ["resume", "{run}"],
    "claims": ["claims", "--list"],
    "claim": ["claims", "nt-xent-is-cross-entropy", "--quick"],
    "audit": ["scenes", "audit", "--pairs", "2"],
    "list": ["list"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_leaves_the_working_directory_as_it_was(run, captioned, tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)
    result = CliRunner().invoke(cli, [word.format(run=run, data=captioned) for word in COMMANDS[name]])
    assert result.exit_code == 0, result.output
    assert list((tmp_path / "here").iterdir()) == []


def test_methods_of_a_comparison_are_trained_only_where_one_says(captioned):
    words = ["compare", "--methods", "simclr", "--train", str(captioned), "--data", str(captioned)]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 1 and "trained into --out" in result.stderr
