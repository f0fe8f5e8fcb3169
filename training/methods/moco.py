"""MoCo: InfoNCE against a queue of keys from a momentum encoder.

He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning", with the projector, colours
and temperature of Chen et al. 2020, "Improved Baselines with Momentum Contrastive Learning" (v2).
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from training.data.batch import Augment, Batch
from training.data.views import JITTER, MOCO_COLOURS, ViewKnobs, Views, two_alike
from training.methods.base import Method
from training.methods.heads import mlp
from training.methods.rows import full, health
from training.models.backbone import Backbone
from training.models.collectives import gather
from training.models.ema import ema_copy, update_ema
from training.models.errors import UserError
from training.models.knobs import COUNT, POSITIVE, SHARE, knob
from training.models.ranks import world_size


class MoCo(Method):
    """InfoNCE between queries, their keys, and the queue.

    The momentum encoder is updated after the optimiser's step, as in the paper, before the next keys.
    """

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    recipes: ClassVar = {  # section 4.1; the cosine without warm-up is that of v2
        "sgd": {"learning_rate": 0.03, "rate_scaling": "linear", "weight_decay": 1e-4, "warmup": 0.0}
    }
    queue: Tensor
    pointer: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(ViewKnobs):
        jitter: float = knob(1.0, "strength of colour jitter: 1 as in the paper, 0 disables it", range=JITTER)
        temperature: float = knob(
            0.2, "softmax temperature; lower weights hard negatives more (v1: 0.07)", range=POSITIVE
        )
        queue: int = knob(4096, "length of the queue of negatives (ImageNet: 65536)", range=COUNT)
        momentum: float = knob(
            0.99, "EMA momentum of the key encoder (ImageNet, with its long queue: 0.999)", range=SHARE
        )
        hidden: int = knob(512, "hidden width of the projector (ImageNet: 2048)", range=COUNT)
        projection: int = knob(128, "output width of the projector", range=COUNT)
        groups: int | None = knob(
            None,
            "groups with separate batch norm statistics, keys shuffled among them (shuffle-BN) "
            "[default: 8, the paper's GPUs, fewer for a batch below 64; 1 for a tower without batch norm]",
            range=COUNT,
        )

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.projector = mlp(backbone.width, config.hidden, config.projection, norm=False)
        self.keys = ema_copy(nn.Sequential(self.backbone, self.projector))
        self.register_buffer("queue", F.normalize(torch.randn(config.queue, config.projection), dim=1))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.pending: list[Tensor] = []  # keys of this step, which join the queue after it
        self.normed = any(isinstance(module, _BatchNorm) for module in backbone.modules())
        self.augment = Shuffled(
            Views(two_alike(config, backbone.image_size, MOCO_COLOURS), backbone.mean, backbone.std)
        )

    def loss(self, query_view: Tensor, key_view: Tensor, draws: Tensor) -> Tensor:
        """draws: [B] in 0..1, which shuffle the keys among the groups."""
        groups = self.groups_of(len(query_view))
        parts = [self.backbone(query_view[group::groups]) for group in range(groups)]
        features = torch.stack(parts, dim=1).flatten(0, 1)
        self.features = features.detach()
        query = F.normalize(self.projector(features), dim=1)
        with torch.no_grad():
            key = F.normalize(self._keys_of(key_view, draws, groups), dim=1)
            self.pending.append(gather(key))
        return info_nce(query, key, self.queue, self.config.temperature)  # no key of this batch is in the queue yet

    def groups_of(self, images: int) -> int:
        """The number of groups for the images of this rank. UserError if they cannot be divided into them.

        Image i of the global batch is in group i modulo this number, so that ranks change nothing.
        """
        groups = self.config.groups or (default_groups(images * world_size()) if self.normed else 1)
        if images % groups or (self.config.groups is None and self.normed and groups == 1 and images > 3):
            raise UserError(
                f"{images} images cannot be divided into groups with separate batch norm statistics; choose a "
                f"--batch-size that is a multiple of 8 for each rank, or --groups, a divisor (1 for no groups)."
            )
        return groups

    def _keys_of(self, views: Tensor, draws: Tensor, groups: int) -> Tensor:
        """The keys of views [B, 3, S, S]. Of each `groups` consecutive images, one is in each group, by the draws."""
        if groups == 1:
            return self.keys(views)
        first = torch.arange(0, len(views), groups, device=views.device)
        order = draws.view(-1, groups).argsort(dim=1) + first[:, None]  # [B / groups, groups]
        keys = torch.stack([self.keys(views[of_group]) for of_group in order.unbind(1)], dim=1)
        return keys.flatten(0, 1)[order.flatten().argsort()]

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


class Shuffled(Augment):
    """The views of a batch, and a random number for each image."""

    def __init__(self, views: Views):
        self.views = views

    def __call__(self, batch: Batch) -> tuple[Any, ...]:
        return (*self.views(batch), batch.random.uniform(1)[:, 0])


def default_groups(images: int) -> int:
    """The largest divisor of a batch up to 8, the paper's number of GPUs, for which groups have 8 images if they can.

    1 if there is none, and for a batch of less than 4 images.
    """
    most = min(8, max(2, images // 8)) if images > 3 else 1
    return next(groups for groups in range(most, 0, -1) if images % groups == 0)


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
