"""Colorisation: predict the colour of each location of a grey image.

Zhang, Isola and Efros 2016, "Colorful Image Colorization". Colours are bins of the plane (a, b) of CIE Lab, rare ones
weigh more, so that the answer is a colour and not the brown mean of all. The tower sees grey images only.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.batch import Batch
from training.data.views import View, ViewKnobs, luma
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.collectives import mean
from training.models.knobs import knob
from training.models.patches import feature_map, map_channels

GRID = 10  # of a and b between bins, as in the paper
NEIGHBOURS, DEVIATION = 5, 5.0  # over which a colour is spread softly
UNIFORM = 0.5  # the paper's lambda: how much of the prior over colours is evened out
PLACES = 8  # a side of the map of colours


class Colorisation(Method):
    """Cross entropy over bins of colour at each place, from the tower's feature map."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    bins: Tensor
    prior: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        jitter: float = knob(0.0, "strength of colour jitter; off, since colours are the target")
        grey: float = knob(0.0, "probability of converting a view to greyscale")
        hidden: int = knob(128, "hidden channels of the colour head")
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
        self.waiting: list[Tensor] = []
        self.augment = GreyAndColour(config.view(backbone.image_size, (0, 0, 0, 0), 0.0), backbone.mean, backbone.std)

    def loss(self, grey: Tensor, colours: Tensor) -> Tensor:
        """grey: [B, 3, S, S], three equal channels before normalising. colours: a and b, [B, 2, h, w]."""
        features = feature_map(self.backbone, grey)
        self.seen = features.mean(dim=(2, 3)).detach()
        scores = F.interpolate(full(self.head(features)), size=colours.shape[-2:], mode="bilinear", align_corners=False)
        target = soft_bins(colours.permute(0, 2, 3, 1).reshape(-1, 2), self.bins)  # [B h w, bins]
        logs = F.log_softmax(scores, dim=1).permute(0, 2, 3, 1).reshape(-1, len(self.bins))
        each = -(target * logs).sum(dim=1)
        self.waiting.append(mean(target.mean(dim=0)))
        if self.config.rebalance:
            weight = rarity(self.prior)[target.argmax(dim=1)]
            return (each * weight).mean()
        return each.mean()

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """The prior over colours follows what has been seen."""
        for share in self.waiting:
            self.prior.lerp_(share.to(self.prior), 0.05)
        self.waiting = []

    def report(self) -> dict[str, float]:
        return {"chance": math.log(len(self.bins)), **health(self.seen)}


class GreyAndColour:
    """One view of each image: without its colours as the tower takes it, and its colours on a small map."""

    def __init__(self, view: View, mean: Any, std: Any):
        self.view = view
        self.mean, self.std = (torch.tensor(list(v)).view(1, 3, 1, 1) for v in (mean, std))

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        views = self.view(batch.images.float().div_(255), batch.random)
        colours = rgb_to_lab(F.adaptive_avg_pool2d(views, min(PLACES, views.shape[-1])))[:, 1:]
        grey = luma(views).expand(-1, 3, -1, -1)
        return (grey - self.mean) / self.std, colours


def rgb_to_lab(images: Tensor) -> Tensor:
    """sRGB [B, 3, H, W] in 0..1 to CIE Lab under daylight (D65): L in 0..100, a and b about -100..100."""
    linear = torch.where(images > 0.04045, ((images.clamp_min(0) + 0.055) / 1.055) ** 2.4, images / 12.92)
    to_xyz = images.new_tensor(
        [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
    )
    white = images.new_tensor([0.95047, 1.0, 1.08883])
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
    """The points (a, b) of a grid of 10 that some colour of a screen lies nearest to, [bins, 2]."""
    return torch.tensor(_bins())


def soft_bins(colours: Tensor, bins: Tensor) -> Tensor:
    """Colours (a, b) [N, 2] spread over their five nearest bins by a normal density: [N, bins], rows summing to 1."""
    apart = torch.cdist(colours, bins)
    near, which = apart.topk(NEIGHBOURS, dim=1, largest=False)
    weight = torch.softmax(-0.5 * (near / DEVIATION) ** 2, dim=1)
    return torch.zeros_like(apart).scatter(1, which, weight)


def rarity(prior: Tensor) -> Tensor:
    """Weight of each bin [bins]: the inverse of the prior mixed with an even one, 1 on average over the prior."""
    mixed = (1 - UNIFORM) * prior + UNIFORM / len(prior)
    weight = 1 / mixed
    return weight / (prior * weight).sum()
