"""A run that fails says why in one sentence, ends with exit code 1 within seconds, and leaves what it had done."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from tests.failing_runs import fail_in
from tests.ranks import on_ranks
from tests.samples import SMALL_TOWERS
from training.cli.torchrun import end
from training.data.config import DataConfig
from training.data.workers import WorkerLost, from_workers
from training.engine import checkpoint
from training.engine.checkpoint import checkpoints
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.last_words import LastWords
from training.models.tower_configs import TINY
from training.pretrain import begin, resume

ROOT = Path(__file__).parent.parent
SECONDS = 60.0  # from the failure to the end; what hangs, hangs for ever, and benchmarks/failures.py has the seconds
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
    "killed rank": ("Error: Rank 1 was killed by signal 9, as the system does when memory runs out.", "2 or none"),
}
NEEDS_WORKERS = ("killed worker", "error in step while a worker hangs")
CASES = [
    (way, workers, ranks)
    for ranks in (1, 2)
    for way in WAYS
    for workers in (0, 1, 4)
    if (workers or way not in NEEDS_WORKERS) and (ranks > 1 or way != "killed rank")
]
EVERYDAY = [("error in step while a worker hangs", 1, 1)]


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """A cache of the test's own, and the tiny towers smaller still."""
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


def train(data: Path, out: Path, **of_run: object) -> Trainer:
    return begin(out, "simclr", DataConfig(data=(str(data),), tower="tiny"), RUN | of_run, {}, quiet=True)


@pytest.mark.parametrize(
    "way, workers, ranks", [case if case in EVERYDAY else pytest.param(*case, marks=pytest.mark.slow) for case in CASES]
)
def test_every_failure_ends_the_command_with_one_sentence(captioned, tmp_path, way, workers, ranks):
    sentence, last = WAYS[way]
    outcome = fail_in(way, workers, ranks, captioned, tmp_path)
    assert outcome.code == 1 and outcome.seconds < SECONDS, outcome
    assert outcome.lines[-1].startswith(sentence), outcome
    assert sum(line.startswith("Error") for line in outcome.lines) == 1 and "Traceback" not in str(outcome.lines)
    if last == "the step it says" and ranks == 1 and outcome.steps:  # batches that were sent may be lost, even all
        assert f"The checkpoint of step {outcome.steps[-1]} is written: python -m training resume" in outcome.lines[-1]
    elif last == "2 or none":  # it may have been under way
        assert outcome.steps in ([], [2])
    elif last != "the step it says":
        assert (outcome.steps or [None])[-1] == last
    name = "error.txt" if ranks == 1 else f"error-rank-{ranks - 1}.txt"
    assert (name in outcome.tracebacks) == ("does not know" in sentence or way == "memory")


class Killing(Dataset):
    """Its third batch kills the process that makes it."""

    def __getitem__(self, index: int) -> int:
        if index == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return index


def test_a_worker_that_is_killed_ends_the_batches_with_one_sentence():
    with pytest.raises(WorkerLost, match=r"was killed, as the system does when memory runs out\. Use fewer --workers"):
        list(from_workers(Killing(), range(9), workers=1, ahead=1))


def test_of_two_ranks_the_first_to_fail_speaks_and_torchrun_is_silent():
    launching = (
        "from training.cli.torchrun import launch; launch(['--standalone', '--nproc-per-node', '2', 'fail'], {})"
    )
    command = [sys.executable, "-c", launching.format("'tests.failing_ranks'")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "Error: The image sky.jpg is odd.\n")


CAUSE, LOST = LastWords("The disk is full.", False, 1), LastWords("Rank 0 lost another rank.", True, 1)


@pytest.mark.parametrize(
    "codes, said, code, sentence",
    [
        ({0: 1, 1: 1}, CAUSE, 1, "The disk is full."),
        ({0: 1, 1: -6}, CAUSE, 1, "The disk is full."),  # NCCL aborts a rank whose collective fails
        ({0: 1, 1: -9}, LOST, 1, "Rank 1 was killed by signal 9"),
        ({1: -9}, None, 1, "Rank 1 was killed by signal 9"),
        ({0: 1}, LOST, 1, "Rank 0 lost another rank."),
        ({1: 3}, None, 1, "Rank 1 ended with exit code 3."),
        ({0: 130}, None, 130, None),
        ({0: 2, 1: 2}, LastWords("No such option: --lerning-rate", False, 1), 2, "No such option"),
    ],
)
def test_the_sentence_of_several_ranks_is_the_cause_and_not_an_effect(capsys, codes, said, code, sentence):
    with pytest.raises(SystemExit) as ended:
        end(codes, said)
    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == code and len(lines) == (sentence is not None)
    assert not lines or lines[0].startswith(f"Error: {sentence}")


def test_a_rank_ends_when_another_is_gone_without_a_word(tmp_path):
    """Though its main thread waits for ever, as in a collective of NCCL."""
    (tmp_path / "1").mkdir()
    waiting = "import time; from training.engine import peers; peers.GRACE_SECONDS = 0.1\n"
    waiting += "with peers.watched(0):\n  print(flush=True); time.sleep(600)"
    place = os.environ | {"TORCHELASTIC_ERROR_FILE": str(tmp_path / "0/error.json")}
    command = [sys.executable, "-c", waiting]
    with subprocess.Popen(command, cwd=ROOT, env=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as rank:
        assert rank.stdout is not None and rank.stderr is not None
        rank.stdout.readline()
        (tmp_path / "1.rank").write_text(str(2**22 + 1))  # above any process id
        said = rank.stderr.read().decode()
    assert rank.returncode == 1 and said.startswith("Error: Rank 0 lost another rank")


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
