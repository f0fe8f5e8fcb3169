"""CLIP: symmetric InfoNCE between the images and the captions of a batch.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision". Its loss is
the symmetric InfoNCE of ConVIRT (Zhang et al. 2020) and of the N-pair loss (Sohn 2016).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from training.methods.rows import full
from training.methods.two_towers import TwoTowers
from training.models.collectives import gather, rank
from training.models.dual_encoder import DualEncoder
from training.models.knobs import knob

START, MOST = 1 / 0.07, 100.0  # of the scale: where it begins, and where it is clamped


class CLIP(TwoTowers):
    """The symmetric InfoNCE over all pairs of the global batch."""

    recipe: ClassVar = {"learning_rate": 5e-4, "weight_decay": 0.2, "beta2": 0.98, "epsilon": 1e-6}

    @dataclass(frozen=True, kw_only=True)
    class Config(TwoTowers.Config):
        hard_negatives: bool = knob(False, "add a hard negative to each caption: two of its words exchanged (NegCLIP)")

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__(pair, config)
        pair.init_logits(START, None)

    def objective(self, image: Tensor, text: Tensor, identity: Tensor, *wrong: Tensor) -> Tensor:
        """This rank's rows against the columns of all ranks; the mean over ranks is the loss of the whole batch."""
        images, texts, captions = gather(image), gather(text), gather(identity)
        self.remember(image, identity, texts, captions)
        negatives = gather(wrong[0]) if wrong else None
        same = identity[:, None] == captions[None] if self.config.multi_positive else None
        first, scale = rank() * len(image), self.pair.model.logit_scale.exp()
        of_images = rows_loss(image, texts, scale, first, negatives, same)
        return (of_images + rows_loss(text, images, scale, first, same=same)) / 2

    def after_step(self, progress: float) -> None:
        with torch.no_grad():
            self.pair.model.logit_scale.clamp_(0, math.log(MOST))


def clip_loss(
    image: Tensor,
    text: Tensor,
    scale: Tensor | float,
    negatives: Tensor | None = None,
    same: Tensor | None = None,
) -> Tensor:
    """Symmetric InfoNCE, in nats; embeddings that say nothing score exactly log(B).

    image, text: [B, D] unit rows, row i of each a pair. scale: what multiplies the cosines, already
    exponentiated. negatives: [M, D] texts that are nobody's caption (NegCLIP's): further columns of the
    direction from image to text; a row of zeros is no negative. same: bool [B, B], pairs that are alike;
    each row then spreads its target evenly over them, and what that alone costs is taken off, so that 0
    can still be reached. ValueError for fewer than two pairs: one pair alone has nothing to learn from.
    """
    return (
        rows_loss(image, text, scale, negatives=negatives, same=same) + rows_loss(text, image, scale, same=same)
    ) / 2


def rows_loss(
    queries: Tensor,
    candidates: Tensor,
    scale: Tensor | float,
    first: int = 0,
    negatives: Tensor | None = None,
    same: Tensor | None = None,
) -> Tensor:
    """One direction: mean over queries [b, D] of the cross entropy over candidates [B, D].

    Query i's own candidate is first + i. negatives: [M, D], candidates that are right for nobody, rows of
    zeros for those that are missing. same: bool [b, B].
    """
    if len(candidates) < 2:
        raise ValueError("a batch of one pair has loss 0 whatever the embeddings; at least two are needed")
    with torch.autocast(queries.device.type, enabled=False):  # half precision would round the softmax away
        queries, candidates = full(queries), full(candidates)
        logits = scale * queries @ candidates.T  # [b, B]
        if negatives is not None:
            negatives = full(negatives)
            further = scale * queries @ negatives.T
            missing = ~negatives.detach().any(dim=1)
            logits = torch.cat([logits, further.masked_fill(missing, float("-inf"))], dim=1)
        if same is None:
            target = torch.arange(first, first + len(queries), device=queries.device)
            return F.cross_entropy(logits, target)
        alike = same.sum(dim=1)
        mean_right = (logits[:, : same.shape[1]] * same).sum(dim=1) / alike
        return (logits.logsumexp(dim=1) - mean_right - alike.to(logits.dtype).log()).mean()
