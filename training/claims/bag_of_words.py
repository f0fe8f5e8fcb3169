"""CLIP finds the words of a caption in an image, and not who has what."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_clip import clip_arms

CLAIM = Claim(
    says="CLIP is not compositional: it matches the words of a caption and not their structure.",
    source="lecture; Thrush et al. 2022 (Winoground), Yuksekgonul et al. 2023 (ARO)",
    design="A small CLIP with a transformer for text, trained on scenes of two things with complete captions. It "
    "must retrieve well above chance (else it would be no encoder at all), tell captions apart that differ "
    "in a colour word, and fail on captions in which the same colour words have changed places. The "
    "published CLIP gets a group score of 8 % on Winoground, where chance is 16.7 %.",
    arms={"clip": Arm(clip_arms()["plain"].key, clip_arms()["plain"].run)},
    parts=(
        Part(
            "R@5 above chance",
            lambda a: a["clip"]["recall@5"] - 5 / a["clip"]["images"],
            0.2,
        ),
        Part(
            "right on a changed colour word, minus on swapped ones",
            lambda a: a["clip"]["negatives, replace colour"] - a["clip"]["negatives, swap colours"],
            0.1,
        ),
        Part("group score below chance", lambda a: 1 / 6 - a["clip"]["winoground group"], 0.0),
    ),
    found="A small CLIP retrieves well, hears every colour word, and does not hear whose colour it is",
    instead="A small CLIP hears which colours ({1:+.2f}) more than whose, but is not below chance on pairs",
)
