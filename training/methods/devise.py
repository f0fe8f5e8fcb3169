"""DeViSE: picture features are mapped into a space of word vectors that is already there.

Frome et al. 2013, "DeViSE: A Deep Visual-Semantic Embedding Model".
"""

import torch
from torch import Tensor

from training.methods.clip import full


def hinge_rank_loss(projected: Tensor, target: Tensor, negatives: Tensor, margin: float = 0.1) -> Tensor:
    """By how much wrong words come within margin of the right one: summed over the wrong, mean over pictures.

    projected: [B, D] pictures mapped to words. target: [B, D] unit rows, each picture's own word.
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
