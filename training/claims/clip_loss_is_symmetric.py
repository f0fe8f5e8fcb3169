"""CLIP's loss is the mean of two cross-entropies, and does not change when images and texts change places."""

import torch
import torch.nn.functional as F

from training.claims.claim import Arm, Claim, Part
from training.methods.clip import clip_loss

BATCHES = 200


def run(seed: int, quick: bool) -> dict[str, float]:
    generator = torch.Generator().manual_seed(seed)
    exchanged, lecture, apart = [], [], []
    for _ in range(BATCHES):
        image, text = (
            F.normalize(torch.randn(32, 16, generator=generator, dtype=torch.float64), dim=1) for _ in range(2)
        )
        logits, labels = 14.3 * image @ text.T, torch.arange(32)
        of_images, of_texts = F.cross_entropy(logits, labels), F.cross_entropy(logits.T, labels)
        ours = clip_loss(image, text, 14.3)
        exchanged.append(abs(float(ours - clip_loss(text, image, 14.3))))
        lecture.append(abs(float(ours - (of_images + of_texts) / 2)))
        apart.append(abs(float(of_images - of_texts)))
    return {"exchanged": max(exchanged), "lecture": max(lecture), "one direction": sum(apart) / BATCHES}


CLAIM = Claim(
    says="CLIP's loss is symmetric InfoNCE: cross-entropy along rows and along columns of one matrix, averaged.",
    source="lecture; Radford et al. 2021, figure 3",
    design="An identity: the trainer's loss against the lecture's pseudocode, and against itself with images and "
    f"texts exchanged, in float64, the largest difference of {BATCHES} random batches. The two directions alone must "
    "differ, or the symmetry would be an empty statement: the mean size of their difference over the same batches. "
    "(Designed anew once: at first one batch a seed was taken, and the size of one such difference says nothing, "
    "since it happens to be near 0 now and then. That design came out as held in part.)",
    arms={"both": Arm("exact-clip", run)},
    parts=(
        Part("difference to the pseudocode, nats", lambda arms: arms["both"]["lecture"], 1e-10, exact=True),
        Part("difference after exchanging, nats", lambda arms: arms["both"]["exchanged"], 1e-10, exact=True),
        Part("size of the two directions' difference, nats", lambda arms: arms["both"]["one direction"], 0.01),
    ),
    found="CLIP's loss is the lecture's pseudocode, and is the same with images and texts exchanged",
)
