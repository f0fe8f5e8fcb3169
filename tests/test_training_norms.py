"""Two ranks with half a batch each compute what one process computes with the whole."""

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import nn

from tests.ranks import on_ranks
from training.models.collectives import gather, mean, total
from training.models.norms import GlobalBatchNorm, make_norms_global

ROWS = 8  # of the whole batch


def network() -> nn.Module:
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(5, 6, bias=False), nn.BatchNorm1d(6, affine=False))
    return (
        nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 5, 3), BatchNormAct2d(5), nn.Flatten(2)
        )
        .append(_Pool())
        .append(head)
        .double()
    )


class _Pool(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(2)


def made_images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(ROWS, 3, 7, 7, generator=generator, dtype=torch.float64)


def outcome(net: nn.Module, images: torch.Tensor, start: int) -> dict:
    """Loss of some rows of the batch against all of them, gradients, and what batch norm remembers."""
    rows = net(images)
    everyone = gather(rows)
    own = torch.arange(len(rows)) + start
    loss = nn.functional.cross_entropy(rows @ everyone.T, own) + (total(rows.sum(0)) ** 2).mean() / 10
    loss = loss + mean(rows.square().mean()) * 3
    loss.backward()
    gradients = {f"gradient {name}": p.grad for name, p in net.named_parameters()}
    return {"loss": loss.detach(), **gradients, **{name: value.clone() for name, value in net.named_buffers()}}


def main(rank: int) -> dict:
    half = ROWS // 2
    return outcome(make_norms_global(network()), made_images()[rank * half : (rank + 1) * half], rank * half)


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    return on_ranks("tests.test_training_norms", tmp_path_factory.mktemp("ranks"))


def test_two_ranks_have_the_loss_the_gradients_and_the_statistics_of_one(halves):
    whole = outcome(network(), made_images(), 0)
    for name, value in whole.items():
        both = [half[name] for half in halves]
        if name == "loss" or name.startswith("gradient"):
            assert torch.allclose(sum(both) / 2, value, rtol=1e-9, atol=1e-12), name
        else:  # what batch norm remembers is the same on both
            assert all(torch.allclose(half.double(), value.double(), rtol=1e-12) for half in both), name


def test_alone_it_is_pytorchs_own_batch_norm_bit_for_bit():
    one, other = network().float(), make_norms_global(network().float())
    assert sum(isinstance(module, GlobalBatchNorm) for module in other.modules()) == 3
    images = made_images().float()
    assert torch.equal(one(images), other(images))
    assert torch.equal(one.eval()(images), other.eval()(images))
    assert one.state_dict().keys() == other.state_dict().keys()


def test_batch_norm_says_which_shape_it_wants():
    with pytest.raises(ValueError, match=r"wants \[B, C"):
        GlobalBatchNorm(3)._check_input_dim(torch.zeros(3))
