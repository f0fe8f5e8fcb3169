"""CLAIMS: name to file, the only registry of claims. One claim of the lecture on self-supervision, one file.

A file has CLAIM: the statement, where it comes from, and a design that was fixed before anything was run. It is
imported when it is asked for, so that listing the names loads no torch.
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

# What the lecture says as well, and what nobody has designed a run for here yet.
OPEN = (
    "batch size for SimCLR, queue for MoCo at batch 32",
    "zero-shot prompt templates",
    "more pairs against a bigger tower",
    "hard negatives on the image's side",
    "locked towers, from DeViSE to LiT",
)
