"""What gradients do not reach: queues, momentum encoders, centres and prototypes move exactly as the papers say."""

import math

import pytest
import torch
from torch import nn

from tests.test_training_methods import batch, made, shrink
from training.methods.heads import DINOHead, Prototypes, mlp
from training.methods.momentum import cosine
from training.models.ema import ema_copy, update_ema
from training.models.errors import UserError


@pytest.fixture(autouse=True)
def small_towers(monkeypatch):
    shrink(monkeypatch.setitem)


def step(method, number: int = 0, of: int = 10, rate: float = 0.05) -> None:
    """One step of plain descent."""
    for parameter in method.parameters():
        parameter.grad = None
    method.loss(*method.augment(batch(range(number * 8, number * 8 + 8), number))).backward()
    method.before_step(number / of)
    with torch.no_grad():
        for parameter in method.parameters():
            if parameter.grad is not None:
                parameter -= rate * parameter.grad
    method.after_step((number + 1) / of)


def test_the_queue_is_a_ring_that_loses_the_oldest_and_nothing_else():
    method = made("moco", queue=8)
    expected = list(method.queue.clone())
    place = 0
    for number in range(5):  # 3 + 3 + 3 into 8: the third wraps
        keys = torch.full((3, 8), float(number))
        method.enqueue(keys)
        for key in keys:
            expected[place % 8] = key
            place += 1
        assert torch.equal(method.queue, torch.stack(expected)) and int(method.pointer) == place % 8
    method.enqueue(torch.arange(20.0)[:, None].expand(-1, 8))  # more than it holds: the newest stay
    assert sorted(method.queue[:, 0].tolist()) == list(map(float, range(12, 20)))


def test_a_batchs_own_keys_join_the_queue_only_after_its_loss():
    method = made("moco")
    before = method.queue.clone()
    views = method.augment(batch())
    method.loss(*views)
    assert torch.equal(method.queue, before)
    method.after_step(0.1)
    assert not torch.equal(method.queue[:8], before[:8]) and torch.equal(method.queue[8:], before[8:])
    assert torch.allclose(method.queue.norm(dim=1), torch.ones(24), atol=1e-5)


def test_shuffled_groups_give_every_key_back_to_its_query():
    method = made("moco").eval()  # without batch norm's memory of the group, groups change nothing
    _, views, draws = method.augment(batch())
    together = method._keys_of(views, draws, 1)
    for groups in (2, 4, 8):
        assert torch.allclose(together, method._keys_of(views, draws, groups), atol=1e-6)


def test_by_default_a_querys_batch_norm_does_not_see_its_keys_batch():
    method = made("moco")
    _, views, draws = method.augment(batch(range(64)))
    assert method.groups_of(64) == 8
    seen = []
    method.keys[0].register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    method._keys_of(views, draws, 8)
    of_queries = [{n for n in range(64) if n % 8 == group} for group in range(8)]
    of_keys = [{next(n for n in range(64) if torch.equal(view, views[n])) for view in group} for group in seen]
    assert sorted(n for group in of_keys for n in group) == list(range(64))
    assert all(len({n // 8 for n in group}) == 8 for group in of_keys)  # one of each eight consecutive images
    assert max(len(a & b) for a in of_queries for b in of_keys) < 5  # of 8; 1 on average


@pytest.mark.parametrize(("images", "groups"), [(2, 1), (4, 2), (8, 2), (24, 3), (64, 8), (100, 5), (4096, 8)])
def test_the_number_of_groups_follows_from_the_batch(images, groups):
    assert made("moco").groups_of(images) == groups
    assert made("moco", tower="tiny").groups_of(images) == 1  # it has no batch norm


def test_a_batch_that_cannot_be_divided_into_groups_says_so():
    with pytest.raises(UserError, match=r"23 images cannot be divided .* --groups"):
        made("moco").groups_of(23)
    assert made("moco", groups=1).groups_of(23) == 1


def test_a_momentum_encoder_follows_by_its_momentum_and_keeps_its_own_batch_norm():
    fast = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    fast[1].running_mean.fill_(2.0)
    slow = ema_copy(fast)
    assert torch.equal(slow[1].running_mean, fast[1].running_mean)  # it begins with all of it
    assert not any(p.requires_grad for p in slow.parameters())
    old = slow[0].weight.clone()
    with torch.no_grad():
        fast[0].weight += 1
        fast[1].running_mean += 1
    update_ema(slow, fast, 0.9)
    assert torch.allclose(slow[0].weight, 0.9 * old + 0.1 * fast[0].weight, atol=1e-6)
    assert (slow[1].running_mean == 2.0).all()


def test_ramps_are_half_a_cosine():
    assert [cosine(0.99, 1.0, p) for p in (0, 1)] == pytest.approx([0.99, 1.0])
    assert cosine(0.99, 1.0, 0.25) == pytest.approx(1 - 0.01 * (math.cos(math.pi * 0.25) + 1) / 2)  # BYOL, section 3.2
    assert cosine(0.9, 1.0, 7.0) == 1.0


@pytest.mark.parametrize("name, slow", [("moco", "keys"), ("moco-v3", "keys"), ("byol", "target"), ("dino", "teacher")])
def test_no_gradient_reaches_a_momentum_encoder_and_it_moves_after_the_step(name, slow):
    method = made(name)
    before = [p.clone() for p in getattr(method, slow).parameters()]
    step(method, rate=0.5)
    after = list(getattr(method, slow).parameters())
    assert all(p.grad is None for p in after)
    assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_dinos_last_layer_waits_and_its_centre_moves_after_use():
    method = made("dino", freeze=0.2)
    last = method.head.last.detach().clone()
    views = method.augment(batch())
    method.loss(*views)
    assert not method.centre.any()
    step(method, 0)
    mean = torch.stack([method.teacher["head"](method.teacher["backbone"](view)).mean(0) for view in views[:2]])
    assert method.centre.any() and mean.shape == (2, 10)
    assert torch.equal(method.head.last, last)
    for number in (1, 2):
        step(method, number)
    assert not torch.equal(method.head.last, last)


def test_dinos_centre_is_a_running_mean_of_what_the_teacher_said():
    method = made("dino", centre_momentum=0.75)
    said = []
    method.teacher["head"].register_forward_hook(lambda module, arguments, result: said.append(result.detach()))
    expected = torch.zeros(10)
    for number in range(3):
        step(method, number)
        expected = 0.75 * expected + 0.25 * said[number].mean(0)
        assert torch.allclose(method.centre, expected, atol=1e-6)


def test_dinos_teacher_is_what_is_kept_and_its_temperature_climbs():
    method = made("dino", teacher_start=0.02, teacher_temperature=0.06, teacher_warmup=0.5)
    facts, network = method.product()
    assert network is method.teacher["backbone"].network and facts == method.backbone.made_of
    assert method.teacher_temperature() == pytest.approx(0.02)
    method.after_step(0.25)
    assert method.teacher_temperature() == pytest.approx(0.04)
    method.after_step(0.9)
    assert method.teacher_temperature() == pytest.approx(0.06)


def test_swavs_prototypes_wait_and_then_stay_of_unit_length():
    method = made("swav", freeze=0.15)
    first = method.prototypes.weight.detach().clone()
    for number in (0, 1):
        step(method, number, rate=0.5)
    assert torch.allclose(method.prototypes.weight, first, atol=1e-6)
    step(method, 2, rate=0.5)
    assert not torch.allclose(method.prototypes.weight, first, atol=1e-4)
    assert torch.allclose(method.prototypes.weight.norm(dim=1), torch.ones(6), atol=1e-6)


def test_swavs_queue_fills_newest_first_and_is_used_only_once_it_is_full():
    method = made("swav", queue=20, queue_from=0.0)
    seen = []
    for number in range(3):
        rows = [torch.nn.functional.normalize(r, dim=1) for r in torch.randn(2, 8, 8)]
        method.pending = [torch.stack(rows)]
        method.after_step(0.1)
        seen = [rows[0], *seen]
        full = torch.cat(seen)[:20]
        assert torch.allclose(method.queue[0][: len(full)], full) and int(method.filled) == min(20, 8 * (number + 1))
        codes = method._codes(rows[0], 0)
        alone = made("swav", queue=0)
        alone.prototypes.load_state_dict(method.prototypes.state_dict())
        assert torch.allclose(codes, alone._codes(rows[0], 0), atol=1e-6) == (number < 2)


def test_heads_are_built_as_the_papers_build_them():
    simclr = mlp(4, 6, 5, last_norm=True)
    assert [type(m).__name__ for m in simclr] == ["Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d"]
    assert simclr[0].bias is None and simclr[3].bias is None and simclr[4].weight is None
    moco = mlp(4, 6, 5, norm=False)
    assert [type(m).__name__ for m in moco] == ["Linear", "ReLU", "Linear"] and moco[2].bias is not None
    byol = mlp(4, 6, 5, last_bias=False)
    assert byol[-1].bias is None and isinstance(byol[1], nn.BatchNorm1d)
    rows = torch.nn.functional.normalize(torch.randn(3, 5), dim=1)
    assert Prototypes(5, 7)(rows).abs().max() <= 1 + 1e-6
    assert DINOHead(4, 6, 5, 9)(torch.randn(3, 4) * 100).abs().max() <= 1 + 1e-6  # cosines, whatever the features


def test_mae_hides_what_it_asks_for():
    method = made("mae", tower="tiny")
    images, order = method.augment(batch())
    other = images.clone()
    hidden = order[0, method.visible :]
    grid, side = method.patches.grid, method.patches.side
    for patch in hidden.tolist():  # scribble over everything that image 0 hides
        row, column = patch // grid * side, patch % grid * side
        other[0, :, row : row + side, column : column + side] = 9.0
    with torch.no_grad():
        assert torch.equal(
            method.patches(images, order[:, : method.visible]), method.patches(other, order[:, : method.visible])
        )
        assert method.loss(images, order) != method.loss(other, order)
        whole = method.patches(images)
    assert whole.shape[1] == method.patches.prefix + grid**2
    assert torch.allclose(method.backbone(images), whole[:, 0], atol=1e-5)  # nothing is hidden from what is kept
