"""ViTs on images of other sizes: against a ViT of that size whose positions were interpolated beforehand."""

import copy

import pytest
import torch
import torch.nn.functional as F

from training.methods import METHODS
from training.models.any_size import take_any_size
from training.models.backbone import Backbone
from training.models.backbones import build_backbone
from training.models.errors import UserError

VITS = {"tiny": (32, 16, 8), "vit_tiny_patch16_224": (224, 96, 16)}  # own size, other size, patch


def images(size: int) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("tower", VITS)
def test_a_vit_computes_what_one_of_that_size_computes_with_interpolated_positions(tower):
    own, size, patch = VITS[tower]
    torch.manual_seed(0)
    backbone = build_backbone(tower).eval()
    name = "positional_embedding" if tower == "tiny" else "pos_embed"
    with torch.no_grad():
        getattr(backbone.network, name).normal_()
        whole = backbone(images(own))
    assert take_any_size(backbone) == patch
    state = {key: value.clone() for key, value in backbone.network.state_dict().items()}
    positions = state[name].reshape(-1, state[name].shape[-1])
    grid = positions[1:].T.reshape(1, -1, own // patch, own // patch)
    grid = F.interpolate(grid, size=(size // patch, size // patch), mode="bicubic", antialias=True)
    resized = torch.cat([positions[:1], grid.flatten(2)[0].T])
    other = build_backbone(tower, image_size=size).eval()
    state[name] = resized.reshape(getattr(other.network, name).shape)
    other.network.load_state_dict(state)
    with torch.no_grad():
        assert torch.equal(backbone(images(own)), whole)
        assert torch.allclose(backbone(images(size)), other(images(size)), atol=1e-5)


def test_gradients_of_small_images_reach_the_positions_of_the_copy_that_saw_them():
    backbone = build_backbone("tiny")
    take_any_size(backbone)
    twin = copy.deepcopy(backbone)
    twin(images(16))[:, :5].sum().backward()
    assert twin.network.positional_embedding.grad.abs().sum() > 0
    assert backbone.network.positional_embedding.grad is None


def test_what_takes_no_other_size_says_so_instead_of_taking_as_long():
    assert take_any_size(build_backbone("micro-resnet")) == 1

    class Fixed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3 * 32 * 32, 8)

        def forward(self, images):
            return self.linear(images.flatten(1))

    fixed = Backbone(Fixed(), 8, 32)
    assert take_any_size(fixed) is None
    with pytest.raises(UserError, match="--small-size 32"):
        METHODS["dino"](fixed, METHODS["dino"].Config())
    METHODS["dino"](fixed, METHODS["dino"].Config(small_size=32))
    with pytest.raises(UserError, match="choose 16 or 24"):
        METHODS["swav"](build_backbone("tiny"), METHODS["swav"].Config(small_size=20))


@pytest.mark.parametrize(("tower", "size"), [("tiny", 16), ("micro-resnet", 14), ("vit_tiny_patch16_224", 96)])
def test_small_crops_are_small(tower, size):
    for name in ("dino", "swav"):
        method = METHODS[name](build_backbone(tower), METHODS[name].Config())
        assert [view.size for view in method.augment.views[2:]] == [size] * 4
