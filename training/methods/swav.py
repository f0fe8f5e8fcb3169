"""SwAV: predict the cluster assignment of one view from another, with online Sinkhorn clustering.

Caron et al. 2020, "Unsupervised Learning of Visual Features by Contrasting Cluster Assignments". The
Sinkhorn-Knopp algorithm fills all clusters equally, which prevents a collapse to one cluster.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from training.data.views import SIMCLR_COLOURS, CropKnobs, Views, multi_crop
from training.methods.base import Method
from training.methods.crops import by_size
from training.methods.heads import Prototypes, mlp
from training.methods.rows import full, health
from training.models.any_size import take_any_size
from training.models.backbone import Backbone
from training.models.collectives import gather
from training.models.knobs import COUNT, NONE_OR_MORE, POSITIVE, SHARE, Range, knob
from training.models.ranks import rank


class SwAV(Method):
    """Cross entropy between the codes of each large crop and the predictions of all other crops."""

    recipe: ClassVar = {"weight_decay": 0.05, "beta2": 0.999}
    recipes: ClassVar = {  # appendix A: 4.8 for a batch of 4096
        "lars": {
            "learning_rate": 0.3,
            "rate_scaling": "linear",
            "final_rate": 1e-3,
            "weight_decay": 1e-6,
            "warmup": 0.0125,
        }
    }
    queue: Tensor
    filled: Tensor
    progress: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(CropKnobs):
        temperature: float = knob(0.1, "temperature of the predictions", range=POSITIVE)
        code_epsilon: float = knob(0.05, "epsilon of Sinkhorn's algorithm; lower gives sharper codes", range=POSITIVE)
        iterations: int = knob(3, "iterations of Sinkhorn's algorithm", range=COUNT)
        prototypes: int = knob(256, "number of prototypes (ImageNet: 3000)", range=Range(least=2))
        hidden: int = knob(512, "hidden width of the projector (ImageNet: 2048)", range=COUNT)
        projection: int = knob(128, "output width of the projector, in which the prototypes lie", range=COUNT)
        freeze: float = knob(0.05, "fraction of the run in which the prototypes are frozen", range=SHARE)
        queue: int = knob(
            0, "features of earlier batches that join the clustering, for small batches; 0 for none", range=NONE_OR_MORE
        )
        queue_from: float = knob(0.15, "fraction of the run after which the queue is used", range=SHARE)
        sinkhorn: bool = knob(True, "use Sinkhorn's balanced assignment; a plain softmax collapses to one cluster")

    def __init__(self, backbone: Backbone, config: Config):
        super().__init__()
        self.backbone, self.config = backbone, config
        self.projector = mlp(backbone.width, config.hidden, config.projection)
        self.prototypes = Prototypes(config.projection, config.prototypes)
        self.register_buffer("queue", torch.zeros(2, config.queue, config.projection))  # one for each large crop
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))
        self.register_buffer("progress", torch.zeros(()))
        self.filling, self.uses_queue = 0, False
        self.register_load_state_dict_post_hook(
            lambda module, _: module._open_queue(int(module.filled), float(module.progress))
        )
        self.pending: list[Tensor] = []  # projections of this step, which join the queue after it
        crops = multi_crop(config, backbone.image_size, take_any_size(backbone), SIMCLR_COLOURS)
        self.augment = Views(crops, backbone.mean, backbone.std)

    def loss(self, *crops: Tensor) -> Tensor:
        features = by_size(self.backbone, crops)
        self.features = features[0].detach()
        rows = F.normalize(full(self.projector(torch.cat(features))), dim=1).split(len(crops[0]))
        with torch.autocast(crops[0].device.type, enabled=False):
            scores = [self.prototypes(of_crop) for of_crop in rows]
            with torch.no_grad():
                large = [gather(of_crop.detach()) for of_crop in rows[:2]]
                codes = [self._codes(of_crop, number) for number, of_crop in enumerate(large)]
                if self.config.queue:
                    self.pending.append(torch.stack(large))
            own = slice(rank() * len(crops[0]), (rank() + 1) * len(crops[0]))
            self.usage = codes[0].mean(dim=0)
            return swav_loss(scores, [code[own] for code in codes], self.config.temperature)

    def _codes(self, rows: Tensor, number: int) -> Tensor:
        """The codes [B, K] of the projections [B, D] of large crop `number` on all ranks."""
        scores = self.prototypes(rows)
        if not self.config.sinkhorn:
            return F.softmax(scores / self.config.code_epsilon, dim=1)
        if self.uses_queue:
            scores = torch.cat([scores, self.prototypes(self.queue[number])])
        return sinkhorn(scores, self.config.code_epsilon, self.config.iterations)[: len(rows)]

    def before_step(self, progress: float) -> None:
        if progress < self.config.freeze:
            self.prototypes.weight.grad = None

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        self.prototypes.to_unit_length()
        self.progress.fill_(progress)
        for rows in self.pending:  # [2, B, D], newest first
            self.queue.copy_(torch.cat([rows.to(self.queue.dtype), self.queue], dim=1)[:, : self.config.queue])
            self.filled.copy_((self.filled + rows.shape[1]).clamp_max(self.config.queue))
            self.filling = min(self.filling + rows.shape[1], self.config.queue)
        self.pending = []
        self._open_queue(self.filling, progress)

    def _open_queue(self, filling: int, progress: float) -> None:
        """Use the queue once it is full and its time has come. Known here, so that no step asks the device."""
        size = self.config.queue
        self.filling, self.uses_queue = filling, 0 < size == filling and progress >= self.config.queue_from

    def report(self) -> dict[str, float]:
        """usage: fraction of prototypes in use, the exponential of their entropy over their number, 0..1."""
        entropy = float(-(self.usage * self.usage.clamp_min(1e-12).log()).sum())
        count = self.config.prototypes
        return {"chance": math.log(count), "usage": math.exp(entropy) / count, **health(self.features)}


@torch.no_grad()
def sinkhorn(scores: Tensor, epsilon: float, iterations: int) -> Tensor:
    """Codes [B, K] from scores [B, K]: each row sums to 1, and all K prototypes are used equally in the limit.

    Each iteration normalises the columns, then the rows. It works on logarithms, so that scores do not overflow,
    and at least in float32.
    """
    with torch.autocast(scores.device.type, enabled=False):
        logs = full(scores) / epsilon
        for _ in range(iterations):
            logs = logs - logs.logsumexp(dim=0, keepdim=True)
            logs = logs - logs.logsumexp(dim=1, keepdim=True)
        return logs.softmax(dim=1)


def swav_loss(scores: Sequence[Tensor], codes: Sequence[Tensor], temperature: float) -> Tensor:
    """Cross entropy of the codes of crops 0 and 1 under the predictions of all other crops (SwAV, equation 2).

    scores: V tensors [B, K], cosines to the prototypes; codes: 2 of [B, K], rows summing to 1. Mean over the
    V - 1 other crops, over the two codes and over rows; a uniform prediction scores log(K).
    """
    logs = [F.log_softmax(full(of_crop) / temperature, dim=1) for of_crop in scores]
    terms = [
        -(code * log).sum(dim=1).mean()
        for number, code in enumerate(codes)
        for crop, log in enumerate(logs)
        if crop != number
    ]
    return torch.stack(terms).mean()
