"""Mistakes at the commands: one sentence and exit code 1, before anything is trained."""

import io
import json
import tarfile
from dataclasses import fields
from typing import get_args, get_type_hints

import pytest
from click.testing import CliRunner

from tests.samples import noise_image, png_bytes
from training.__main__ import cli
from training.data.config import DataConfig
from training.engine.config import RunConfig
from training.engine.trainer import Trainer
from training.methods import METHODS
from training.models.errors import UserError
from training.models.file_lock import lock_folder
from training.models.knobs import Range, check_values

QUICK = "--steps 1 --batch-size 4 --workers 0 --no-report"
WITHOUT_RANGE = {"bias", "classes"}  # any number; the classes of the data


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with sources: photos of two classes, flat photos, two shards, tables; and a run of SimCLR."""
    place = tmp_path_factory.mktemp("mistakes")
    images = [png_bytes(noise_image(number, (12, 12))) for number in range(8)]
    for number, image in enumerate(images):
        for name in (f"photos/{'cat' if number % 2 else 'dog'}/{number}.png", f"flat/{number}.png"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(image)
    (place / "pairs.csv").write_text(
        "path,title,label\n" + "".join(f"flat/{n}.png,no {n},a{n % 2}\n" for n in range(8))
    )
    (place / "gone.csv").write_text("path,title\nnowhere.png,a photo\n")
    for folder in ("empty", "shards"):
        (place / folder).mkdir()
    for shard in range(2):
        with tarfile.open(place / f"shards/{shard:02}.tar", "w") as tar:
            for number in range(4 * shard, 4 * shard + 4):
                metadata = json.dumps({"caption": f"no {number}", "alt": f"number {number}"}).encode()
                for ending, data in (("png", images[number]), ("json", metadata)):
                    member = tarfile.TarInfo(f"{number:04}.{ending}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
    (place / "broken").mkdir()
    for number in range(20):
        (place / f"broken/{number}.png").write_bytes(b"no image")
    (place / "nested.yaml").write_text("run:\n  batch_size: 8\n")
    return place


def said(command: str, code: int = 1) -> str:
    """The one line that a command which must fail ends with."""
    result = CliRunner().invoke(cli, command.split(), prog_name="python -m training")
    assert result.exit_code == code, result.output
    *before, last = result.output.strip().splitlines()
    assert not any(line.startswith("step ") for line in before), "it trained first"
    assert last.startswith("Error: "), last
    return last


def test_every_number_that_can_be_set_has_a_range():
    for config in (RunConfig, DataConfig, *(method.Config for method in METHODS.values())):
        kinds = get_type_hints(config)
        for field in fields(config):
            if {int, float} & {kinds[field.name], *get_args(kinds[field.name])} and field.name not in WITHOUT_RANGE:
                if field.name == "weights":  # several numbers, which the sampler checks
                    continue
                allowed = field.metadata["range"]
                assert isinstance(allowed, Range), (config, field.name)
                assert field.default is None or field.default in allowed, (config, field.name)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0; it must be above 0 (peak learning rate)."),
        ({"learning_rate": float("nan")}, "learning_rate is nan; it must be above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; it must be above 0"),
        ({"beta2": 1.0}, "beta2 is 1; it must be at least 0 and below 1 (beta2 of AdamW)."),
        ({"ema": -0.1}, "it must be at least 0 and below 1"),
        ({"weight_decay": -1.0}, "it must be at least 0"),
        ({"clip_gradients": 0.0}, "it must be above 0 (maximum gradient norm)."),
        ({"steps": 0}, "it must be at least 1 (optimiser steps)."),
        ({"epochs": float("inf")}, "it must be above 0"),
        ({"workers": -1}, "it must be at least 0"),
        ({"seed": 10**20}, "it must be at least 0 and below 9.22337e+18"),
        ({"optimizer": "adam"}, "optimizer is 'adam'; choose from adamw, sgd, lars."),
    ],
)
def test_a_value_out_of_its_range_is_said_with_the_range_and_the_meaning(values, sentence):
    with pytest.raises(UserError) as error:
        check_values(RunConfig, values)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("simclr --data photos --projection 0", "projection is 0; it must be at least 1"),
        ("simclr --data nope --temperature 0", "temperature is 0"),  # before the data is listed
        ("clip --data pairs.csv --patch-dropout 1", "patch_dropout is 1"),
        ("clip --data photos --caption-column nope", "has the column 'nope' of the caption '{nope}'"),
        ("clip --data shards --caption-column nope", "the columns are alt, caption."),
        ("clip --data shards --path-column a", "--path-column is about CSV and parquet files"),
        ("clip --data photos --caption {lable}", "the columns are folder. Did you mean {label}?"),
        ("clip --data pairs.csv --caption {Label}", "Did you mean {label}?"),
        ("clip --data pairs.csv --caption photo", "names no column"),
        ("clip --data pairs.csv --caption {}", "a brace without the name of a column"),
        (
            "clip --data photos",
            'has no captions: it has the columns folder, of which --caption "a photo of a {folder}"',
        ),
        ("clip --data gone.csv", "gone.csv has no images: nowhere.png: there is no such file"),
        ("simclr --data broken", "None of 32 images that were looked at can be read; the first is 0.png: "),
        ("simclr --data photos/*", "matches 2 names (folders)"),
        ("simclr --data photos/*/*.png", "matches 8 names (.png)"),
        ("simclr --data shards/*.tgz", "Nothing matches shards/*.tgz."),
        ("simclr --data shards/{00..03}.tar", "2 of the 4 shards of shards/{00..03}.tar are missing"),
        ("simclr --data shards/00.tar::shards/01.tar", "names 2 sources; give each by itself."),
        ("simclr --data shards/00.tar,shards/01.tar", "names 2 sources"),
        ("simclr --data pipe:cat", "is a command"),
        ("simclr --data=", "The name of a source is empty."),
        ("simclr --data nope", "no data set of torchvision has this name"),
        ("simclr --data photos --out photos", "photos holds other files (cat)"),
        ("simclr --data photos --suite knn", "--evaluate names no source"),
        ("simclr --data photos --evaluate-every 5", "--evaluate names no source"),
        ("simclr --data photos --text-tower tiny", "leave --text-tower out"),
        ("simclr --data photos --evaluate flat", "Nothing can be evaluated on flat: it needs two classes."),
        ("simclr --data photos --evaluate flat --suite knn", "it needs a class for each image"),
        ("simclr --data photos --evaluate photos --suite zero-shot", "it needs a text encoder"),
        ("simclr --data photos --config nested.yaml", "run is nested"),
    ],
)
def test_a_mistake_in_a_run_is_said_before_it_trains(place, monkeypatch, command, sentence):
    monkeypatch.chdir(place)
    assert sentence in said(f"{command} {QUICK}")
    assert not (place / "runs").exists()


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        ("simclr photos", 2, "The data is an option: python -m training simclr --data photos"),
        ("simclr --data a.tar b.tar", 2, "put a pattern into quotes: --data 'shards/*.tar'."),
        ("vicreg", 2, "There is no command vicreg. The methods are clip,"),
        ("CLIP", 2, "Did you mean clip?"),
        ("moco-v2", 2, "python -m training moco --recipe moco-v2-imagenet-200e"),
        ("torchrun", 2, "it needs a METHOD or resume"),
        ("torchrun nope", 2, "nope is neither"),
        ("torchrun --nproc-per-node 0 clip", 2, "--nproc-per-node is 0; it must be at least 1."),
        ("torchrun --nnodes 0 clip", 2, "--nnodes is 0; it must be at least 1."),
        ("simclr resume runs/a", 2, "resume is a command of its own: python -m training resume runs/a"),
        ("export photos", 1, "photos is no run that can be exported"),
        ("evaluate starter --data photos --seed -1", 2, "-1 is not in the range"),
        ("evaluate starter --data photos --out gone.csv/report", 1, "gone.csv/report cannot be written"),
    ],
)
def test_a_mistake_in_a_command_is_said(place, monkeypatch, command, code, sentence):
    monkeypatch.chdir(place)
    assert sentence in said(command, code)


@pytest.mark.parametrize("pattern", ["shards/*.tar", "shards/{00..01}.tar", "shards/{00,01}.tar", "shards/0[01].tar"])
def test_patterns_are_the_shards_that_they_stand_for(place, monkeypatch, pattern):
    from training.data.sources import open_source

    monkeypatch.chdir(place)
    assert [item.path for item in open_source(pattern)] == [item.path for item in open_source("shards")]


def test_a_caption_column_names_a_column_of_shards_and_label_the_class_of_a_folder(place, monkeypatch):
    from training.data.dataset import ImageDataset
    from training.data.tables.options import TableOptions

    monkeypatch.chdir(place)
    shards = ImageDataset(["shards"], 8, needs_captions=True, tables=TableOptions(caption_column="alt"))
    assert [shards.captions(number) for number in range(2)] == [["number 0"], ["number 1"]]
    photos = ImageDataset(["photos"], 8, ["a {label}"], needs_captions=True)
    assert {photos.captions(number)[0] for number in range(8)} == {"a cat", "a dog"}


def test_a_resumed_run_whose_data_is_gone_is_told_of_its_option(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, f"simclr --data {place / 'photos'} --out run {QUICK}".split())
    assert result.exit_code == 0, result.output
    (place / "photos").rename(place / "elsewhere")
    try:
        assert "run was trained on it; name its new place with --data." in said("resume run --steps 2")
        assert said("resume run --data nope").endswith("svhn.")
        assert said("resume run/checkpoints/step-00000001").endswith("It is inside of the run run; name that.")
    finally:
        (place / "elsewhere").rename(place / "photos")


def test_a_run_that_failed_before_its_first_checkpoint_makes_room_for_the_next(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = f"simclr --data {place / 'photos'} --out run {QUICK}".split()
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_step", lambda self, feed: 1 / 0)
        failed = CliRunner().invoke(cli, command)
    assert failed.exit_code == 1 and (tmp_path / "run/error.txt").is_file()
    again = CliRunner().invoke(cli, command)
    assert again.exit_code == 0 and "run held a run that ended before its first checkpoint" in again.stderr
    assert not (tmp_path / "run/error.txt").exists()
    lock = lock_folder(tmp_path / "run", "")
    for checkpoint in (tmp_path / "run").glob("checkpoints/*/state.json"):
        checkpoint.unlink()
    (tmp_path / "run/encoder.json").unlink()  # as at the start of a run
    assert "run is being trained by another process" in said(" ".join(command))
    lock.release()
