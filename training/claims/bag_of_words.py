"""CLIP matches the words of a caption to an image, but not its structure."""

from training.claims.claim import Arm, Claim, Part, between_figures
from training.claims.small_clip import clip_arms

CLAIM = Claim(
    says="CLIP is not compositional: it matches the words of a caption and not their structure.",
    source="lecture; Thrush et al. 2022 (Winoground), Yuksekgonul et al. 2023 (ARO)",
    design="A small CLIP with a text transformer, trained on scenes of two objects with complete captions. It must "
    "retrieve well above chance (otherwise the test is meaningless), distinguish captions that differ in a "
    "colour word, and fail on captions in which the same colour words are swapped. The published CLIP has a "
    "group score of 8 % on Winoground, where chance is 16.7 %.",
    arms={"clip": Arm(clip_arms()["plain"].key, clip_arms()["plain"].run)},
    parts=(
        Part(
            "R@5 above chance",
            lambda a: a["clip"]["recall@5"] - 5 / a["clip"]["images"],
            0.2,
        ),
        between_figures(
            "accuracy for a changed colour word, minus swapped ones",
            "clip",
            "negatives, replace colour",
            "negatives, swap colours",
            0.1,
        ),
        Part("group score below chance", lambda a: 1 / 6 - a["clip"]["winoground group"], 0.0),
    ),
    found="A small CLIP retrieves well and uses every colour word, but does not bind colours to objects",
    instead="A small CLIP distinguishes changed colours better than swapped ones ({1:+.2f}), but its group score is "
    "not below chance",
)
