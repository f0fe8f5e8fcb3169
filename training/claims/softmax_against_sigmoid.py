"""SigLIP classifies each pair independently; in CLIP, candidates compete."""

from collections.abc import Callable

import torch
import torch.nn.functional as F

from training.claims.claim import Arm, Claim, Part
from training.methods.clip import clip_loss
from training.methods.siglip import siglip_loss


def run(seed: int, quick: bool) -> dict[str, float]:
    generator = torch.Generator().manual_seed(seed)
    image, text = (F.normalize(torch.randn(24, 16, generator=generator, dtype=torch.float64), dim=1) for _ in range(2))
    scale, bias = 10.0, -10.0
    decisions = []
    for i in range(24):
        for j in range(24):
            logit = scale * (image[i] @ text[j]) + bias
            decisions.append(F.binary_cross_entropy_with_logits(logit, torch.tensor(float(i == j), dtype=logit.dtype)))
    binary = torch.stack(decisions).sum() / 24
    return {
        "binary": abs(float(siglip_loss(image, text, scale, bias) - binary)),
        "sigmoid": _reaches(siglip_loss, image, text, scale, bias),
        "softmax": _reaches(lambda i, t, s, _: clip_loss(i, t, s), image, text, scale, bias),
    }


def _reaches(
    loss: Callable[..., torch.Tensor], image: torch.Tensor, text: torch.Tensor, scale: float, bias: float
) -> float:
    """How far pair (0, 0)'s pull on its own logit depends on another text's place."""

    def slope(texts: torch.Tensor) -> torch.Tensor:
        first = image.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(first, texts, scale, bias), first)
        return gradient[0]

    moved = text.clone()
    moved[1] = image[0]  # a wrong caption comes to lie on the image
    alone = text.clone()
    # What a loss of independent pairs would answer: only the term of the moved pair changes.
    term_before = _pair_slope(image[0], alone[1], scale, bias)
    term_after = _pair_slope(image[0], moved[1], scale, bias)
    change = slope(moved) - slope(alone)
    return float((change - (term_after - term_before) / len(image)).norm())


def _pair_slope(image: torch.Tensor, wrong: torch.Tensor, scale: float, bias: float) -> torch.Tensor:
    return scale * torch.sigmoid(scale * image @ wrong + bias) * wrong


CLAIM = Claim(
    says="SigLIP replaces the softmax by independent sigmoids: each pair is classified independently.",
    source="lecture; Zhai et al. 2023 (SigLIP)",
    design="An identity, tested in float64: the trainer's loss against 24 x 24 binary cross entropies. In addition, "
    "a wrong caption is moved onto an image: with sigmoids the gradient of the image changes by the term of "
    "that one pair only; with the softmax it changes by more, since all candidates compete for one "
    "probability.",
    arms={"both": Arm("exact-sigmoid", run)},
    parts=(
        Part("difference from binary cross entropies, nats", lambda arms: arms["both"]["binary"], 1e-10, exact=True),
        Part("effect on other pairs with sigmoids", lambda arms: arms["both"]["sigmoid"], 1e-10, exact=True),
        Part("effect on other pairs with the softmax", lambda arms: arms["both"]["softmax"], 0.01),
    ),
    found="With sigmoids each pair is independent; with the softmax all candidates interact",
)
