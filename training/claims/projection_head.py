"""SimCLR's projection head is thrown away because what lies before it says more."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import ssl_run

CLAIM = Claim(
    says="The representation before the projection head (h) is worth more downstream than the projection (z).",
    source="lecture (5-10 %); Chen et al. 2020 says more than 10 points, and most for what the augmentation removes",
    design="SimCLR on a small convolutional network, 200 steps of 64 scenes of one object. A linear probe reads "
    "shape and colour off h (64 wide) and off z (128 wide), 600 scenes to learn from and 400 to test. Colour "
    "is what the jitter removes, so there the gain should be largest.",
    arms={"simclr": Arm("simclr", lambda seed, quick: ssl_run(seed, quick, "simclr"))},
    parts=(
        Part("colour, h minus z", lambda a: a["simclr"]["h: colour"] - a["simclr"]["z: colour"], 0.05),
        Part("shape, h minus z", lambda a: a["simclr"]["h: shape"] - a["simclr"]["z: shape"], 0.05),
    ),
    found="A linear probe reads more colour and more shape before SimCLR's head than after it",
    instead="At 32 pixels SimCLR's head costs a linear probe next to nothing: colour {0:+.2f}, shape {1:+.2f}",
)
