"""The features before SimCLR's projection head are better than those after it."""

from training.claims.claim import Arm, Claim, between_figures
from training.claims.small_ssl import ssl_run

CLAIM = Claim(
    says="The representation before the projection head (h) is better for downstream tasks than the projection (z).",
    source="lecture (5-10 %); Chen et al. 2020 report more than 10 points, and most for attributes that the "
    "augmentation removes",
    design="SimCLR with a small convolutional network, 200 steps of 64 scenes of one object. A linear probe predicts"
    " shape and colour from h (64 dimensions) and from z (128 dimensions), with 600 scenes for training and "
    "400 for testing. The jitter removes colour, so the gain should be largest there.",
    arms={"simclr": Arm("simclr", lambda seed, quick: ssl_run(seed, quick, "simclr"))},
    parts=(
        between_figures("colour, h minus z", "simclr", "h: colour", "z: colour", 0.05),
        between_figures("shape, h minus z", "simclr", "h: shape", "z: shape", 0.05),
    ),
    found="A linear probe predicts colour and shape better before SimCLR's head than after it",
    instead="At 32 pixels SimCLR's head has almost no effect on a linear probe: colour {0:+.2f}, shape {1:+.2f}",
)
