"""CLAIMS: the registry of the lecture's claims about self-supervision, one file each.

A file defines CLAIM: the statement, its source, and a design that was fixed before the runs. It is imported on first
access, so that listing the names does not load torch.
"""

from typing import TYPE_CHECKING

from training.models.registry import Lazy

if TYPE_CHECKING:
    from training.claims.claim import Claim

FILES = (
    "nt_xent_is_cross_entropy",
    "clip_loss_is_symmetric",
    "softmax_against_sigmoid",
    "temperature",
    "byol_collapse",
    "swav_collapse",
    "dino_collapses",
    "projection_head",
    "moco_momentum",
    "bag_of_words",
    "lemons_purple",
    "hard_negatives",
    "detail",
    "association_dose",
    "incomplete_captions",
    "aggressive_augmentation",
    "projection_head_at_64_pixels",
    "moco_momentum_at_64_pixels",
    "more_pairs",
    "captions_against_labels",
    "gelato_bet",
    "pretext_tasks",
)
CLAIMS: Lazy["Claim"] = Lazy(__name__, {file.replace("_", "-"): f"{file}:CLAIM" for file in FILES})

# Further claims of the lecture, for which there is no design yet.
OPEN = (
    "batch size for SimCLR, queue for MoCo with batch size 32",
    "zero-shot prompt templates",
    "more pairs against a larger tower",
    "hard negative images",
    "locked towers, from DeViSE to LiT",
)
