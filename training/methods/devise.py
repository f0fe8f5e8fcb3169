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
from training.models.knobs import knob


class DeViSE(TwoTowers):
    """The paper's words stay where they are: lock the text tower where it has been trained."""

    recipe: ClassVar = {"learning_rate": 1e-3, "weight_decay": 1e-4}

    @dataclass(frozen=True, kw_only=True)
    class Config(TwoTowers.Config):
        margin: float = knob(0.1, "margin of the hinge rank loss")
        frozen: float = knob(0.5, "fraction of the run that trains only the projection of a pretrained tower")

    def __init__(self, pair: DualEncoder, config: Config):
        super().__init__(pair, config)
        pair.model.logit_scale.requires_grad_(False)  # a margin has no temperature

    def objective(self, image: Tensor, text: Tensor, identity: Tensor) -> Tensor:
        """This rank's images; wrong words are the other captions of all ranks."""
        texts, captions = gather(text), gather(identity)
        self.remember(image, identity, texts, captions)
        with torch.autocast(image.device.type, enabled=False):
            image, text, texts = full(image), full(text), full(texts)
            right, wrong = (image * text).sum(dim=1), image @ texts.T
            own = identity[:, None] == captions[None]  # also another image's caption that says the same
            return hinge(right, wrong.masked_fill(own, float("-inf")), self.config.margin)

    def before_step(self, progress: float) -> None:
        """While what sees is frozen, its gradients are dropped; the map into words keeps its own."""
        if progress < self.config.frozen and self.pair.pretrained != "nothing":
            for name, parameter in self.pair.model.visual.named_parameters():
                if not name.startswith(("proj", "head")):
                    parameter.grad = None


def hinge_rank_loss(projected: Tensor, target: Tensor, negatives: Tensor, margin: float = 0.1) -> Tensor:
    """By how much wrong words come within margin of the right one: summed over the wrong, mean over images.

    projected: [B, D] images mapped to words. target: [B, D] unit rows, each image's own word.
    negatives: [B, K, D] unit rows, words that are not its own. 0 once every right word leads by margin.
    """
    with torch.autocast(projected.device.type, enabled=False):
        projected, target, negatives = full(projected), full(target), full(negatives)
        right = (projected * target).sum(dim=1)  # [B]
        wrong = (negatives @ projected[:, :, None]).squeeze(2)  # [B, K]
        return hinge(right, wrong, margin)


def hinge(right: Tensor, wrong: Tensor, margin: float) -> Tensor:
    """right [B] and wrong [B, K] similarities to the loss; a wrong of -inf is none."""
    return torch.relu(margin - right[:, None] + wrong).sum(dim=1).mean()
