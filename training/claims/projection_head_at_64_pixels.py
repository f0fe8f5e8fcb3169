"""The projection head once more, on images on which shapes can be told."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import clear_run

CLAIM = Claim(
    says="The representation before the projection head (h) is worth more than the projection (z), most for what the "
    "augmentation removes, at 64 pixels.",
    source="lecture (5-10 %); Chen et al. 2020 says more than 10 points",
    design="As projection-head, which did not see it, at 64 pixels and with 300 steps: there an untrained network had "
    "shape at about .25 and SimCLR at .3, so that little had been learned that a head could have thrown away. 1,000 "
    "scenes to learn from and 1,000 to test, none of them trained on.",
    arms={"simclr": Arm("clear-simclr", lambda seed, quick: clear_run(seed, quick, "simclr", {}))},
    parts=(
        Part("colour, h minus z", lambda a: a["simclr"]["h: colour"] - a["simclr"]["z: colour"], 0.05),
        Part("shape, h minus z", lambda a: a["simclr"]["h: shape"] - a["simclr"]["z: shape"], 0.05),
    ),
    found="At 64 pixels a linear probe reads more colour and more shape before SimCLR's head than after it",
    instead="At 64 pixels SimCLR's head costs {1:+.2f} of shape and {0:+.2f} of colour, less than would count",
)
