"""The zoo: what ships opens by name and is small, and the command makes it again."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file

from benchmarks import zoo as benchmark
from training.__main__ import cli
from training.models import zoo as shipped
from training.models.dual_encoders import build_dual_encoder
from training.models.encoders import load_encoder
from training.models.errors import UserError
from training.models.run_encoder import encoder_in, write_encoder
from training.models.run_files import load_run_weights
from training.models.sparse_rows import EMBEDDING, ROWS, all_rows, only_rows
from training.models.zoo import ZooModel, entries, table, zoo
from training.zoo.drawings import FAMILY, write_drawings

METHODS = ("simclr", "moco", "byol", "swav", "dino", "mae", "clip", "siglip", "supervised", "untrained")


@pytest.mark.parametrize("model", zoo(), ids=lambda model: model.name)
def test_each_encoder_opens_by_name_and_reads_text_if_it_was_trained_with_captions(model):
    encoder = load_encoder(model.encoder, "torch", "f32")
    red, blue = (Image.new("RGB", (80, 64), colour) for colour in ("red", "blue"))
    rows = encoder.embed_images([red, blue])
    assert rows.shape == (2, 128) and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert not np.allclose(*rows, atol=1e-3)
    assert encoder.reads_text == model.reads_text == (model.method in ("clip", "siglip"))
    if encoder.reads_text:
        assert encoder.embed_texts(["a red circle"]).shape == (1, 128)
    else:
        with pytest.raises(UserError, match=f"{model.encoder} sees images only and cannot read 'a dog'; search it by"):
            encoder.embed_texts(["a dog"])


def test_the_zoo_has_the_methods_of_the_lecture_in_eight_megabytes_of_half_precision():
    assert tuple(model.name for model in entries()) == METHODS
    assert sum(model.bytes for model in zoo()) <= 8e6
    for model in zoo():
        tensors = load_file(model.folder / "model.safetensors")
        assert {t.dtype for name, t in tensors.items() if t.is_floating_point()} == {torch.float16}


def test_each_has_a_card_with_the_figures_that_it_carries():
    for model in zoo():
        text = (model.folder / "README.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {model.encoder}\n") and f"python -m training zoo {model.name}" in text
        assert f"{model.figures()['knn/shape']['value']:.1%} (" in text
        assert ("zero-shot/shape" in model.figures()) == model.reads_text


def test_a_name_that_the_zoo_does_not_have_is_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"no encoder called 'zoo/simclear'. Did you mean 'zoo/simclr'\?"):
        load_encoder("zoo/simclear")


def test_the_page_is_made_from_the_results():
    results = json.loads(benchmark.STORED.read_text())
    assert benchmark.PAGE.read_text(encoding="utf-8") == benchmark.page(results)
    assert {row["encoder"] for row in results["rows"]} == {model.name for model in zoo()}


def test_a_text_tower_without_the_other_tokens_reads_its_own_words_as_before(tmp_path):
    pair = build_dual_encoder("plain-cnn", image_size=64)
    whole = dict(pair.model.state_dict())
    tokens = pair.tokenizer(["a red circle", "two squares"])
    small = only_rows(whole, tokens.unique())
    assert len(small[EMBEDDING]) == len(small[ROWS]) == len(set(tokens.flatten().tolist()))
    write_encoder(tmp_path, pair.made_of, small)
    again = build_dual_encoder("plain-cnn", image_size=64)
    load_run_weights(again.model, tmp_path)
    with torch.no_grad():
        assert torch.equal(pair.encode_text(tokens), again.encode_text(tokens))
        unknown = again.encode_text(again.tokenizer(["a zebra circle", "a giraffe circle"]))
    assert torch.equal(*unknown)  # other words say nothing, all alike
    assert all_rows({"weight": tokens}, 9) == {"weight": tokens}  # a file with every token


def test_no_family_of_drawings_is_both_trained_and_tested_on(tmp_path, monkeypatch):
    monkeypatch.setattr("resvg_py.svg_to_bytes", lambda **drawing: b"a drawing")  # which part it is in is what counts
    tables = write_drawings(tmp_path)
    families = {
        part: {int(line.split(".")[0].split("-")[0], 16) // FAMILY for line in path.read_text().splitlines()[1:]}
        for part, path in tables.items()
    }
    assert not families["train"] & families["test"] and len(families["test"]) > 10
    assert sum(len(path.read_text().splitlines()) - 1 for path in tables.values()) == len(list(tmp_path.glob("*.png")))


@pytest.fixture
def small_table(monkeypatch):
    """Two methods on a few scenes, two steps each."""
    scenes = {"train": "scenes:24?most=1", "test": "scenes:24?most=1&split=iid"}
    of = {"name": "shape", "column": "shape", **scenes, "suite": ["knn", "zero-shot"], "templates": ["a {}"]}
    short = {"data": ["scenes:24"], "figures": [of], "run": {"steps": 2, "batch_size": 8, "learning_rate": 1e-3}}
    few = {**table(), **short}
    monkeypatch.setattr("training.zoo.build.table", lambda: few)
    monkeypatch.setattr("training.zoo.build.write_drawings", lambda folder: {})
    models = tuple(ZooModel(name=name, method=name, idea="?", paper="?") for name in ("untrained", "clip"))
    monkeypatch.setattr(shipped, "entries", lambda: models)


def test_the_command_trains_measures_and_stores_each_once(small_table, tmp_path):
    out = tmp_path / "zoo"
    command = ["zoo", "--seeds", "2", "--out", str(out), "--json"]
    first = CliRunner().invoke(cli, command)
    results = json.loads(first.stdout)
    rows = {row["encoder"]: row for row in results["rows"]}
    assert rows["clip"]["seeds"] == [0, 1] and rows["clip"]["steps"] == 2
    assert set(rows["clip"]["figures"]) == {"knn/shape", "zero-shot/shape"}
    assert set(rows["untrained"]["figures"]) == {"knn/shape"}
    assert rows["clip"]["facts"]["minutes"] > 0
    encoder = load_encoder(str(out / "clip"), "torch", "f32")
    trained = encoder_in(out / "runs/clip-0", "run", "torch", "f32")
    image = Image.effect_noise((64, 64), 60).convert("RGB")
    assert float((encoder.embed_images([image]) @ trained.embed_images([image]).T)[0, 0]) > 0.9999
    assert float((encoder.embed_texts(["a red circle"]) @ trained.embed_texts(["a red circle"]).T)[0, 0]) > 0.9999
    assert "training clip, seed 1" in first.stderr
    second = CliRunner().invoke(cli, command)
    assert "training" not in second.stderr and json.loads(second.stdout) == results
    wrong = CliRunner().invoke(cli, ["zoo", "clap", "--out", str(out)])
    assert wrong.exit_code == 1 and "no encoder of the zoo called 'clap'. Did you mean 'clip'?" in wrong.stderr


def test_a_run_that_was_interrupted_is_resumed(small_table, tmp_path):
    out = tmp_path / "zoo"
    command = ["zoo", "untrained", "--seeds", "1", "--out", str(out), "--json"]
    whole = json.loads(CliRunner().invoke(cli, command).stdout)
    run = out / "runs/untrained-0"
    for file in ("facts.json", "evaluation.json", "model.safetensors", "encoder.json"):
        (run / file).unlink()
    again = json.loads(CliRunner().invoke(cli, command).stdout)
    assert again["rows"][0]["figures"] == whole["rows"][0]["figures"]
    assert Path(run / "facts.json").is_file()
