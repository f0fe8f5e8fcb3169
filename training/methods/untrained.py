"""Untrained: the initialised tower, the lower reference for the other methods."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from training.data.views import CROP, JITTER, ViewKnobs, Views
from training.methods.base import Method
from training.models.backbone import Backbone
from training.models.knobs import SHARE, knob


class Untrained(Method):
    """No weight changes; only batch norm collects its running statistics, as in every other method."""

    recipe: ClassVar = {"optimizer": "sgd", "weight_decay": 0.0, "steps": 50}

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        crop: float = knob(1.0, "smallest crop, as a fraction of the image's area; 1 disables cropping", range=CROP)
        jitter: float = knob(0.0, "strength of colour jitter; 0 disables it", range=JITTER)
        grey: float = knob(0.0, "probability of converting a view to greyscale", range=SHARE)

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone = backbone
        view = config.view(backbone.image_size, (0.0, 0.0, 0.0, 0.0), 0.0, flip=0.0)
        self.augment = Views([view], backbone.mean, backbone.std)

    def loss(self, images: Tensor) -> Tensor:
        return self.backbone(images).float().sum() * 0
