"""NT-Xent is softmax cross entropy."""

import torch
import torch.nn.functional as F

from training.claims.claim import Arm, Claim, Part
from training.methods.simclr import nt_xent


def run(seed: int, quick: bool) -> dict[str, float]:
    generator = torch.Generator().manual_seed(seed)
    z1, z2 = (torch.randn(24, 16, generator=generator, dtype=torch.float64).requires_grad_() for _ in range(2))
    ours = nt_xent(z1, z2, 0.3)
    slopes = torch.autograd.grad(ours, (z1, z2))
    # Row by row, with the other view at place 0: nothing but the classification of one among 2B - 1.
    rows = F.normalize(torch.cat([z1, z2]), dim=1)
    losses = []
    for i in range(48):
        partner = (i + 24) % 48
        others = [j for j in range(48) if j not in (i, partner)]
        logits = torch.stack([rows[i] @ rows[j] / 0.3 for j in (partner, *others)])
        losses.append(F.cross_entropy(logits[None], torch.tensor([0])))
    plain = torch.stack(losses).mean()
    gap = max(float((a - b).abs().max()) for a, b in zip(slopes, torch.autograd.grad(plain, (z1, z2)), strict=True))
    return {"loss": abs(float((ours - plain).detach())), "gradient": gap}


CLAIM = Claim(
    says="NT-Xent is softmax cross entropy whose label is the index of the positive.",
    source="lecture; Chen et al. 2020 (SimCLR), equation 1",
    design="An identity, tested in float64: the trainer's loss against the cross entropy of a classifier, computed "
    "row by row, and both gradients. The largest difference must be within rounding error.",
    arms={"both": Arm("exact-nt-xent", run)},
    parts=(
        Part("difference of the losses, nats", lambda arms: arms["both"]["loss"], 1e-10, exact=True),
        Part("largest difference of the gradients", lambda arms: arms["both"]["gradient"], 1e-10, exact=True),
    ),
    found="NT-Xent and cross entropy are equal to rounding error",
)
