"""CLIP's loss is the mean of two cross entropies, and is symmetric in images and texts."""

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
    says="CLIP's loss is symmetric InfoNCE: the mean of the cross entropies along the rows and along the columns "
    "of one matrix.",
    source="lecture; Radford et al. 2021, figure 3",
    design=f"An identity, tested in float64 on {BATCHES} random batches: the largest difference between the trainer's"
    " loss and the lecture's pseudocode, and between the loss and itself with images and texts exchanged. The"
    " two directions alone must differ, otherwise the symmetry would be trivial: the mean size of their "
    "difference over the same batches. (The design was changed once: at first it used one batch per seed, and"
    " a single such difference can be near 0 by chance. That design gave “held in part”.)",
    arms={"both": Arm("exact-clip", run)},
    parts=(
        Part("difference from the pseudocode, nats", lambda arms: arms["both"]["lecture"], 1e-10, exact=True),
        Part(
            "difference after exchanging images and texts, nats",
            lambda arms: arms["both"]["exchanged"],
            1e-10,
            exact=True,
        ),
        Part("difference of the two directions, nats", lambda arms: arms["both"]["one direction"], 0.01),
    ),
    found="CLIP's loss equals the lecture's pseudocode, and is symmetric in images and texts",
)
