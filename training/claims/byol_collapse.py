"""BYOL needs its predictor and its stop-gradient."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import ssl_run

CLAIM = Claim(
    says="Without negatives BYOL does not collapse, and its predictor and its stop-gradient are why.",
    source="lecture; Grill et al. 2020 (BYOL), table 5",
    design="A small convolutional network, 200 steps of 64 scenes of one object; BYOL as it is, without its "
    "predictor, and without its stop-gradient (both sides trained). Measured: the spread of unit projections "
    "on images (0: all alike, 1: evenly laid out), each arm's short of the whole. Without the EMA "
    "(SimSiam) it need not collapse, so that is no part of this claim.",
    arms={
        "whole": Arm("byol", lambda seed, quick: ssl_run(seed, quick, "byol")),
        "no predictor": Arm("byol-no-predictor", lambda s, q: ssl_run(s, q, "byol", {"predictor": False})),
        "no stop-gradient": Arm("byol-no-stop", lambda s, q: ssl_run(s, q, "byol", {"stop_gradient": False})),
    },
    parts=(
        Part(
            "spread lost without the predictor",
            lambda arms: arms["whole"]["z spread"] - arms["no predictor"]["z spread"],
            0.1,
        ),
        Part(
            "spread lost without the stop-gradient",
            lambda arms: arms["whole"]["z spread"] - arms["no stop-gradient"]["z spread"],
            0.1,
        ),
    ),
    found="BYOL's projections lose their spread without its predictor, and without its stop-gradient",
)
