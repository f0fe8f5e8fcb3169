"""SigLIP: does this caption belong to this picture, yes or no, for every pair in the batch on its own.

Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training".
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from training.methods.clip import full


def siglip_loss(
    image: Tensor, text: Tensor, scale: Tensor | float, bias: Tensor | float, same: Tensor | None = None
) -> Tensor:
    """Sum over all pairs of -log sigmoid(z (scale cos + bias)), over B; z is 1 for a true pair, else -1.

    image, text: [B, D] unit rows. scale: already exponentiated. same: bool [B, B], what counts as a true
    pair; left out, row i belongs to row i. At the paper's start (scale 10, bias -10) and cosines of 0 the
    loss is softplus(10) + (B - 1) softplus(-10), about 10. ValueError for fewer than two pairs.
    """
    if same is None:
        same = torch.eye(len(image), len(text), dtype=torch.bool, device=image.device)
    return pairs_loss(image, text, scale, bias, same)


def pairs_loss(image: Tensor, text: Tensor, scale: Tensor | float, bias: Tensor | float, same: Tensor) -> Tensor:
    """The same for some of the images, [b, D], against all texts, [B, D]: summed, over b. same: bool [b, B]."""
    if len(text) < 2:
        raise ValueError("a batch of one pair teaches nothing about wrong pairs; at least two are needed")
    with torch.autocast(image.device.type, enabled=False):
        logits = scale * full(image) @ full(text).T + bias
        sign = 2 * same.to(logits.dtype) - 1
        return -F.logsigmoid(sign * logits).sum() / len(image)
