"""Autoencoder: reconstruct the image from its features; the oldest pretext task, and a weak one.

Hinton and Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks"; with noise on the input,
Vincent et al. 2008, "Extracting and Composing Robust Features with Denoising Autoencoders".
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.views import CROP, JITTER, MOCO_COLOURS, ViewKnobs, Views
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.knobs import COUNT, NONE_OR_MORE, SHARE, knob

MAX_SIDE = 64  # side in pixels of the reconstruction; larger images are downscaled


class Autoencoder(Method):
    """Mean squared error over pixels that are normalised as the tower expects them."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    per_sample: ClassVar = True

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        crop: float = knob(0.5, "smallest crop, as a fraction of the image's area; 1 disables cropping", range=CROP)
        jitter: float = knob(0.0, "strength of colour jitter; 0 disables it", range=JITTER)
        grey: float = knob(0.0, "probability of converting a view to greyscale", range=SHARE)
        noise: float = knob(
            0.0, "standard deviation of Gaussian noise on the input (denoising autoencoder)", range=NONE_OR_MORE
        )
        channels: int = knob(64, "channels of the decoder", range=COUNT)

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.noise = backbone, config.noise
        self.size = min(MAX_SIDE, backbone.image_size)
        doublings = max(1, math.ceil(math.log2(self.size / 4)))
        widths = [max(16, config.channels >> place) for place in range(doublings + 1)]
        layers: list[nn.Module] = [nn.Linear(backbone.width, widths[0] * 16), nn.Unflatten(1, (widths[0], 4, 4))]
        for before, after in pairwise(widths):
            layers += [nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)]
        self.decoder = nn.Sequential(*layers, nn.ReLU(), nn.Conv2d(widths[-1], 3, 3, padding=1))
        self.augment = Views([config.view(backbone.image_size, MOCO_COLOURS, 0.0)], backbone.mean, backbone.std)

    def loss(self, images: Tensor) -> Tensor:
        inputs = images + self.noise * torch.randn_like(images) if self.noise else images
        features = self.backbone(inputs)
        self.features = features.detach()
        reconstruction = full(self.decoder(features))[:, :, : self.size, : self.size]
        target = images if images.shape[-1] == self.size else F.adaptive_avg_pool2d(images, self.size)
        return (reconstruction - target).square().mean()

    def report(self) -> dict[str, float]:
        return health(self.features)
