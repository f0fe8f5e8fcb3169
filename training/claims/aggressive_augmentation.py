"""Cropping and colour jitter, each alone and both together."""

from typing import Any

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import clear_run

NO_CROP, NO_JITTER = {"crop": 1.0}, {"jitter": 0.0, "grey": 0.0}


def arm(key: str, settings: dict[str, Any]) -> Arm:
    return Arm(key, lambda seed, quick: clear_run(seed, quick, "simclr", settings))


CLAIM = Claim(
    says="Aggressive augmentation is essential: random crop and colour jitter together are worth more than either "
    "alone, for without jitter colours give a view away.",
    source="lecture; Chen et al. 2020 (SimCLR), figure 5",
    design="SimCLR on a small convolutional network, 300 steps of 64 scenes of one object at 64 pixels, 2 x 2: crops "
    "of 20 to 100 % of an image or none, colour jitter and loss of colour or neither; mirrored in all four. A "
    "linear probe reads shape and colour off h, on other scenes. Jitter should raise shape and lower colour, which "
    "it removes. A pilot with one other seed showed that at 64 pixels shapes can be read at all, and that cropping "
    "might cost more than it gives: the one object of a scene is cut away, unlike in a photograph.",
    arms={
        "both": arm("clear-simclr", {}),
        "crop": arm("clear-simclr-no-jitter", NO_JITTER),
        "jitter": arm("clear-simclr-no-crop", NO_CROP),
        "neither": arm("clear-simclr-plain", NO_CROP | NO_JITTER),
    },
    parts=(
        Part("shape, both minus crop alone", lambda a: a["both"]["h: shape"] - a["crop"]["h: shape"], 0.05),
        Part("shape, both minus jitter alone", lambda a: a["both"]["h: shape"] - a["jitter"]["h: shape"], 0.05),
        Part(
            "colour, without jitter minus with it", lambda a: a["neither"]["h: colour"] - a["jitter"]["h: colour"], 0.05
        ),
    ),
    found="SimCLR learns most shape from cropped and jittered views together",
    instead="Beside crops jitter gives SimCLR {0:+.2f} of shape, but crops of one-object scenes cost it ({1:+.2f})",
)
