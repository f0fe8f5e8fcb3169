"""Colorisation: predict the colour of each location of a grey image.

Zhang, Isola and Efros 2016, "Colorful Image Colorization". The classes are bins of the (a, b) plane of CIE Lab. Rare
colours get a higher weight; otherwise the prediction is a brownish mean. The tower gets grey images only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.batch import Augment, Batch, moved
from training.data.pixel_changes import luma
from training.data.views import JITTER, View, ViewKnobs
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.collectives import mean
from training.models.knobs import COUNT, SHARE, knob
from training.models.patches import feature_map, map_channels

GRID = 10  # spacing of bins in a and b, as in the paper
NEIGHBOURS, DEVIATION = 5, 5.0  # bins of a soft target, and the standard deviation of their weights
UNIFORM = 0.5  # the paper's lambda: weight of the uniform distribution in the prior over colours
MAP_SIDE = 8  # side of the colour map
TO_XYZ = torch.tensor([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = torch.tensor([0.95047, 1.0, 1.08883])  # of daylight (D65)


class Colorisation(Method):
    """Cross entropy over colour bins at each location of the tower's feature map."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    bins: Tensor
    prior: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        jitter: float = knob(0.0, "strength of colour jitter; off, since colours are the target", range=JITTER)
        grey: float = knob(0.0, "probability of converting a view to greyscale", range=SHARE)
        hidden: int = knob(128, "hidden channels of the colour head", range=COUNT)
        rebalance: bool = knob(True, "weight rare colours more, as in the paper")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.register_buffer("bins", colour_bins())
        self.register_buffer("prior", torch.full((len(self.bins),), 1 / len(self.bins)))
        channels = map_channels(backbone)
        self.head = nn.Sequential(
            nn.Conv2d(channels, config.hidden, 1), nn.ReLU(), nn.Conv2d(config.hidden, len(self.bins), 1)
        )
        self.pending: list[Tensor] = []  # colour distributions of this step, for the prior
        self.augment = GreyAndColour(config.view(backbone.image_size, (0, 0, 0, 0), 0.0), backbone.mean, backbone.std)

    def loss(self, grey: Tensor, colours: Tensor) -> Tensor:
        """grey: [B, 3, S, S], three equal channels before normalising. colours: a and b, [B, 2, h, w]."""
        features = feature_map(self.backbone, grey)
        self.features = features.mean(dim=(2, 3)).detach()
        scores = F.interpolate(full(self.head(features)), size=colours.shape[-2:], mode="bilinear", align_corners=False)
        target = soft_bins(colours.permute(0, 2, 3, 1).reshape(-1, 2), self.bins)  # [B h w, bins]
        logs = F.log_softmax(scores, dim=1).permute(0, 2, 3, 1).reshape(-1, len(self.bins))
        each = -(target * logs).sum(dim=1)
        self.pending.append(mean(target.mean(dim=0)))
        if self.config.rebalance:
            weight = rarity(self.prior)[target.argmax(dim=1)]
            return (each * weight).mean()
        return each.mean()

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """Update the prior over colours, an EMA over batches."""
        for distribution in self.pending:
            self.prior.lerp_(distribution.to(self.prior), 0.05)
        self.pending = []

    def report(self) -> dict[str, float]:
        return {"chance": math.log(len(self.bins)), **health(self.features)}


class GreyAndColour(Augment):
    """One view of each image: in grey as the input of the tower, and a small map of its colours as the target."""

    def __init__(self, view: View, mean: Sequence[float], std: Sequence[float]):
        self.view = view
        self.mean, self.std = (torch.tensor(list(v)).view(1, 3, 1, 1) for v in (mean, std))

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        views = self.view(batch.images.float().div_(255), batch.random, batch.aspects)
        colours = rgb_to_lab(F.adaptive_avg_pool2d(views, min(MAP_SIDE, views.shape[-1])))[:, 1:]
        grey = luma(views).expand(-1, 3, -1, -1)
        mean, std = moved(self.mean, grey.device), moved(self.std, grey.device)
        return (grey - mean) / std, colours


def rgb_to_lab(images: Tensor) -> Tensor:
    """sRGB [B, 3, H, W] in 0..1 to CIE Lab under daylight (D65): L in 0..100, a and b about -100..100."""
    linear = torch.where(images > 0.04045, ((images.clamp_min(0) + 0.055) / 1.055) ** 2.4, images / 12.92)
    to_xyz, white = (moved(constant.to(images.dtype), images.device) for constant in (TO_XYZ, WHITE))
    xyz = torch.einsum("ij,bjhw->bihw", to_xyz, linear) / white.view(1, 3, 1, 1)
    f = torch.where(xyz > 0.008856, xyz.clamp_min(1e-9) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


@cache
def _bins() -> tuple[tuple[float, float], ...]:
    steps = torch.linspace(0, 1, 65)
    cube = torch.cartesian_prod(steps, steps, steps).T.reshape(1, 3, 1, -1)
    plane = (rgb_to_lab(cube)[0, 1:, 0].T / GRID).round().long().unique(dim=0)
    return tuple((float(a) * GRID, float(b) * GRID) for a, b in plane.tolist())


def colour_bins() -> Tensor:
    """The points (a, b) of a grid with spacing 10 that are nearest to some sRGB colour, [bins, 2]."""
    return torch.tensor(_bins())


def soft_bins(colours: Tensor, bins: Tensor) -> Tensor:
    """Soft targets of colours (a, b) [N, 2]: Gaussian weights over the five nearest bins, [N, bins], rows sum to 1."""
    distances = torch.cdist(colours, bins)
    nearest, indices = distances.topk(NEIGHBOURS, dim=1, largest=False)
    weight = torch.softmax(-0.5 * (nearest / DEVIATION) ** 2, dim=1)
    return torch.zeros_like(distances).scatter(1, indices, weight)


def rarity(prior: Tensor) -> Tensor:
    """Weight of each bin [bins]: the inverse of the smoothed prior, with mean 1 under the prior."""
    mixed = (1 - UNIFORM) * prior + UNIFORM / len(prior)
    weight = 1 / mixed
    return weight / (prior * weight).sum()
