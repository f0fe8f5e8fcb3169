"""SigLIP: a sigmoid loss that classifies each image-text pair independently.

Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training".
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from training.methods.clip import MAX_SCALE
from training.methods.rows import full
from training.methods.two_towers import TwoTowers
from training.models.collectives import gather
from training.models.dual_encoder import DualEncoder
from training.models.knobs import knob
from training.models.ranks import rank

SCALE, BIAS = 10.0, -10.0  # initial values: nearly all pairs of a batch are negatives


class SigLIP(TwoTowers):
    """The sigmoid loss over all pairs of the global batch."""

    recipe: ClassVar = {"learning_rate": 1e-3, "weight_decay": 1e-4, "beta2": 0.95, "epsilon": 1e-8}

    @dataclass(frozen=True, kw_only=True)
    class Config(TwoTowers.Config):
        bias: float = knob(BIAS, "initial bias; nearer to 0, such as -2, with many positive pairs in a batch")

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__(pair, config)
        pair.init_logits(SCALE, config.bias)

    def objective(self, image: Tensor, text: Tensor, identity: Tensor) -> Tensor:
        """This rank's images against the captions of all ranks."""
        texts, captions = gather(text), gather(identity)
        self.record_batch(image, identity, texts, captions)
        if self.config.multi_positive:
            same = identity[:, None] == captions[None]
        else:
            own = torch.arange(len(image), device=image.device) + rank() * len(image)
            same = own[:, None] == torch.arange(len(texts), device=image.device)[None]
        model = self.pair.model
        return pairs_loss(image, texts, model.logit_scale.exp(), model.logit_bias, same)

    def after_step(self, progress: float) -> None:
        with torch.no_grad():
            self.pair.model.logit_scale.clamp_(0, math.log(MAX_SCALE))

    def report(self) -> dict[str, float]:
        return super().report() | {"bias": float(self.pair.model.logit_bias.detach())}


def siglip_loss(
    image: Tensor, text: Tensor, scale: Tensor | float, bias: Tensor | float, same: Tensor | None = None
) -> Tensor:
    """Sum over all pairs of -log sigmoid(z (scale cos + bias)), over B; z is 1 for a true pair, else -1.

    image, text: [B, D] unit rows. scale: already exponentiated. same: bool [B, B], the true pairs [default: the
    diagonal]. With the paper's initial values (scale 10, bias -10) and cosines of 0 the loss is
    softplus(10) + (B - 1) softplus(-10), about 10. ValueError for fewer than two pairs.
    """
    if same is None:
        same = torch.eye(len(image), len(text), dtype=torch.bool, device=image.device)
    return pairs_loss(image, text, scale, bias, same)


def pairs_loss(image: Tensor, text: Tensor, scale: Tensor | float, bias: Tensor | float, same: Tensor) -> Tensor:
    """The loss of b images [b, D] against all texts [B, D]: the sum over pairs, divided by b. same: bool [b, B]."""
    if len(text) < 2:
        raise ValueError("a batch of one pair has no negatives; at least two are needed")
    with torch.autocast(image.device.type, enabled=False):
        logits = scale * full(image) @ full(text).T + bias
        sign = 2 * same.to(logits.dtype) - 1
        return -F.logsigmoid(sign * logits).sum() / len(image)
