"""Ranks and micro-batches change nothing: the gradients of one full batch, for every parameter."""

import os
from collections.abc import Callable
from functools import cache

import pytest
import torch

from tests.ranks import on_ranks
from tests.samples import SMALL_TOWERS
from training.data.config import DataConfig
from training.engine.distributed import World, join
from training.engine.microbatch import cached_backward
from training.engine.trainer import Trainer
from training.models.errors import UserError
from training.models.tower_configs import TINY
from training.pretrain import plan

CASES = {
    "clip": ("clip", {}),
    "clip with wrong captions and shared ones": ("clip", {"hard_negatives": True, "multi_positive": True}),
    "siglip": ("siglip", {}),
    "siglip with shared captions": ("siglip", {"multi_positive": True}),
    "devise": ("devise", {}),
    "clip with batch norm": ("clip", {}),  # of all ranks; in pieces it is refused
}
TOWER = {"clip with batch norm": "tiny-resnet"}
PIECES = [(case, micro) for case in CASES for micro in (0, 2) if not (micro and case in TOWER)]
BATCH = 12


def gradients(folder: str, case: str, world: World, **of_run) -> dict[str, torch.Tensor]:
    """What one step's batch asks of every parameter on this rank, and the loss averaged over ranks."""
    method, settings = CASES[case]
    data = DataConfig(data=(folder,), caption=("a {folder} in red and blue",), tower=TOWER.get(case, "tiny"))
    planned = plan(method, data, {"batch_size": BATCH, "steps": 1, "workers": 0} | of_run, settings, world)
    if case in TOWER:  # in float32, rounding alone moves an activation across a ReLU's kink
        planned.method.double()
    trainer = Trainer(planned.method, method, planned.batches, planned.run, world, quiet=True)
    arguments, _ = next(trainer.feed(0, 1))
    if case in TOWER:
        arguments = tuple(a.double() if a.is_floating_point() else a for a in arguments)
    loss = trainer._backward(arguments)
    if planned.run.micro_batch:
        world.average_gradients(trainer.method.parameters())
    found = {name: p.grad.clone() for name, p in trainer.method.named_parameters() if p.grad is not None}
    assert len(found) == sum(p.requires_grad for p in trainer.method.parameters())
    return found | {"loss": torch.tensor(world.mean({"loss": float(loss)})["loss"])}


def main(rank: int) -> dict:
    """The gradients of one rank, by case and size of its micro-batches."""
    TINY["tiny"] = SMALL_TOWERS
    folder, world = os.environ["GELATO_TEST_RANKS"], join("cpu")
    return {(case, micro): gradients(folder, case, world, micro_batch=micro) for case, micro in PIECES}


@pytest.fixture(autouse=True)
def small(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setitem(TINY, "tiny", SMALL_TOWERS)


@pytest.fixture(scope="module")
def two_ranks(captioned, tmp_path_factory):
    """What two processes find, each with half of the batch, whole and in three micro-batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GELATO_TEST_RANKS", str(captioned))
        patch.setenv("GELATO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return on_ranks("tests.test_training_exact_resume", tmp_path_factory.mktemp("ranks"))


def assert_equal(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        distance = (found[name] - gradient).norm()
        assert distance <= 1e-5 * gradient.norm(), f"{name}: {distance / gradient.norm():.1e}"


ALONE = World(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def whole(captioned) -> Callable[[str], dict[str, torch.Tensor]]:
    """The gradients of one full batch of a case, computed once."""
    return cache(lambda case: gradients(str(captioned), case, ALONE))


@pytest.mark.parametrize("case, micro", PIECES)
def test_two_ranks_and_three_micro_batches_have_the_gradients_of_one_full_batch(whole, two_ranks, case, micro):
    for of_rank in two_ranks:
        assert_equal(of_rank[case, micro], whole(case))
    assert "pair.model.logit_scale" in whole(case) or case == "devise"


@pytest.mark.parametrize("case", [case for case in CASES if case not in TOWER])
def test_micro_batches_alone_have_the_gradients_of_the_full_batch(captioned, whole, case):
    assert_equal(gradients(str(captioned), case, ALONE, micro_batch=3), whole(case))


def test_the_second_pass_meets_the_random_numbers_of_the_first():
    class Noisy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)

        def embed(self, x):
            return (torch.nn.functional.dropout(self.linear(x), 0.5),)

        def objective(self, rows):
            return (rows @ rows.T).logsumexp(dim=1).mean()

    torch.manual_seed(0)
    method, x = Noisy(), torch.randn(6, 4)
    torch.manual_seed(1)
    expected = method.objective(torch.cat([method.embed(piece)[0] for piece in x.split(2)]))
    wanted = torch.autograd.grad(expected, list(method.parameters()))
    following = torch.rand(1)
    torch.manual_seed(1)
    loss = cached_backward(method, (x,), 2, torch.enable_grad, lambda loss: loss.backward())
    assert torch.rand(1) == following and loss == expected
    for parameter, gradient in zip(method.parameters(), wanted, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_micro_batches_are_refused_where_batch_norm_would_change_them(captioned):
    data = DataConfig(data=(str(captioned),), tower="tiny-resnet")
    planned = plan("clip", data, {"batch_size": BATCH, "micro_batch": 4, "steps": 1}, {}, ALONE)
    with pytest.raises(UserError, match=r"is not exact for clip: its batch norm \(pair.model.visual"):
        Trainer(planned.method, "clip", planned.batches, planned.run, ALONE)


def test_micro_batches_need_ever_fewer_activations(captioned):
    """Bytes that the backward pass keeps alive, counted as autograd saves them."""

    def most(**of_run) -> int:
        alive, peak = 0, 0

        class Kept:
            def __init__(self, tensor):
                nonlocal alive, peak
                self.tensor, self.bytes = tensor, tensor.numel() * tensor.element_size()
                alive += self.bytes
                peak = max(peak, alive)

            def __del__(self):
                nonlocal alive
                alive -= self.bytes

        with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
            gradients(str(captioned), "clip", ALONE, batch_size=32, **of_run)
        return peak

    assert most(micro_batch=4) <= 0.3 * most()
