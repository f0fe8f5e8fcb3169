"""DeViSE: map image features into a fixed space of word embeddings with a hinge rank loss.

Frome et al. 2013, "DeViSE: A Deep Visual-Semantic Embedding Model".
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from training.methods.rows import full
from training.methods.two_towers import TwoTowers
from training.models.collectives import gather
from training.models.dual_encoder import DualEncoder
from training.models.knobs import NONE_OR_MORE, SHARE, knob


class DeViSE(TwoTowers):
    """In the paper the word embeddings are fixed; lock a pretrained text tower for that."""

    recipe: ClassVar = {"learning_rate": 1e-3, "weight_decay": 1e-4}

    @dataclass(frozen=True, kw_only=True)
    class Config(TwoTowers.Config):
        margin: float = knob(0.1, "margin of the hinge rank loss", range=NONE_OR_MORE)
        frozen: float = knob(
            0.5, "fraction of the run that trains only the projection of a pretrained tower", range=SHARE
        )

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__(pair, config)
        self.margin, self.frozen = config.margin, config.frozen
        pair.model.logit_scale.requires_grad_(False)  # a margin has no temperature

    def objective(self, image: Tensor, text: Tensor, identity: Tensor) -> Tensor:
        """This rank's images against all captions; the negatives are the other captions of all ranks."""
        texts, captions = gather(text), gather(identity)
        self.record_batch(image, identity, texts, captions)
        with torch.autocast(image.device.type, enabled=False):
            image, text, texts = full(image), full(text), full(texts)
            positive, negative = (image * text).sum(dim=1), image @ texts.T
            own = identity[:, None] == captions[None]  # including equal captions of other images
            return hinge(positive, negative.masked_fill(own, float("-inf")), self.margin)

    def before_step(self, progress: float) -> None:
        """While a pretrained image tower is frozen, discard its gradients, but not those of its projection."""
        if progress < self.frozen and self.pair.pretrained != "nothing":
            for name, parameter in self.pair.model.visual.named_parameters():
                if not name.startswith(("proj", "head")):
                    parameter.grad = None


def hinge_rank_loss(projected: Tensor, target: Tensor, negatives: Tensor, margin: float = 0.1) -> Tensor:
    """Hinge rank loss: max(0, margin - positive + negative), summed over negatives, mean over images (DeViSE, eq. 1).

    projected: [B, D] image embeddings. target: [B, D] unit rows, the text embedding of each image. negatives:
    [B, K, D] unit rows, other text embeddings. 0 if every positive exceeds its negatives by the margin.
    """
    with torch.autocast(projected.device.type, enabled=False):
        projected, target, negatives = full(projected), full(target), full(negatives)
        positive = (projected * target).sum(dim=1)  # [B]
        negative = (negatives @ projected[:, :, None]).squeeze(2)  # [B, K]
        return hinge(positive, negative, margin)


def hinge(positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    """The loss from similarities to positives [B] and negatives [B, K]; negatives of -inf are ignored."""
    return torch.relu(margin - positive[:, None] + negative).sum(dim=1).mean()
