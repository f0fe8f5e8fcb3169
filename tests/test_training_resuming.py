"""What may change when a run is resumed: place and times of its data, its length, and what changes only the speed."""

import io
import json
import os
import shutil
import tarfile
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from click.testing import CliRunner

from tests.samples import SMALL_TOWERS, noise_image
from training.__main__ import cli
from training.data.config import DataConfig
from training.data.dataset import ImageDataset
from training.engine import saving
from training.engine.checkpoint import checkpoints
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import begin, resume
from training.resuming import Changes

RUN = {"batch_size": 8, "steps": 6, "workers": 0, "log_every": 2, "checkpoint_every": 2, "device": "cpu", "keep": 9}
CONSTANT = {"warmup": 0.0, "final_rate": 1.0}  # a schedule that does not know the length of the run


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


def png(number: int) -> bytes:
    held = io.BytesIO()
    noise_image(number).save(held, "PNG")
    return held.getvalue()


def folder(place: Path) -> Path:
    for number in range(12):
        (place / f"{number:02}.png").write_bytes(png(number))
        (place / f"{number:02}.txt").write_text(f"number {number}")
    return place


def table(place: Path) -> Path:
    folder(place)
    rows = ["path,caption,label", *(f"{number:02}.png,number {number},{number % 2}" for number in range(12))]
    (place / "table.csv").write_text("\n".join(rows))
    return place / "table.csv"


def parquet(place: Path) -> Path:
    rows = {"image": [png(number) for number in range(12)], "caption": [f"number {number}" for number in range(12)]}
    pq.write_table(pa.table(rows), place / "images.parquet")
    return place / "images.parquet"


def shard(place: Path) -> Path:
    with tarfile.open(place / "0.tar", "w") as tar:
        for number in range(12):
            for name, data in ((f"{number:02}.png", png(number)), (f"{number:02}.txt", b"number %d" % number)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return place / "0.tar"


KINDS = {"folder": folder, "csv": table, "parquet": parquet, "tar": shard}


def train(data: Path, out: Path, **of_run: object) -> Trainer:
    return begin(out, "simclr", DataConfig(data=(str(data),), tower="tiny"), RUN | of_run, {}, quiet=True)


def cut(run: Path, step: int) -> Path:
    """As if the run had been killed after this step."""
    for folder in checkpoints(run):
        if int(folder.name.removeprefix("step-")) > step:
            shutil.rmtree(folder)
    return run


def assert_same(one: Trainer, other: Trainer) -> None:
    pairs = zip(one.method.state_dict().items(), other.method.state_dict().items(), strict=True)
    assert [name for (name, a), (_, b) in pairs if not torch.equal(a, b)] == []


def moved(place: Path, tmp_path: Path) -> Path:
    """The same data elsewhere, with other times, in files that were written anew."""
    elsewhere = tmp_path / "elsewhere"
    shutil.move(tmp_path / "data", elsewhere)
    for number, file in enumerate(elsewhere.iterdir()):
        os.utime(file, (1e9 + number, 1e9 + number))
    return elsewhere / place.relative_to(tmp_path / "data")


@pytest.mark.parametrize(
    "kind", [kind if kind in ("folder", "tar") else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_data_that_was_touched_and_moved_is_the_same_data(tmp_path, kind):
    (tmp_path / "data").mkdir()
    data = KINDS[kind](tmp_path / "data")
    whole = train(data, tmp_path / "run")
    new = moved(data, tmp_path)
    with pytest.raises(UserError):  # nothing is there
        resume(cut(tmp_path / "run", 2), quiet=True)
    again = resume(tmp_path / "run", quiet=True, changes=Changes(data=(str(new),)))
    assert again.step == 6
    assert_same(again, whole)
    document = json.loads((tmp_path / "run/config.json").read_bytes())
    assert document["data"]["data"] == [str(new)]
    assert document["overrides"] == [{"step": 2, "setting": "data", "before": [str(data)], "after": [str(new)]}]
    assert_same(resume(cut(tmp_path / "run", 4), quiet=True), whole)  # it knows where the data is from now on


def test_a_checkpoint_is_written_while_training_goes_on_and_holds_the_state_of_its_step(tmp_path, monkeypatch):
    """The first is held back until later steps are done; of a run that stops, the last is waited for."""
    (tmp_path / "data").mkdir()
    data, later, write, step = folder(tmp_path / "data"), threading.Event(), saving.save_checkpoint, Trainer._train_step
    whole = train(data, tmp_path / "whole")

    def held_back(run: Path, at: int, *rest: object) -> None:
        assert later.wait(60) or at != 2
        write(run, at, *rest)

    def counted(self: Trainer, feed: object) -> None:
        step(self, feed)
        if self.step == 4:
            assert checkpoints(tmp_path / "run") == []
            later.set()

    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_checkpoint", held_back)
        patch.setattr(Trainer, "_train_step", counted)
        train(data, tmp_path / "run")
    assert [folder.name for folder in checkpoints(tmp_path / "run")] == [f"step-0000000{n}" for n in (2, 4, 6)]
    assert_same(resume(cut(tmp_path / "run", 2), quiet=True), whole)


CHANGES = {
    "another image": lambda place: (place / "03.png").write_bytes(png(99)),
    "another image of the same size": lambda place: (place / "03.png").write_bytes(
        (place / "03.png").read_bytes()[:-20] + bytes(20)
    ),
    "another caption": lambda place: (place / "03.txt").write_text("number 4"),
    "another order": lambda place: (place / "03.png").rename(place / "13.png"),
    "one image less": lambda place: (place / "03.png").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_data_is_refused_wherever_it_lies(tmp_path, change):
    (tmp_path / "data").mkdir()
    data = folder(tmp_path / "data")
    train(data, tmp_path / "run", steps=2)
    CHANGES[change](data)
    with pytest.raises(UserError, match="not what it was at its start"):
        resume(tmp_path / "run", quiet=True, changes=Changes(data=(str(data),), steps=4))
    assert "overrides" not in json.loads((tmp_path / "run/config.json").read_bytes())


def test_labels_belong_to_the_content_of_data(tmp_path):
    (tmp_path / "data").mkdir()
    data = table(tmp_path / "data")
    before = ImageDataset([str(data)], 32).content()
    data.write_text(data.read_text().replace("03.png,number 3,1", "03.png,number 3,0"))
    assert ImageDataset([str(data)], 32).content() != before


@pytest.mark.parametrize("changes", [{"steps": 6}, {"epochs": 6 / 5}])
def test_an_extended_run_is_an_unbroken_one_where_the_schedule_is_the_same(captioned, tmp_path, changes):
    whole = train(captioned, tmp_path / "whole", **CONSTANT)
    train(captioned, tmp_path / "run", **CONSTANT, steps=4)
    again = resume(tmp_path / "run", quiet=True, changes=Changes(**changes, workers=1))
    assert again.step == 6
    assert_same(again, whole)
    document = json.loads((tmp_path / "run/config.json").read_bytes())
    lines = {line["setting"]: line for line in document["overrides"]}
    assert lines["steps"] == {"step": 4, "setting": "steps", "before": 4, "after": 6} and lines["workers"]["after"] == 1
    assert document["run"]["steps"] == 6 and document["origins"]["steps"] == "resume"


def test_resuming_says_after_which_step_the_run_goes_on(captioned, tmp_path):
    train(captioned, tmp_path / "run", steps=2)
    ended = CliRunner().invoke(cli, ["resume", str(tmp_path / "run"), "--steps", "3"])
    assert ended.exit_code == 0 and "goes on after step 2 of 3." in ended.stderr, ended.output


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--steps", "1"], "has done 2 steps already, so it cannot end after 1"),
        (["--learning-rate", "1"], "--learning-rate is none of those that may change"),
        (["--steps", "4", "--epochs", "2"], "give one of them"),
    ],
)
def test_other_changes_are_refused_in_a_sentence(captioned, tmp_path, options, sentence):
    train(captioned, tmp_path / "run", steps=2)
    before = (tmp_path / "run/config.json").read_bytes()
    ended = CliRunner().invoke(cli, ["resume", str(tmp_path / "run"), *options])
    assert ended.exit_code == 1 and sentence in ended.output and ended.output.count("\n") == 1
    assert (tmp_path / "run/config.json").read_bytes() == before
