"""Random crops and colour jitter: each alone and both together."""

from typing import Any

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_ssl import clear_run

NO_CROP, NO_JITTER = {"crop": 1.0}, {"jitter": 0.0, "grey": 0.0}


def arm(key: str, settings: dict[str, Any]) -> Arm:
    return Arm(key, lambda seed, quick: clear_run(seed, quick, "simclr", settings))


CLAIM = Claim(
    says="Aggressive augmentation is essential: random crops and colour jitter together give better features than "
    "either alone, because without jitter the colours identify the image.",
    source="lecture; Chen et al. 2020 (SimCLR), figure 5",
    design="SimCLR with a small convolutional network, 300 steps of 64 scenes of one object at 64 pixels, in a 2 x 2"
    " design: crops of 20 to 100 % of an image or none, colour jitter and greyscale or neither; horizontal "
    "flips in all four. A linear probe predicts shape and colour from h, on other scenes. Jitter should "
    "improve shape and reduce colour, which it removes. A pilot with one other seed showed that shapes can be"
    " learned at 64 pixels, and that cropping might reduce accuracy: unlike in a photograph, a crop can "
    "remove the only object of a scene.",
    arms={
        "both": arm("clear-simclr", {}),
        "crop": arm("clear-simclr-no-jitter", NO_JITTER),
        "jitter": arm("clear-simclr-no-crop", NO_CROP),
        "neither": arm("clear-simclr-plain", NO_CROP | NO_JITTER),
    },
    parts=(
        between_arms("shape, both minus crop alone", "both", "crop", "h: shape", 0.05),
        between_arms("shape, both minus jitter alone", "both", "jitter", "h: shape", 0.05),
        between_arms("colour, without jitter minus with it", "neither", "jitter", "h: colour", 0.05),
    ),
    found="SimCLR learns most about shape from views that are both cropped and jittered",
    instead="With crops, jitter changes SimCLR's shape accuracy by {0:+.2f}; with jitter, crops of one-object scenes "
    "change it by {1:+.2f}",
)
