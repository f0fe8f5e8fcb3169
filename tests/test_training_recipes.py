"""Recipes of papers: each parses, says where its values come from, and runs a step on a tiny tower."""

import json
from dataclasses import fields

import pytest
from click.testing import CliRunner

from tests.samples import noise_image
from training.__main__ import cli
from training.data.config import DataConfig
from training.engine.config import RunConfig
from training.methods import METHODS
from training.recipes import RECIPES

SMALL = {  # settings of a recipe that a test cannot pay for
    **{"tower": "micro-resnet", "image_size": 32, "batch_size": 16, "small_size": 16, "queue": 32},
    **{"hidden": 16, "outputs": 32, "narrow": 8, "prototypes": 8, "decoder_width": 16, "decoder_depth": 1},
    **{"small_crops": 2, "projection": 8},
}
VITS = {"mae", "dino", "clip", "slip", "siglip", "moco-v3"}


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    """Sixteen small images with captions."""
    folder = tmp_path_factory.mktemp("recipes")
    for number in range(16):
        noise_image(number, (40, 32)).save(folder / f"{number:02}.png")
        (folder / f"{number:02}.txt").write_text(f"image {number}")
    return str(folder)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_settings_that_exist_and_says_where_each_comes_from(name):
    recipe = RECIPES[name]
    parts = DataConfig, METHODS[recipe.method].Config, RunConfig
    known = {field.name: config for config in parts for field in fields(config)}
    assert set(recipe.settings) <= set(known)
    for config in parts:
        config(**{key: one.value for key, one in recipe.settings.items() if known[key] is config})
    assert all(one.paper and one.where for one in recipe.settings.values())
    assert {"tower", "batch_size", "epochs", "learning_rate", "weight_decay"} <= set(recipe.settings)
    assert recipe.paper and recipe.data


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_a_step_on_a_tiny_tower(name, captioned, tmp_path):
    recipe = RECIPES[name]
    smaller = {key: value for key, value in SMALL.items() if key in recipe.settings}
    smaller |= {"tower": "tiny"} if recipe.method in VITS else {}
    words = [word for key, value in smaller.items() for word in (f"--{key.replace('_', '-')}", str(value))]
    words = [recipe.method, "--recipe", name, "--data", captioned, "--steps", "1", "--workers", "0", *words]
    done = CliRunner().invoke(cli, [*words, "--device", "cpu", "--out", str(tmp_path / "run"), "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "run/config.json").read_text())
    held = {**document["data"], **document["settings"], **document["run"]}
    for key, one in recipe.settings.items():
        assert held[key] == smaller.get(key, one.value), key
    assert document["origins"]["learning_rate"] == f"recipe {name}"
    assert document["origins"]["batch_size"] != f"recipe {name}"


def test_explain_prints_the_papers_table_beside_ours(captioned):
    words = ["simclr", "--recipe", "simclr-imagenet-100e", "--data", captioned, "--tower", "tiny-resnet"]
    done = CliRunner().invoke(cli, [*words, "--image-size", "32", "--batch-size", "8", "--explain"])
    assert done.exit_code == 0, done.output
    assert "arXiv:2002.05709" in done.output
    lines = {line.split()[0]: line for line in done.output.splitlines() if line.strip()}
    assert "0.3 x batch / 256 (section 2.2)" in lines["learning_rate"]
    assert lines["batch_size"].split()[1] == "8" and "4096 (section 2.2)" in lines["batch_size"]


def test_a_recipe_of_another_method_names_its_command(captioned):
    done = CliRunner().invoke(cli, ["byol", "--recipe", "simclr-imagenet-100e", "--data", captioned])
    assert done.exit_code == 1 and "python -m training simclr --recipe simclr-imagenet-100e" in done.output
    done = CliRunner().invoke(cli, ["byol", "--recipe", "byol-imagenet", "--data", captioned])
    assert done.exit_code == 1 and "Did you mean 'byol-imagenet-300e'?" in done.output
