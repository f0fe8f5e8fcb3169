"""Inside a backbone: a ViT's patches, some of which may be left out, and feature maps of any network."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from training.models.backbone import Backbone
from training.models.errors import UserError


def patch_layer(network: nn.Module) -> nn.Module | None:
    """The layer of a ViT that turns patches into tokens, or None for other networks."""
    if is_open_clip(network):
        return network.get_submodule("conv1")
    return network.get_submodule("patch_embed") if is_timm(network) else None


def patch_side(network: nn.Module) -> int:
    """The side of a ViT's patches in pixels."""
    return int(_kernel(network).kernel_size[0])


def _kernel(network: nn.Module) -> nn.Conv2d:
    layer: Any = patch_layer(network)
    return layer if isinstance(layer, nn.Conv2d) else layer.proj


def is_open_clip(network: nn.Module) -> bool:
    """Whether a network is a ViT of open_clip."""
    return hasattr(network, "_embeds") and hasattr(network, "patch_dropout")


def is_timm(network: nn.Module) -> bool:
    """Whether a network is a ViT of timm."""
    return hasattr(network, "patch_embed") and hasattr(network, "patch_drop") and hasattr(network, "pos_embed")


class Keep(nn.Module):
    """Stands where a ViT drops patches, behind the positions, and keeps those in `chosen`."""

    def __init__(self, prefix: int):
        super().__init__()
        self.prefix = prefix
        self.chosen: Tensor | None = None  # [B, kept] numbers of patches; None keeps all

    def forward(self, tokens: Tensor) -> Tensor:
        if self.chosen is None:
            return tokens
        first, patches = tokens[:, : self.prefix], tokens[:, self.prefix :]
        index = self.chosen[:, :, None].expand(-1, -1, tokens.shape[2])
        return torch.cat([first, patches.gather(1, index)], dim=1)


class Patches(nn.Module):
    """A ViT of open_clip or timm as patches: tokens in, tokens out.

    side: of a patch in pixels. grid: patches along a side. prefix: tokens before the patches, such as the
    class token.
    """

    keep: Keep
    network: Any

    def __init__(self, backbone: Backbone):
        super().__init__()
        network: Any = backbone.network
        self.side, self.width = patch_side(network), int(_kernel(network).out_channels)
        self.grid = backbone.image_size // self.side
        self.prefix = 1 if is_open_clip(network) else int(network.num_prefix_tokens)
        keep = Keep(self.prefix)
        setattr(network, "patch_dropout" if is_open_clip(network) else "patch_drop", keep)
        object.__setattr__(self, "network", network)  # the backbone's, not a second copy in the state
        self.keep = keep

    def forward(self, images: Tensor, chosen: Tensor | None = None) -> Tensor:
        """images [B, 3, H, W] to tokens [B, prefix + kept, width]; chosen: int64 [B, kept], else all patches."""
        self.keep.chosen = chosen
        try:
            return tokens_of(self.network, images)
        finally:
            self.keep.chosen = None

    def fix_positions(self) -> None:
        """Put sines and cosines in the place of learned positions, and leave them there (He et al. 2022)."""
        network: Any = self.network
        positions = network.positional_embedding if is_open_clip(network) else network.pos_embed
        fixed = sines(self.grid, self.width)
        rest = positions.shape[-2] - len(fixed)
        with torch.no_grad():
            positions.copy_(torch.cat([torch.zeros(rest, self.width), fixed]).view_as(positions))
        positions.requires_grad_(False)


class ConvolutionalPatches(nn.Module):
    """A convolutional network as patches, with the interface of Patches; a cell of its feature map is a token.

    It cannot leave patches out, so those that are not chosen are grey, as in SimMIM (Xie et al. 2022). UserError for a
    network without a square feature map that divides the image.
    """

    backbone: Backbone
    prefix = 0

    def __init__(self, backbone: Backbone):
        super().__init__()
        object.__setattr__(self, "backbone", backbone)  # not a second copy in the state
        self.width, self.grid, _ = map_shape(backbone)
        self.side = backbone.image_size // self.grid
        if self.grid < 2 or self.side * self.grid != backbone.image_size:
            raise UserError(
                f"{backbone.made_of.get('tower', 'This tower')} sees an image of {backbone.image_size} pixels as "
                f"{self.grid} by {self.grid} cells; choose an --image-size with two or more a side, of equal size."
            )

    def forward(self, images: Tensor, chosen: Tensor) -> Tensor:
        """images [B, 3, H, W] to tokens [B, kept, width]; chosen: int64 [B, kept]."""
        seen = images.new_zeros(len(images), self.grid**2).scatter_(1, chosen, 1.0)
        seen = seen.view(-1, 1, self.grid, self.grid)
        seen = seen.repeat_interleave(self.side, dim=2).repeat_interleave(self.side, dim=3)
        # Zero is the mean colour, since images are normalised.
        tokens = feature_map(self.backbone, images * seen).flatten(2).transpose(1, 2)
        return tokens.gather(1, chosen[:, :, None].expand(-1, -1, self.width))

    def fix_positions(self) -> None:
        """It has no positions: a convolution knows its neighbours."""


def patches_of(backbone: Backbone) -> Patches | ConvolutionalPatches:
    """The patches of a backbone, whichever way it has some. UserError if it has none."""
    return ConvolutionalPatches(backbone) if patch_layer(backbone.network) is None else Patches(backbone)


def tokens_of(network: Any, images: Tensor) -> Tensor:
    """All tokens of a ViT's last layer, [B, prefix + N, width]."""
    if is_open_clip(network):
        return network.ln_post(network.transformer(network._embeds(images)))
    return network.forward_features(images)


def feature_map(backbone: Backbone, images: Tensor) -> Tensor:
    """What a backbone knows of each place before it pools: [B, C, h, w]. UserError where it cannot be had."""
    network: Any = backbone.network
    if is_open_clip(network) or is_timm(network):
        prefix = 1 if is_open_clip(network) else network.num_prefix_tokens
        tokens = tokens_of(network, images)[:, prefix:]
        side = math.isqrt(tokens.shape[1])
        return tokens.transpose(1, 2).reshape(len(images), -1, side, side)
    found = network.forward_features(images) if hasattr(network, "forward_features") else None
    if found is None or found.ndim != 4:
        raise UserError(
            f"{backbone.made_of.get('tower', 'This tower')} does not say what it sees where; choose --tower tiny, "
            f"tiny-resnet, or a convolutional network or ViT of timm."
        )
    return found


def map_shape(backbone: Backbone) -> tuple[int, int, int]:
    """The channels, height and width of a backbone's feature map."""
    was, side = backbone.training, backbone.image_size
    with torch.no_grad():
        shape = feature_map(backbone.eval(), torch.zeros(1, 3, side, side)).shape  # eval: norms learn nothing
    backbone.train(was)
    return shape[1], shape[2], shape[3]


def map_channels(backbone: Backbone) -> int:
    """How many channels a backbone's feature map has."""
    return map_shape(backbone)[0]


def sines(grid: int, width: int) -> Tensor:
    """Fixed positions of a grid, [grid * grid, width]: sines and cosines of rows in one half, columns in the other."""
    quarter = width // 4
    rates = 10000 ** (-torch.arange(quarter).double() / quarter)
    place = torch.arange(grid).double()[:, None] * rates  # [grid, quarter]
    of_axis = torch.cat([place.sin(), place.cos()], dim=1)  # [grid, width / 2]
    rows, columns = of_axis[:, None].expand(-1, grid, -1), of_axis[None].expand(grid, -1, -1)
    both = torch.cat([rows, columns], dim=2).reshape(grid * grid, -1)
    return nn.functional.pad(both, (0, width - both.shape[1])).float()


def patchify(images: Tensor, side: int) -> Tensor:
    """images [B, C, H, W] to patches [B, N, side * side * C], row by row."""
    batch, channels, height, width = images.shape
    cut = images.reshape(batch, channels, height // side, side, width // side, side)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, side * side * channels)
