"""MoCo v3: InfoNCE over the batch with a momentum encoder and a predictor, without a queue.

Chen, Xie and He 2021, "An Empirical Study of Training Self-Supervised Vision Transformers".
"""

import math
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
from training.models.collectives import gather
from training.models.ema import ema_copy, update_ema
from training.models.knobs import COUNT, POSITIVE, SHARE, knob
from training.models.patches import patch_layer
from training.models.ranks import rank, world_size


class MoCoV3(Method):
    """Queries of either view against the momentum encoder's keys of the other, over the global batch."""

    recipe: ClassVar = {"weight_decay": 0.1, "beta2": 0.999, "warmup": 0.1}
    recipes: ClassVar = {  # of the authors' code for a ResNet-50 and 300 epochs
        "lars": {"learning_rate": 0.3, "rate_scaling": "linear", "weight_decay": 1e-6, "warmup": 0.033}
    }

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        jitter: float = knob(1.0, "strength of colour jitter: 1 as in the paper, 0 disables it", range=JITTER)
        temperature: float = knob(
            0.2, "softmax temperature; lower weights hard negatives more (ResNets: 1.0)", range=POSITIVE
        )
        momentum: float = knob(0.99, "initial EMA momentum of the key encoder; a cosine takes it to 1", range=SHARE)
        hidden: int = knob(512, "hidden width of projector and predictor (ImageNet: 4096)", range=COUNT)
        projection: int = knob(128, "output width of the projector (ImageNet: 256)", range=COUNT)
        freeze_patches: bool = knob(True, "freeze a ViT's patch embedding, which avoids gradient spikes")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        if config.freeze_patches and (layer := patch_layer(backbone.network)) is not None:
            layer.requires_grad_(False)
        self.projector = mlp(backbone.width, config.hidden, config.hidden, config.projection, last_norm=True)
        self.predictor = mlp(config.projection, config.hidden, config.projection, last_norm=True)
        self.keys = ema_copy(nn.Sequential(self.backbone, self.projector))
        self.augment = Views(asymmetric(config, backbone.image_size), backbone.mean, backbone.std)

    def loss(self, view1: Tensor, view2: Tensor) -> Tensor:
        h1, h2 = self.backbone(view1), self.backbone(view2)
        self.features = h1.detach()
        query1, query2 = self.predictor(self.projector(h1)), self.predictor(self.projector(h2))
        with torch.no_grad():
            key1, key2 = gather(self.keys(view1)), gather(self.keys(view2))
        first, temperature = rank() * len(view1), self.config.temperature
        return contrast(query1, key2, temperature, first) + contrast(query2, key1, temperature, first)

    def after_step(self, progress: float) -> None:
        momentum = cosine(self.config.momentum, 1.0, progress)
        update_ema(self.keys, nn.ModuleList([self.backbone, self.projector]), momentum)

    def report(self) -> dict[str, float]:
        chance = 4 * self.config.temperature * math.log(len(self.features) * world_size())
        return {"chance": chance, **health(self.features)}


def contrast(query: Tensor, key: Tensor, temperature: float, first: int = 0) -> Tensor:
    """Cross entropy of each query's own key among all keys, times 2 temperature (MoCo v3, algorithm 1).

    query: [b, D]; key: [B, D], where the positive of query i is key first + i. Both are normalised here.
    """
    with torch.autocast(query.device.type, enabled=False):
        logits = F.normalize(full(query), dim=1) @ F.normalize(full(key), dim=1).T / temperature
        own = torch.arange(first, first + len(query), device=query.device)
        return 2 * temperature * F.cross_entropy(logits, own)
