"""The projection head at 64 pixels, where shapes can be learned."""

from training.claims.claim import Arm, Claim, between_figures
from training.claims.small_ssl import clear_run

CLAIM = Claim(
    says="The representation before the projection head (h) is better than the projection (z), most for attributes"
    " that the augmentation removes, at 64 pixels.",
    source="lecture (5-10 %); Chen et al. 2020 report more than 10 points",
    design="Like projection-head, which found no effect, but at 64 pixels and with 300 steps: at 32 pixels the shape"
    " accuracy was about 0.25 for an untrained network and 0.3 for SimCLR, so there was little that a head "
    "could discard. 1,000 scenes for training the probe and 1,000 for testing, none of them used in "
    "pretraining.",
    arms={"simclr": Arm("clear-simclr", lambda seed, quick: clear_run(seed, quick, "simclr", {}))},
    parts=(
        between_figures("colour, h minus z", "simclr", "h: colour", "z: colour", 0.05),
        between_figures("shape, h minus z", "simclr", "h: shape", "z: shape", 0.05),
    ),
    found="At 64 pixels a linear probe predicts colour and shape better before SimCLR's head than after it",
    instead="At 64 pixels h minus z is {1:+.2f} for shape and {0:+.2f} for colour, less than the smallest "
    "interesting effect",
)
