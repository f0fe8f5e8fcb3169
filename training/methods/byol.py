"""BYOL: predict the momentum encoder's projection of another view, without negatives.

Grill et al. 2020, "Bootstrap Your Own Latent: A New Approach to Self-Supervised Learning". Without the predictor or
the stop-gradient, a constant output has the lowest loss, and the features collapse to it.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.views import JITTER, ViewKnobs, Views, asymmetric
from training.methods.base import Method
from training.methods.heads import mlp
from training.methods.momentum import cosine
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.ema import ema_copy, update_ema
from training.models.knobs import COUNT, SHARE, knob


class BYOL(Method):
    """The target starts as a copy of the online network; the authors' code initialises it separately."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    recipes: ClassVar = {  # section 3.3, for 1000 epochs
        "lars": {"learning_rate": 0.2, "rate_scaling": "linear", "weight_decay": 1.5e-6, "warmup": 0.01}
    }

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        jitter: float = knob(1.0, "strength of colour jitter: 1 as in the paper, 0 disables it", range=JITTER)
        momentum: float = knob(
            0.99, "initial EMA momentum of the target network (ImageNet, 1000 epochs: 0.996)", range=SHARE
        )
        hidden: int = knob(512, "hidden width of projector and predictor (ImageNet: 4096)", range=COUNT)
        projection: int = knob(128, "output width of the projector (ImageNet: 256)", range=COUNT)
        predictor: bool = knob(True, "use the predictor on the online side; without it the features collapse")
        stop_gradient: bool = knob(True, "stop the gradient to the target; without it the features collapse")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        widths = config.hidden, config.projection
        self.projector = mlp(backbone.width, *widths, last_bias=False)
        self.predictor = mlp(config.projection, *widths, last_bias=False) if config.predictor else nn.Identity()
        self.target = ema_copy(nn.Sequential(self.backbone, self.projector))
        self.augment = Views(asymmetric(config, backbone.image_size), backbone.mean, backbone.std)

    def loss(self, view1: Tensor, view2: Tensor) -> Tensor:
        h1, h2 = self.backbone(view1), self.backbone(view2)
        self.features = h1.detach()
        z1, z2 = self.projector(h1), self.projector(h2)
        self.projections = z1.detach()
        target1, target2 = z1, z2
        if self.config.stop_gradient:
            with torch.no_grad():
                target1, target2 = self.target(view1), self.target(view2)
        return byol_loss(self.predictor(z1), target2) + byol_loss(self.predictor(z2), target1)

    def after_step(self, progress: float) -> None:
        online = nn.ModuleList([self.backbone, self.projector])
        update_ema(self.target, online, cosine(self.config.momentum, 1.0, progress))

    def report(self) -> dict[str, float]:
        """projection_spread: the spread of the projections; it falls to 0 when they collapse."""
        return {"projection_spread": health(self.projections)["spread"], **health(self.features)}


def byol_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared distance of unit vectors, 2 - 2 cos, mean over rows: one direction (BYOL, equation 2).

    prediction, target: [B, D], normalised here. In 0..4: 0 if they are equal, 2 if they are orthogonal.
    """
    with torch.autocast(prediction.device.type, enabled=False):
        return (2 - 2 * F.cosine_similarity(full(prediction), full(target), dim=1)).mean()
