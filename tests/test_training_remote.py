"""A run goes on with other workers and on other ranks than it began with, and its log can be read elsewhere."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from tests.ranks import on_ranks
from tests.samples import SMALL_TOWERS
from training.__main__ import cli
from training.data.config import DataConfig
from training.engine.log import CLOCK, check_loggers, read_metrics
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import begin, resume

RUN = {"batch_size": 8, "steps": 8, "workers": 0, "log_every": 2, "checkpoint_every": 4, "device": "cpu"}


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


def run(folder: Path, out: Path, steps: int = 8, **of_data) -> None:
    """The run of RUN, stopped after so many steps."""
    done = iter(range(1, 100))
    data = DataConfig(data=(str(folder),), **of_data)
    begin(out, "clip", data, RUN, {}, stop=lambda: next(done) == steps, quiet=True)


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model.safetensors")


def log(out: Path) -> list[dict]:
    return [{k: v for k, v in line.items() if k not in CLOCK} for line in read_metrics(out / "metrics.jsonl")]


def main(rank: int) -> dict:
    """Two ranks go on with the run that the environment names."""
    import os

    TINY["tiny"] = SMALL_TOWERS
    trainer = resume(Path(os.environ["GELATO_TEST_RUN"]), quiet=True)
    return {"step": trainer.step, "world": trainer.world.size}


def test_a_run_goes_on_with_other_workers_to_the_same_bits(captioned, tmp_path):
    run(captioned, tmp_path / "whole")
    run(captioned, tmp_path / "moved", steps=3)
    answer = CliRunner().invoke(cli, ["resume", str(tmp_path / "moved"), "--workers", "2", "--json"])
    assert answer.exit_code == 0, answer.output
    whole, moved = weights(tmp_path / "whole"), weights(tmp_path / "moved")
    assert all(torch.equal(whole[name], moved[name]) for name in whole)
    assert log(tmp_path / "whole") == log(tmp_path / "moved")


@pytest.mark.slow
def test_a_run_of_one_rank_goes_on_on_two_to_the_same_weights(captioned, tmp_path, monkeypatch):
    """Apart from rounding, since two ranks add in another order; the images and their crops are the same."""
    run(captioned, tmp_path / "whole")
    run(captioned, tmp_path / "moved", steps=3)
    before = weights(tmp_path / "moved")
    monkeypatch.setenv("GELATO_TEST_RUN", str(tmp_path / "moved"))
    found = on_ranks("tests.test_training_remote", tmp_path)
    assert [of_rank["step"] for of_rank in found] == [8, 8] and found[0]["world"] == 2
    whole, moved = weights(tmp_path / "whole"), weights(tmp_path / "moved")
    travelled = sum(float((whole[name] - before[name]).square().sum()) for name in whole) ** 0.5
    apart = sum(float((whole[name] - moved[name]).square().sum()) for name in whole) ** 0.5
    assert apart < 0.01 * travelled, "a wrong image or gradient would lead elsewhere"
    losses = [[line["loss"] for line in log(tmp_path / name)] for name in ("whole", "moved")]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def recording(module: str, monkeypatch) -> list:
    """A stand-in for the package that a logger imports: what it was told, in order."""
    said: list = []

    class SummaryWriter:
        def __init__(self, folder):
            said.append(("folder", folder))

        def add_scalar(self, name, value, step):
            said.append((name, value, step))

        def close(self):
            said.append("closed")

    stand_in = ModuleType(module)
    if module == "wandb":

        def init(**settings):
            said.append(settings)
            return SimpleNamespace(
                log=lambda values, step: said.append((values, step)), finish=lambda: said.append("closed")
            )

        stand_in.init = init
    else:
        stand_in.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, module, stand_in)
    return said


def test_tensorboard_gets_every_number_of_the_log(captioned, tmp_path, monkeypatch):
    said = recording("torch.utils.tensorboard", monkeypatch)
    run(captioned, tmp_path / "run", logger=("tensorboard",))
    assert said[0] == ("folder", str(tmp_path / "run/tensorboard")) and said[-1] == "closed"
    expected = [
        (name, value, line["step"])
        for line in read_metrics(tmp_path / "run/metrics.jsonl")
        for name, value in line.items()
        if name != "step"
    ]
    assert said[1:-1] == expected and len(expected) > 20


def test_wandb_gets_every_line_under_the_name_of_the_run_also_when_resumed(captioned, tmp_path, monkeypatch):
    said = recording("wandb", monkeypatch)
    run(captioned, tmp_path / "run", steps=4, logger=("wandb",))
    resume(tmp_path / "run", quiet=True)
    begun = [settings for settings in said if isinstance(settings, dict)]
    assert [(of["id"], of["resume"]) for of in begun] == [("run", "allow")] * 2
    assert json.loads(json.dumps(begun[0]["config"])) == json.loads((tmp_path / "run/config.json").read_text())
    assert [step for _, step in (line for line in said if isinstance(line, tuple))] == [2, 4, 6, 8]
    assert said[-1] == "closed"


@pytest.mark.parametrize("name, module", [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")])
def test_a_logger_that_is_not_installed_says_what_brings_it(monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=f"pip install {name}"):
        check_loggers([name])
