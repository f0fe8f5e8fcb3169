"""Supervised: cross entropy on labels, the upper reference for the other methods."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.batch import Augment, Batch
from training.data.views import CROP, JITTER, MOCO_COLOURS, ViewKnobs, Views
from training.methods.base import Method
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.errors import UserError
from training.models.knobs import SHARE, Range, knob


class Supervised(Method):
    """A linear classifier on the tower, discarded after training."""

    needs_labels: ClassVar = True
    per_sample: ClassVar = True
    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    recipes: ClassVar = {  # Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 5.1
        "sgd": {"learning_rate": 0.1, "rate_scaling": "linear", "weight_decay": 1e-4, "warmup": 0.055}
    }

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        crop: float = knob(0.35, "smallest crop, as a fraction of the image's area; 1 disables cropping", range=CROP)
        jitter: float = knob(0.5, "strength of colour jitter; 0 disables it", range=JITTER)
        grey: float = knob(0.0, "probability of converting a view to greyscale", range=SHARE)
        classes: int = knob(0, "number of classes [default: those of the data]")
        smoothing: float = knob(0.0, "label smoothing", range=Range(least=0, below=1))

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.classes < 2:
                raise UserError(
                    f"supervised needs at least 2 classes, and the data has {self.classes}; give data with labels (a "
                    f"subfolder per class, or --label-column)."
                )

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.classifier = nn.Linear(backbone.width, config.classes)
        view = config.view(backbone.image_size, MOCO_COLOURS, 0.0)
        self.augment = Labelled(Views([view], backbone.mean, backbone.std))

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        features = self.backbone(images)
        self.features = features.detach()
        logits = full(self.classifier(features))
        with torch.no_grad():
            self.accuracy = (logits.argmax(dim=1) == labels).float().mean()
        labelled = (labels >= 0).to(logits.dtype)
        each = F.cross_entropy(logits, labels.clamp_min(0), reduction="none", label_smoothing=self.config.smoothing)
        return (each * labelled).mean()  # images without a label have loss 0

    def report(self) -> dict[str, float]:
        return {"chance": math.log(self.config.classes), "accuracy": float(self.accuracy), **health(self.features)}


class Labelled(Augment):
    """Turns a batch into views and labels."""

    def __init__(self, views: Views):
        self.views = views

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        return (*self.views(batch), batch.labels)
