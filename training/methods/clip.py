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
from training.models.collectives import gather
from training.models.dual_encoder import DualEncoder
from training.models.knobs import knob
from training.models.ranks import rank

INITIAL_SCALE, MAX_SCALE = 1 / 0.07, 100.0  # of the logits, as in the paper


class CLIP(TwoTowers):
    """The symmetric InfoNCE over all pairs of the global batch."""

    recipe: ClassVar = {"learning_rate": 5e-4, "weight_decay": 0.2, "beta2": 0.98, "epsilon": 1e-6}

    @dataclass(frozen=True, kw_only=True)
    class Config(TwoTowers.Config):
        hard_negatives: bool = knob(False, "add a hard negative to each caption: two of its words exchanged (NegCLIP)")

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__(pair, config)
        pair.init_logits(INITIAL_SCALE, None)

    def objective(self, image: Tensor, text: Tensor, identity: Tensor, *wrong: Tensor) -> Tensor:
        """This rank's rows against the columns of all ranks; the mean over ranks is the loss of the global batch."""
        images, texts, captions = gather(image), gather(text), gather(identity)
        self.record_batch(image, identity, texts, captions)
        negatives = gather(wrong[0]) if wrong else None
        same = identity[:, None] == captions[None] if self.config.multi_positive else None
        first, scale = rank() * len(image), self.pair.model.logit_scale.exp()
        of_images = rows_loss(image, texts, scale, first, negatives, same)
        return (of_images + rows_loss(text, images, scale, first, same=same)) / 2

    def after_step(self, progress: float) -> None:
        with torch.no_grad():
            self.pair.model.logit_scale.clamp_(0, math.log(MAX_SCALE))


def clip_loss(
    image: Tensor,
    text: Tensor,
    scale: Tensor | float,
    negatives: Tensor | None = None,
    same: Tensor | None = None,
) -> Tensor:
    """Symmetric InfoNCE, in nats; identical embeddings score exactly log(B).

    image, text: [B, D] unit rows, row i of each a pair. scale: multiplies the cosines, already exponentiated.
    negatives: [M, D] hard negative texts (NegCLIP), additional candidates in the direction from image to text;
    rows of zeros are ignored. same: bool [B, B], the positive pairs; the target of a row is then uniform over
    its positives, and the entropy of the target is subtracted, so that the minimum is still 0. ValueError for
    fewer than two pairs, whose loss is constant.
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

    The positive of query i is candidate first + i. negatives: [M, D], further candidates that are negatives for
    all queries; rows of zeros are ignored. same: bool [b, B], the positives instead.
    """
    if len(candidates) < 2:
        raise ValueError("a batch of one pair has loss 0 whatever the embeddings; at least two are needed")
    with torch.autocast(queries.device.type, enabled=False):  # half precision is too coarse for the softmax
        queries, candidates = full(queries), full(candidates)
        logits = scale * queries @ candidates.T  # [b, B]
        if negatives is not None:
            negatives = full(negatives)
            negative_logits = scale * queries @ negatives.T
            missing = ~negatives.detach().any(dim=1)
            logits = torch.cat([logits, negative_logits.masked_fill(missing, float("-inf"))], dim=1)
        if same is None:
            target = torch.arange(first, first + len(queries), device=queries.device)
            return F.cross_entropy(logits, target)
        positives = same.sum(dim=1)
        mean_positive = (logits[:, : same.shape[1]] * same).sum(dim=1) / positives
        return (logits.logsumexp(dim=1) - mean_positive - positives.to(logits.dtype).log()).mean()
