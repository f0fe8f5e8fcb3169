"""LARS against its formula, one weight at a time."""

import copy

import pytest
import torch
from torch import nn

from training.engine.lars import LARS


def test_each_layer_steps_by_a_share_of_its_length():
    torch.manual_seed(0)
    weight, gain = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(4))
    groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [gain], "weight_decay": 0.0}]
    optimizer = LARS(groups, lr=0.5, momentum=0.9, eta=0.02)
    w, g = weight.detach().clone(), gain.detach().clone()
    memory_w, memory_g = torch.zeros_like(w), torch.zeros_like(g)
    for step in range(3):
        gradient_w, gradient_g = torch.randn(3, 4), torch.randn(4)
        weight.grad, gain.grad = gradient_w.clone(), gradient_g.clone()
        optimizer.step()
        whole = gradient_w + 0.1 * w  # |p| / |g + decay p|: the decay is inside
        memory_w = 0.9 * memory_w + 0.02 * w.norm() / whole.norm() * whole
        memory_g = 0.9 * memory_g + gradient_g  # one axis: a plain step
        w, g = w - 0.5 * memory_w, g - 0.5 * memory_g
        assert torch.allclose(weight, w, atol=1e-6) and torch.allclose(gain, g, atol=1e-6), step


def test_a_layer_of_zeros_takes_a_plain_step_and_a_dropped_gradient_none():
    zero, dropped = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.ones(2, 2))
    zero.grad = torch.ones(2, 2)
    LARS([zero, dropped], lr=0.1).step()
    assert torch.allclose(zero, torch.full((2, 2), -0.1)) and torch.equal(dropped.data, torch.ones(2, 2))


def test_its_state_survives():
    one = nn.Parameter(torch.ones(2, 2))
    first = LARS([one], lr=0.1)
    one.grad = torch.ones(2, 2)
    first.step()
    other = nn.Parameter(one.detach().clone())
    second = LARS([other], lr=0.1)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    one.grad, other.grad = torch.full((2, 2), 2.0), torch.full((2, 2), 2.0)
    first.step(), second.step()
    assert torch.equal(one, other) and one[0, 0].item() != pytest.approx(1)
