"""MoCo: InfoNCE against a queue of keys from a momentum encoder.

He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning", with the projector, colours
and temperature of Chen et al. 2020, "Improved Baselines with Momentum Contrastive Learning" (v2).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.data.views import MOCO_COLOURS, ViewKnobs, Views, two_alike
from training.methods.base import Method
from training.methods.heads import mlp
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.collectives import gather
from training.models.ema import ema_copy, update_ema
from training.models.errors import UserError
from training.models.knobs import knob


class MoCo(Method):
    """InfoNCE between queries, their keys, and the queue.

    The momentum encoder is updated after the optimiser's step, as in the paper, before the next keys.
    """

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    queue: Tensor
    pointer: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        jitter: float = knob(1.0, "strength of colour jitter: 1 as in the paper, 0 disables it")
        temperature: float = knob(0.2, "softmax temperature; lower weights hard negatives more (v1: 0.07)")
        queue: int = knob(4096, "length of the queue of negatives (ImageNet: 65536)")
        momentum: float = knob(0.99, "EMA momentum of the key encoder (ImageNet, with its long queue: 0.999)")
        hidden: int = knob(512, "hidden width of the projector (ImageNet: 2048)")
        projection: int = knob(128, "output width of the projector")
        groups: int = knob(1, "groups with separate batch norm statistics, keys shuffled among them (shuffle-BN)")

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.queue < 1 or self.groups < 1 or not 0 <= self.momentum <= 1:
                raise UserError("MoCo needs a queue and groups of at least 1, and a momentum from 0 to 1.")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.projector = mlp(backbone.width, config.hidden, config.projection, norm=False)
        self.keys = ema_copy(nn.Sequential(self.backbone, self.projector))
        self.register_buffer("queue", F.normalize(torch.randn(config.queue, config.projection), dim=1))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.pending: list[Tensor] = []  # keys of this step, which join the queue after it
        self.augment = Views(two_alike(config, backbone.image_size, MOCO_COLOURS), backbone.mean, backbone.std)

    def loss(self, query_view: Tensor, key_view: Tensor) -> Tensor:
        parts = [self.backbone(part) for part in self._grouped(query_view)]
        self.features = torch.cat(parts).detach()
        query = F.normalize(torch.cat([self.projector(part) for part in parts]), dim=1)
        with torch.no_grad():
            key = F.normalize(self._keys_of(key_view), dim=1)
            self.pending.append(gather(key))
        return info_nce(query, key, self.queue, self.config.temperature)  # no key of this batch is in the queue yet

    def _grouped(self, rows: Tensor) -> tuple[Tensor, ...]:
        """The groups of a batch that have separate batch norm statistics."""
        if len(rows) % self.config.groups:
            raise UserError(
                f"{len(rows)} images cannot be divided into {self.config.groups} --groups; choose a divisor."
            )
        return rows.chunk(self.config.groups)

    def _keys_of(self, views: Tensor) -> Tensor:
        if self.config.groups == 1:
            return self.keys(views)
        order = torch.randperm(len(views), device=views.device)
        keys = torch.cat([self.keys(part) for part in self._grouped(views[order])])
        return keys[order.argsort()]

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        update_ema(self.keys, nn.ModuleList([self.backbone, self.projector]), self.config.momentum)
        for keys in self.pending:
            self.enqueue(keys)
        self.pending = []

    def enqueue(self, keys: Tensor) -> None:
        """Replace the oldest keys of the queue, a ring buffer, by new ones."""
        keys = keys[-len(self.queue) :]
        slots = (self.pointer + torch.arange(len(keys), device=keys.device)) % len(self.queue)
        self.queue[slots] = keys.to(self.queue.dtype)
        self.pointer.copy_((self.pointer + len(keys)) % len(self.queue))

    def report(self) -> dict[str, float]:
        return {"chance": math.log(len(self.queue) + 1), **health(self.features)}


def info_nce(query: Tensor, key: Tensor, queue: Tensor, temperature: float) -> Tensor:
    """Cross entropy of each query's own key against the queue (MoCo, equation 1).

    query, key: [B, D] unit rows; queue: [K, D] unit rows, the negatives of all queries. The positive is the first of
    K + 1 candidates. Mean over rows, in nats; identical embeddings score log(K + 1).
    """
    with torch.autocast(query.device.type, enabled=False):
        query, key, queue = full(query), full(key), full(queue)
        positive = (query * key).sum(dim=1, keepdim=True)  # [B, 1]
        logits = torch.cat([positive, query @ queue.T], dim=1) / temperature
        return F.cross_entropy(logits, torch.zeros(len(query), dtype=torch.int64, device=query.device))
