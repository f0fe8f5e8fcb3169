"""A run is a function of its settings: kills, workers and pauses leave no trace in it."""

import json
import warnings
from collections import Counter
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from tests.samples import SMALL_TOWERS, noise_image
from training.__main__ import cli
from training.cli.methods import method_command
from training.data.config import DataConfig
from training.data.sources import open_source
from training.engine.checkpoint import checkpoints
from training.engine.log import CLOCK, read_metrics
from training.engine.trainer import Trainer
from training.evaluation.during_training import evaluator
from training.evaluation.run_defaults import templates_of_run
from training.methods import METHODS
from training.models.encoders import load_encoder
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import begin, resume

RUN = {"batch_size": 8, "steps": 9, "workers": 0, "log_every": 2, "checkpoint_every": 4}


@pytest.fixture(autouse=True)
def small(tmp_path, monkeypatch):
    """A cache of the test's own, and the tiny towers smaller still."""
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


def run(folder: Path, out: Path | None, method: str = "clip", settings=None, patch_dropout=0.0, **of_run) -> Trainer:
    data = DataConfig(data=(str(folder),), patch_dropout=patch_dropout)
    return begin(out, method, data, RUN | of_run, settings or {}, quiet=True)


def log(out: Path) -> list[dict]:
    return [{k: v for k, v in line.items() if k not in CLOCK} for line in read_metrics(out / "metrics.jsonl")]


def same_weights(one: Path, other: Path) -> bool:
    first, second = (load_file(path / "model.safetensors") for path in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class Killed(BaseException):
    """Nothing in the trainer may catch it, as nothing can catch a real kill."""


def killed_after(trainer_steps: int, monkeypatch):
    """Every later step of a trainer ends the process, as far as the trainer can tell."""
    real = Trainer._train_step

    def one(self, feed):
        if self.step == trainer_steps:
            raise Killed
        return real(self, feed)

    monkeypatch.setattr(Trainer, "_train_step", one)


@pytest.mark.parametrize(
    "method, killed",
    [
        ("clip", 3),  # before the first checkpoint
        ("clip", 6),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("siglip", 8), ("devise", 5))),
    ],
)
def test_a_run_killed_at_any_step_and_resumed_is_the_run_never_killed(captioned, tmp_path, monkeypatch, method, killed):
    changes = {"ema": 0.9, "accumulate": 2} if killed == 6 else {}
    run(captioned, tmp_path / "whole", method, **changes)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        killed_after(killed, patch)
        run(captioned, tmp_path / "killed", method, **changes)
    with (tmp_path / "killed/metrics.jsonl").open("a") as torn:
        torn.write('{"step": ')
    resume(tmp_path / "killed", quiet=True)
    assert same_weights(tmp_path / "whole", tmp_path / "killed")
    assert log(tmp_path / "whole") == log(tmp_path / "killed")
    for whole, again in zip(*(checkpoints(tmp_path / name) for name in ("whole", "killed")), strict=True):
        assert load_file(whole / "model.safetensors").keys() == load_file(again / "model.safetensors").keys()
        one, other = (torch.load(f / "optimizer.pt", weights_only=True)["state"] for f in (whole, again))
        assert all(torch.equal(one[p][name], other[p][name]) for p in one for name in one[p])


def test_one_worker_and_three_workers_give_the_same_run(captioned, tmp_path):
    for workers in (0, 1, 3):
        run(captioned, tmp_path / str(workers), workers=workers, steps=6)
    assert same_weights(tmp_path / "1", tmp_path / "3") and log(tmp_path / "1") == log(tmp_path / "3")
    assert same_weights(tmp_path / "0", tmp_path / "1") and log(tmp_path / "0") == log(tmp_path / "1")


def test_a_different_seed_is_a_different_run(captioned, tmp_path):
    for seed in (0, 1):
        run(captioned, tmp_path / str(seed), seed=seed, steps=2)
    assert not same_weights(tmp_path / "0", tmp_path / "1")


@pytest.mark.parametrize("method", ["clip", "siglip"])
def test_a_run_reloaded_embeds_bit_for_bit_as_the_model_that_was_trained(captioned, tmp_path, method):
    trainer = run(captioned, tmp_path / "run", method)
    encoder = load_encoder(str(tmp_path / "run"), runtime="torch", precision="f32")
    images = [noise_image(seed, (50, 40)) for seed in range(3)]
    model = trainer.method.eval().requires_grad_(False).pair  # PyTorch reads words in another way where nothing learns
    pixels = np.stack([encoder.preprocess(image) for image in images])
    from training.models.runtime import image_module

    with torch.inference_mode():
        rows = image_module(model.model.visual, model.backbone.mean, model.backbone.std)(torch.from_numpy(pixels))
        words = model.model.encode_text(model.tokenizer(["a cat", "a dog"]))
    from training.models.encoder import unit

    assert np.array_equal(encoder.embed_images(images), unit(rows.numpy()))
    assert np.array_equal(encoder.embed_texts(["a cat", "a dog"]), unit(words.numpy()))
    assert encoder.logit_scale == pytest.approx(float(model.model.logit_scale.exp()))
    assert (encoder.logit_bias is not None) == (method == "siglip")
    assert load_encoder(str(tmp_path / "run")).fingerprint == encoder.fingerprint


def test_the_data_must_be_the_data_that_the_run_began_with(captioned, tmp_path):
    import shutil

    folder = shutil.copytree(captioned, tmp_path / "data")
    run(folder, tmp_path / "run", steps=4)
    (folder / "cat/00.txt").write_text("another caption")
    with pytest.raises(UserError, match="is not what it was at its start"):
        resume(tmp_path / "run")


def test_a_folder_that_holds_a_run_takes_no_second_one(captioned, tmp_path):
    run(captioned, tmp_path / "run", steps=1)
    with pytest.raises(UserError, match="already holds a run"):
        run(captioned, tmp_path / "run", steps=1)


def test_images_that_cannot_be_read_are_counted_named_and_replaced(captioned, tmp_path):
    import shutil

    folder = shutil.copytree(captioned, tmp_path / "data")
    (folder / "dog/01.png").write_bytes(b"not an image")
    for name, workers in (("one", 0), ("two", 2)):
        run(folder, tmp_path / name, steps=10, workers=workers)
    assert log(tmp_path / "one")[-1]["unreadable"] == 2  # two epochs
    lines = (tmp_path / "one/unreadable.tsv").read_text().splitlines()
    assert len(lines) == 2 and all("dog/01.png" in line and "not an image" in line for line in lines)
    assert same_weights(tmp_path / "one", tmp_path / "two")


def test_the_end_of_a_run_says_how_many_images_could_not_be_read(tmp_path):
    (tmp_path / "data").mkdir()
    for number in range(8):
        noise_image(number).save(tmp_path / f"data/{number}.png")
    for broken, said in ((0, False), (1, "1 image could not be read"), (2, "2 reads of images failed")):
        if broken:
            (tmp_path / f"data/{broken}.png").write_bytes(b"not an image")
        words = ["untrained", "--data", tmp_path / "data", "--out", tmp_path / f"{broken}", "--no-report"]
        words += ["--tower", "tiny", "--batch-size", 8, "--steps", 1, "--workers", 0]
        result = CliRunner().invoke(cli, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        assert (said in result.output and "unreadable.tsv" in result.output) if said else "unread" not in result.output


def test_only_the_last_checkpoints_are_kept_and_they_hold_no_code(captioned, tmp_path):
    run(captioned, tmp_path / "run", checkpoint_every=1, keep=2)
    kept = checkpoints(tmp_path / "run")
    assert [folder.name for folder in kept] == ["step-00000008", "step-00000009"]
    for file in kept[-1].iterdir():
        if file.suffix == ".pt":
            torch.load(file, weights_only=True)


def test_the_command_trains_and_answers_one_json_document(captioned, tmp_path):
    words = ["clip", "--data", captioned, "--out", tmp_path / "r", "--steps", 2, "--batch-size", 8, "--json"]
    result = CliRunner().invoke(cli, [str(word) for word in [*words, "--workers", 0]])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["finished"], document["steps"], document["run"]) == (True, 2, str(tmp_path / "r"))
    again = CliRunner().invoke(cli, [str(word) for word in words])
    assert again.exit_code == 1 and "already holds a run" in again.stderr and again.stderr.count("\n") == 1


@pytest.mark.parametrize("method", METHODS)
def test_no_two_settings_of_a_method_share_an_option(method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        options = method_command(method, "").get_params(click.Context(click.Command("x")))
    said = Counter(flag for option in options for flag in [*option.opts, *option.secondary_opts])
    assert [flag for flag, times in said.items() if times > 1] == []


def test_explain_says_where_each_setting_comes_from(captioned):
    result = CliRunner().invoke(cli, ["clip", "--data", str(captioned), "--batch-size", "8", "--explain", "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    origins = document["origins"]
    assert (origins["batch_size"], origins["learning_rate"], origins["warmup"]) == ("command line", "paper", "default")
    assert document["run"]["steps"] == 50 and origins["steps"].startswith("data")
    assert origins["hard_negatives"] == "default"


def test_measuring_while_training_leaves_no_trace_in_the_run(captioned, tmp_path):
    run(captioned, tmp_path / "plain", patch_dropout=0.5)
    data = DataConfig(data=(str(captioned),), evaluate=(str(captioned),), patch_dropout=0.5)
    begin(tmp_path / "watched", "clip", data, RUN | {"evaluate_every": 3}, {}, evaluator(data), quiet=True)
    assert same_weights(tmp_path / "plain", tmp_path / "watched")
    lines = [line for line in log(tmp_path / "watched") if "evaluation" in line]
    assert [line["step"] for line in lines] == [3, 6, 9]
    figures = lines[-1]["evaluation"][captioned.name]
    assert set(figures) == {"zero-shot", "retrieval", "knn"}
    assert 0 <= figures["zero-shot"]["low"] <= figures["zero-shot"]["value"] <= figures["zero-shot"]["high"] <= 1
    assert figures["zero-shot"]["n"] == 40 and figures["knn"]["n"] == 20
    assert {"image_to_text@5", "text_to_image@5"} <= set(figures["retrieval"])


def test_an_unknown_measure_is_answered_before_anything_is_trained():
    with pytest.raises(UserError, match="no probe called 'zeroshot'"):
        evaluator(DataConfig(data=("x",), suite="zeroshot"))


def test_a_mixture_with_captions_from_columns_trains(captioned, squares, tmp_path):
    data = DataConfig(data=(str(captioned), str(squares)), weights=(3, 1), caption=("a {folder} thing",))
    trainer = begin(None, "siglip", data, RUN | {"steps": 2}, {"multi_positive": True}, quiet=True)
    assert trainer.batches.images.sizes == [40, 5]
    assert {trainer.batches.images.captions(number)[0] for number in range(45)} == {
        f"a {kind} thing" for kind in ("cat", "dog", "ship", "tree", "warm", "cold")
    }


def test_images_without_captions_say_which_columns_could_make_some(squares):
    with pytest.raises(UserError, match=r"has no captions: it has the columns folder, of which --caption"):
        run(squares, None, steps=1)


BOTH = {"precision": "bf16", "checkpoint_gradients": True}


@pytest.mark.parametrize(
    "of_run", [{"precision": "bf16"}, {"checkpoint_gradients": True}, {"clip_gradients": 0.5}, BOTH]
)
def test_settings_that_change_how_and_not_what_still_train(captioned, of_run):
    plain, changed = (run(captioned, None, steps=3, **more) for more in ({}, of_run))
    assert changed.step == 3
    pairs = zip(plain.method.parameters(), changed.method.parameters(), strict=True)
    far = max(float((a - b).detach().abs().max()) for a, b in pairs)
    assert far < (1e-6 if of_run == {"checkpoint_gradients": True} else 0.02)


def test_locking_needs_weights_worth_locking(captioned, tmp_path):
    with pytest.raises(UserError, match="freshly initialised"):
        run(captioned, None, settings={"lock_image": True})
    run(captioned, tmp_path / "first", steps=2)
    before = load_file(tmp_path / "first/model.safetensors")
    data = DataConfig(data=(str(captioned),), tower=str(tmp_path / "first"))
    begin(tmp_path / "second", "clip", data, RUN | {"steps": 2}, {"lock_image": True}, quiet=True)
    after = load_file(tmp_path / "second/model.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and not any(name.startswith("visual.") for name in moved)


def test_very_many_shards_are_read_from_an_index_and_train_the_same(captioned, tmp_path, monkeypatch):
    (tmp_path / "queries.txt").write_text("number\n")
    words = ["curate", captioned, "--queries", tmp_path / "queries.txt", "--into", tmp_path / "s", "--shard-size", 7]
    assert CliRunner().invoke(cli, [str(word) for word in words]).exit_code == 0
    shards = tmp_path / "s/{00000..00005}.tar"
    run(shards, tmp_path / "listed", steps=6)
    monkeypatch.setattr("training.data.shard_index.MANY", 2)
    trainer = run(shards, tmp_path / "indexed", steps=6)
    images = trainer.batches.images
    assert len(images) == 40 and images.item(9).path == "00001.tar/000000009.png"
    assert images.captions(9) == [item.caption for item in open_source(shards)][9:10]
    assert same_weights(tmp_path / "listed", tmp_path / "indexed")
    assert log(tmp_path / "listed") == log(tmp_path / "indexed")


@pytest.mark.parametrize(
    "captions, label_column, said",
    [
        (("a {label_name}", "a photo of a {label_name}", "{artist}"), None, ["a {}", "a photo of a {}"]),
        (("a painting by {artist}, of a {style}",), "style", ["a photo of a {}."]),
        (("in the style of {style}",), "style", ["in the style of {}"]),
        ((), None, ["a photo of a {}."]),
    ],
)
def test_a_run_is_asked_for_classes_in_the_words_that_it_learned_them_by(captions, label_column, said):
    assert templates_of_run(captions, label_column) == tuple(said)
