"""Settings of the papers: which count, what --help shows of them, and how DINO clips gradients."""

import re

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from training.__main__ import cli
from training.engine.config import resolve
from training.engine.sharded import clip_gradients, gradient_norms
from training.methods import METHODS


@pytest.mark.parametrize(
    ("method", "optimizer", "batch", "rate"),
    [
        ("simclr", "lars", 4096, 0.3 * 16),
        ("byol", "lars", 4096, 0.2 * 16),
        ("swav", "lars", 4096, 4.8),
        ("moco-v3", "lars", 4096, 0.3 * 16),
        ("moco", "sgd", 256, 0.03),
        ("moco", "sgd", 512, 0.06),
        ("dino", "sgd", 1024, 0.12),
        ("supervised", "sgd", 8192, 3.2),
        ("byol", "sgd", 512, 0.06),  # MoCo's, for want of its own
        ("clip", "lars", 512, 0.6),  # SimCLR's
        ("clip", "adamw", 32768, 5e-4),
        ("clip", None, 32768, 5e-4),
        ("dino", None, 1024, 1e-3),
    ],
)
def test_an_optimiser_has_the_learning_rate_of_a_paper(method, optimizer, batch, rate):
    user = {"batch_size": batch} | ({"optimizer": optimizer} if optimizer else {})
    config, origins = resolve(user, METHODS[method].papers(optimizer), 10**6)
    assert config.peak_rate == pytest.approx(rate)
    assert origins["learning_rate"].endswith("paper")


def test_a_learning_rate_that_the_user_gives_is_taken_as_it_is():
    user = {"optimizer": "lars", "batch_size": 4096, "learning_rate": 1.5}
    config, origins = resolve(user, METHODS["simclr"].papers("lars"), 10**6)
    assert config.peak_rate == 1.5 and config.weight_decay == 1e-6
    assert (origins["learning_rate"], origins["rate_scaling"], origins["weight_decay"]) == ("user", "default", "paper")
    config, _ = resolve(user | {"rate_scaling": "linear"}, METHODS["simclr"].papers("lars"), 10**6)
    assert config.peak_rate == 24


@pytest.mark.parametrize("name", METHODS)
def test_help_shows_the_values_that_a_run_has(name):
    shown = " ".join(CliRunner().invoke(cli, [name, "--help"], env={"COLUMNS": "500"}).output.split())
    for setting in METHODS[name].recipe:
        found = re.search(rf"--{setting.replace('_', '-')} .*?\[default: (.*?)\]", shown)
        assert found is not None and found[1] == str(METHODS[name].recipe[setting]), setting


def test_dino_clips_each_gradient_by_its_own_norm():
    assert resolve({}, METHODS["dino"].papers(None), 10**6)[0].clip_by == "parameter"
    weights = [nn.Parameter(torch.zeros(size)) for size in ((4, 5), (3,), (), (2, 2))]
    for number, weight in enumerate(weights[:3]):
        weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(number)) * 4**number
    before = [weight.grad.clone() for weight in weights[:3]]
    norm = clip_gradients(weights, gradient_norms(weights), 3.0, each=True)
    assert norm == pytest.approx(float(torch.cat([gradient.flatten() for gradient in before]).norm()))
    for weight, gradient in zip(weights, before, strict=False):
        factor = min(1.0, 3.0 / (float(gradient.square().sum().sqrt()) + 1e-6))
        assert torch.allclose(weight.grad, gradient * factor, rtol=1e-5)
    assert weights[3].grad is None
