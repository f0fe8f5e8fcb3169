"""Untrained: the tower as it was initialised, the floor that the others are measured against."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from training.data.views import ViewKnobs, Views
from training.methods.base import Method
from training.models.backbone import Backbone
from training.models.knobs import knob


class Untrained(Method):
    """Weights stay where they began; only batch norm learns what its inputs are like, which every other tower knows."""

    recipe: ClassVar = {"optimizer": "sgd", "weight_decay": 0.0, "steps": 50}

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        crop: float = knob(1.0, "least share of an image's area that a view shows; 1 crops nothing")
        jitter: float = knob(0.0, "how strongly colours change; 0 leaves colours alone")
        grey: float = knob(0.0, "how often a view loses its colours")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone = backbone
        view = config.view(backbone.image_size, (0.0, 0.0, 0.0, 0.0), 0.0, flip=0.0)
        self.augment = Views([view], backbone.mean, backbone.std)

    def loss(self, images: Tensor) -> Tensor:
        return self.backbone(images).float().sum() * 0
