"""CLIP's loss is the mean of two cross-entropies, and does not change when pictures and texts change places."""

import torch
import torch.nn.functional as F

from training.claims.claim import Arm, Claim, Part
from training.methods.clip import clip_loss


def run(seed: int, quick: bool) -> dict[str, float]:
    generator = torch.Generator().manual_seed(seed)
    image, text = (F.normalize(torch.randn(32, 16, generator=generator, dtype=torch.float64), dim=1) for _ in range(2))
    logits = 14.3 * image @ text.T
    labels = torch.arange(32)
    lecture = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    ours = clip_loss(image, text, 14.3)
    return {
        "exchanged": abs(float(ours - clip_loss(text, image, 14.3))),
        "lecture": abs(float(ours - lecture)),
        "one direction": abs(float(F.cross_entropy(logits, labels) - F.cross_entropy(logits.T, labels))),
    }


CLAIM = Claim(
    says="CLIP's loss is symmetric InfoNCE: cross-entropy along rows and along columns of one matrix, averaged.",
    source="lecture; Radford et al. 2021, figure 3",
    design="An identity: the trainer's loss against the lecture's pseudocode, and against itself with pictures and "
    "texts exchanged, in float64. The two directions alone must differ, or the symmetry would be an empty "
    "statement.",
    arms={"both": Arm("exact-clip", run)},
    parts=(
        Part("difference to the pseudocode, nats", lambda arms: arms["both"]["lecture"], 1e-10, exact=True),
        Part("difference after exchanging, nats", lambda arms: arms["both"]["exchanged"], 1e-10, exact=True),
        Part("difference of the two directions alone, nats", lambda arms: arms["both"]["one direction"], 0.001),
    ),
    found="CLIP's loss is the lecture's pseudocode, and is the same with pictures and texts exchanged",
)
