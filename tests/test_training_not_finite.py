"""A step that is not finite is named, left out or gone back from, exactly as --on-nan says."""

import json
import re
from pathlib import Path

import pytest
import torch

from tests.samples import SMALL_TOWERS
from training.data.config import DataConfig
from training.data.loader import Batches
from training.engine.checkpoint import checkpoints
from training.engine.config import read_config
from training.engine.doctor import diagnose
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import begin, resume

RUN = {"batch_size": 8, "steps": 7, "workers": 0, "log_every": 2, "checkpoint_every": 2, "device": "cpu", "keep": 9}
RUN |= {"ema": 0.9}
MOCO = {"queue": 16}  # buffers that a forward pass fills
BATCH = 3  # that is broken
NAN = float("nan")


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


def train(data: Path, out: Path, **of_run: object) -> Trainer:
    return begin(out, "moco", DataConfig(data=(str(data),), tower="tiny"), RUN | of_run, MOCO, quiet=True)


def break_inputs(monkeypatch, broken=lambda batch: batch == BATCH):
    make = Batches.__getitem__

    def breaking(self, batch):
        loaded = make(self, batch)
        if broken(batch):
            loaded.arguments[0][0, 0, 0, 0] = NAN
        return loaded

    monkeypatch.setattr(Batches, "__getitem__", breaking)


def break_loss(monkeypatch):
    compute = Trainer._backward
    monkeypatch.setattr(
        Trainer, "_backward", lambda self, batch: compute(self, batch) * (NAN if self.step == BATCH else 1)
    )


def break_gradient(monkeypatch):
    compute = Trainer._backward

    def breaking(self, batch):
        loss = compute(self, batch)
        if self.step == BATCH:
            next(self.method.projector.parameters()).grad[0] = NAN
        return loss

    monkeypatch.setattr(Trainer, "_backward", breaking)


PARTS = {
    "input": (break_inputs, "An input of the loss holds NaN or infinite values at step 3"),
    "loss": (break_loss, "The loss became NaN or infinite at step 3"),
    "gradient": (
        break_gradient,
        r"The gradients of 1 of \d+ weight tensors became NaN .* at step 3, nearest to the loss that of projector",
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_run_that_stops_names_what_was_not_finite_and_the_last_step_that_was(captioned, tmp_path, monkeypatch, part):
    damage, sentence = PARTS[part]
    train(captioned, tmp_path / "whole", steps=3, log_every=1)
    losses = [json.loads(line) for line in (tmp_path / "whole/metrics.jsonl").read_text().splitlines()]
    damage(monkeypatch)
    with pytest.raises(UserError, match=sentence) as refusal:
        train(captioned, tmp_path / "run", warmup=0.0)
    run = tmp_path / "run"
    events = [
        line for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()) if "not_finite" in line
    ]
    assert [line["not_finite"]["kind"] for line in events] == [part]
    found = events[0]["not_finite"]
    assert found["last_step"] == 2 and found["gradient_norm"] > 0
    assert found["loss"] == pytest.approx(losses[-1]["loss"], rel=0.2) and "last finite step was 2" in str(
        refusal.value
    )
    diagnosis = str(diagnose(run / "metrics.jsonl", read_config(run))[0])
    assert re.match(sentence, diagnosis) and "The run stopped there" in diagnosis
    assert [folder.name for folder in checkpoints(run)] == ["step-00000002"]


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    of = {"model": trainer.method.state_dict(), "ema": trainer.ema.state_dict()}
    of["moments"] = {
        f"{number}.{name}": value
        for number, moments in trainer.optimizer.state_dict()["state"].items()
        for name, value in moments.items()
    }
    return {f"{part}.{name}": value for part, values in of.items() for name, value in values.items()}


def assert_same(one: Trainer, other: Trainer) -> None:
    first, second = state(one), state(other)
    assert first.keys() == second.keys()
    assert [name for name, value in first.items() if not torch.equal(value, second[name])] == []


def test_a_step_that_is_skipped_changes_nothing(captioned, tmp_path, monkeypatch):
    """Beside a run that never does this step."""
    with monkeypatch.context() as patch:
        step = Trainer._train_step

        def without(self, feed):
            if self.step != BATCH:
                return step(self, feed)
            next(feed)
            self.step += 1

        patch.setattr(Trainer, "_train_step", without)
        expected = train(captioned, tmp_path / "expected")
    break_inputs(monkeypatch)
    found = train(captioned, tmp_path / "run", on_nan="skip")
    assert_same(found, expected)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["left_out"] for line in lines if "loss" in line] == [0, 1, 1, 1]
    assert all(line["loss"] is not None for line in lines if "loss" in line)
    said = str(diagnose(tmp_path / "run/metrics.jsonl", read_config(tmp_path / "run"))[0])
    assert "input" in said and "1 steps were left out" in said


def test_a_run_that_goes_back_never_uses_the_batches_since_its_checkpoint(captioned, tmp_path, monkeypatch):
    """Beside a run whose data has not got the two batches between the checkpoint and the line that showed it."""
    with monkeypatch.context() as patch:
        make = Batches.__getitem__
        patch.setattr(Batches, "__getitem__", lambda self, batch: make(self, batch + 2 * (batch >= 2)))
        expected = train(captioned, tmp_path / "expected")
    break_inputs(monkeypatch)
    found = train(captioned, tmp_path / "run", on_nan="rollback")
    assert_same(found, expected)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 2, 4, 6, 7] and lines[-1]["left_out"] == 2
    assert lines[1]["not_finite"]["kind"] == "input" and lines[1]["not_finite"]["action"] == "rollback"
    for folder in checkpoints(tmp_path / "run")[-2:]:  # as if killed after step 4
        folder.rename(tmp_path / folder.name)
    assert_same(resume(tmp_path / "run", quiet=True), expected)


def test_a_run_without_a_checkpoint_goes_back_to_its_start(captioned, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        make = Batches.__getitem__
        patch.setattr(Batches, "__getitem__", lambda self, batch: make(self, batch + 4))
        expected = train(captioned, tmp_path / "expected", checkpoint_every=9)
    break_inputs(monkeypatch)
    assert_same(train(captioned, tmp_path / "run", on_nan="rollback", checkpoint_every=9), expected)


@pytest.mark.parametrize(
    "action, what", [("skip", "2 steps in a row were left out"), ("rollback", "gone back .* 2 times")]
)
def test_a_run_that_stays_not_finite_stops_at_a_limit(captioned, tmp_path, monkeypatch, action, what):
    break_inputs(monkeypatch, lambda batch: batch >= BATCH)
    with pytest.raises(UserError, match=f"{what}.*--nan-limit"):
        train(captioned, tmp_path / "run", on_nan=action, nan_limit=2)


def test_weights_that_a_gradient_broke_are_never_saved(captioned, tmp_path, monkeypatch):
    """At the very step of a checkpoint, whose loss was finite still."""
    break_gradient(monkeypatch)
    with pytest.raises(UserError, match="gradients"):
        train(captioned, tmp_path / "run", checkpoint_every=BATCH + 1, log_every=100)
    assert checkpoints(tmp_path / "run") == []
