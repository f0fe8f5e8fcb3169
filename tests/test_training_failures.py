"""A run that fails says why in one sentence, ends with exit code 1 within seconds, and leaves what it had done."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.ranks import on_ranks
from tests.samples import SMALL_TOWERS
from training.data.config import DataConfig
from training.engine import checkpoint
from training.engine.checkpoint import checkpoints
from training.engine.doctor import diagnose
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import begin, resume

ROOT = Path(__file__).parent.parent
SECONDS = 15.0  # from the failure to the end of the process
RUN = {"batch_size": 8, "steps": 6, "workers": 0, "log_every": 2, "checkpoint_every": 2, "device": "cpu"}

# The way to fail, its sentence, and the step of the last checkpoint that is left.
WAYS = {
    "user error in data": ("Error: The image sky.jpg is odd.", 2),
    "error in data": ("Error: The run ended at an error that it does not know: KeyError", 2),
    "killed worker": ("Error: A worker process that prepares batches was killed", "the step it says"),
    "error in step": ("Error: The run ended at an error that it does not know: ValueError: no such shape.", 2),
    "error in step while a worker hangs": ("Error: The run ended at an error that it does not know: ValueError", None),
    "memory": ("Error: Memory ran out (17 GB); use a smaller --batch-size, or --micro-batch", 2),
    "nan": ("Error: The loss became NaN or infinite at step 3", 2),
    "disk": ("Error: The checkpoint of step 6 could not be written", None),
}
CASES = [(way, workers) for way in WAYS for workers in (0, 1, 4) if workers or "worker" not in way]
EVERYDAY = [("user error in data", 1), ("killed worker", 1), ("error in step while a worker hangs", 1)]


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """A cache of the test's own, and the tiny towers smaller still."""
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


def train(data: Path, out: Path, **of_run: object) -> Trainer:
    return begin(out, "simclr", DataConfig(data=(str(data),), tower="tiny"), RUN | of_run, {}, quiet=True)


@pytest.mark.parametrize(
    "way, workers", [case if case in EVERYDAY else pytest.param(*case, marks=pytest.mark.slow) for case in CASES]
)
def test_every_failure_ends_the_command_with_one_sentence(captioned, tmp_path, way, workers):
    sentence, last = WAYS[way]
    options = ["--data", captioned, "--out", tmp_path / "run", "--tower", "tiny", "--batch-size", 8, "--steps", 6]
    options += ["--workers", workers, "--log-every", 2, "--checkpoint-every", 2, "--device", "cpu"]
    command = [sys.executable, "-m", "tests.failing_runs", way, "simclr", *map(str, options)]
    lines, failed = [], None
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:  # ends when every process that holds it has ended, workers included
            lines.append(line.rstrip())
            failed = time.monotonic() if line.startswith("Error") else failed
    assert process.returncode == 1 and failed is not None, lines
    assert time.monotonic() - failed < SECONDS
    assert lines[-1].startswith(sentence) and "Traceback" not in "".join(lines), lines
    found = [int(folder.name.removeprefix("step-")) for folder in checkpoints(tmp_path / "run")]
    if last == "the step it says":  # batches that the worker had sent may be lost with it
        assert f"The checkpoint of step {found[-1]} is written: python -m training resume" in lines[-1]
    else:
        assert (found or [None])[-1] == last
    unknown = "does not know" in sentence or way == "memory"
    assert (tmp_path / "run/error.txt").exists() == unknown


def test_a_loss_that_is_not_finite_is_logged_and_the_doctor_names_its_step(captioned, tmp_path, monkeypatch):
    compute = Trainer._backward
    monkeypatch.setattr(
        Trainer, "_backward", lambda self, batch: compute(self, batch) * (float("nan") if self.step == 3 else 1)
    )
    with pytest.raises(UserError, match=r"NaN or infinite at step 3.*--learning-rate"):
        train(captioned, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert [line["loss"] is None for line in lines] == [False, True]
    document = json.loads((tmp_path / "run/config.json").read_bytes())
    assert "NaN or infinite by step 4" in str(diagnose(tmp_path / "run/metrics.jsonl", document)[0])


@pytest.fixture(scope="module")
def trained(captioned, tmp_path_factory):
    """A finished run that tests copy, and its weights."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TINY, "tiny", SMALL_TOWERS)
        whole = train(captioned, tmp_path_factory.mktemp("trained") / "run")
    return whole


@pytest.mark.parametrize("file", ["model.safetensors", "optimizer.pt", "rank-0.pt", "state.json"])
@pytest.mark.parametrize("length", [0, 20])
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(trained, tmp_path, capsys, file, length):
    shutil.copytree(trained.run, tmp_path / "run")
    last = checkpoints(tmp_path / "run")[-1] / file
    last.write_bytes(last.read_bytes()[:length])
    again = resume(tmp_path / "run", quiet=True)
    said = capsys.readouterr().err
    assert "step-00000006 cannot be read" in said and "goes on from step-00000004" in said
    pairs = zip(trained.method.parameters(), again.method.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_run_without_one_whole_checkpoint_says_so(trained, tmp_path):
    shutil.copytree(trained.run, tmp_path / "run")
    for folder in checkpoints(tmp_path / "run"):
        (folder / "optimizer.pt").write_bytes(b"")
    with pytest.raises(UserError, match=r"No checkpoint of .* is whole"):
        resume(tmp_path / "run", quiet=True)


def test_a_disk_that_is_full_at_one_checkpoint_costs_only_that_one(captioned, tmp_path, monkeypatch, capsys):
    write, full = checkpoint.write_file, []

    def once_full(path, content):
        if "step-00000004" in str(path) and not full:
            full.append(path)
            raise OSError(28, os.strerror(28))
        write(path, content)

    monkeypatch.setattr(checkpoint, "write_file", once_full)
    train(captioned, tmp_path / "run", keep=9)
    assert [folder.name for folder in checkpoints(tmp_path / "run")] == ["step-00000002", "step-00000006"]
    assert "step 4 could not be written" in capsys.readouterr().err and full
    assert not list((tmp_path / "run/checkpoints").glob(".*.tmp"))


def main(rank: int) -> dict:
    """Two ranks in f16 with micro-batches; the gradients of one overflow at one step."""
    folder = Path(os.environ["GELATO_TEST_RANKS"])
    compute = Trainer._backward

    def overflowing(self, batch):
        loss = compute(self, batch)
        if rank == 1 and self.step == 2:
            next(self.method.parameters()).grad.fill_(float("inf"))
        return loss

    Trainer._backward = overflowing  # type: ignore[method-assign]
    TINY["tiny"] = SMALL_TOWERS
    of_run = {"precision": "f16", "micro_batch": 4, "batch_size": 16, "steps": 4}
    trainer = begin(None, "clip", DataConfig(data=(str(folder),), tower="tiny"), RUN | of_run, {}, quiet=True)
    return {"weights": torch.cat([p.detach().flatten() for p in trainer.method.parameters()])}


def test_an_overflow_on_one_rank_is_skipped_by_both(captioned, tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_TEST_RANKS", str(captioned))
    one, other = on_ranks("tests.test_training_failures", tmp_path)
    assert torch.equal(one["weights"], other["weights"])
    assert np.isfinite(one["weights"].numpy()).all()
