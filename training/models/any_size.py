"""ViTs on images of other sizes than their own: their positions are interpolated, as multi-crop needs it."""

from types import MethodType
from typing import Any

import torch
from torch import Tensor

from training.models.backbone import Backbone
from training.models.patches import is_open_clip, is_timm, patch_layer, patch_side


def take_any_size(backbone: Backbone) -> int | None:
    """Let a backbone take images of other sizes, and give the number of pixels that divides their sides.

    A ViT's positions are interpolated (bicubic, antialiased) in each forward pass, so that gradients of all sizes reach
    them; convolutional networks take any size as they are. The weights and what they compute at the own size stay.
    None if the backbone has attention windows or positions that cannot be interpolated.
    """
    network: Any = getattr(backbone.network, "trunk", backbone.network)
    step = 1
    if is_open_clip(network):
        network._embeds = MethodType(_embeds, network)
        step = patch_side(network)
    elif is_timm(network) and hasattr(network, "dynamic_img_size"):
        _make_dynamic(network)
        step = patch_side(network)
    other = max(step, backbone.image_size // 2 // step * step)
    return step if _takes(backbone, max(other, 8)) else None


def _make_dynamic(network: Any) -> None:
    """What timm does for `dynamic_img_size=True` when it makes a ViT."""
    from timm.layers import Format

    layer: Any = patch_layer(network)
    network.dynamic_img_size = True
    layer.strict_img_size, layer.flatten, layer.output_fmt = False, False, Format.NHWC


def _embeds(self: Any, images: Tensor) -> Tensor:
    """The tokens that a ViT of open_clip begins with, [B, 1 + h * w, width], for images of h by w patches."""
    from timm.layers import resample_abs_pos_embed

    patches = self.conv1(images)
    first = self.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
    tokens = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
    size = list(patches.shape[-2:])
    positions = resample_abs_pos_embed(self.positional_embedding[None], size, list(self.grid_size))
    return self.ln_pre(self.patch_dropout(tokens + positions.to(tokens.dtype)))


def _takes(backbone: Backbone, size: int) -> bool:
    """Whether images of this size pass."""
    was = backbone.training
    try:
        with torch.no_grad():
            backbone.eval()(torch.zeros(1, 3, size, size, device=next(backbone.parameters()).device))
        return True
    except (RuntimeError, AssertionError):
        return False
    finally:
        backbone.train(was)
