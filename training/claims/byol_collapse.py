"""BYOL needs its predictor and its stop-gradient."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_ssl import ssl_run

CLAIM = Claim(
    says="BYOL does not collapse without negatives because of its predictor and its stop-gradient.",
    source="lecture; Grill et al. 2020 (BYOL), table 5",
    design="A small convolutional network, 200 steps of 64 scenes of one object, trained with complete BYOL, without"
    " its predictor, and without its stop-gradient (both sides trained). Measured: the spread of the "
    "L2-normalised projections of images (0: identical, 1: isotropic), and how much each ablation loses. BYOL"
    " without the EMA (SimSiam) need not collapse, so this is not part of the claim.",
    arms={
        "whole": Arm("byol", lambda seed, quick: ssl_run(seed, quick, "byol")),
        "no predictor": Arm("byol-no-predictor", lambda s, q: ssl_run(s, q, "byol", {"predictor": False})),
        "no stop-gradient": Arm("byol-no-stop", lambda s, q: ssl_run(s, q, "byol", {"stop_gradient": False})),
    },
    parts=(
        between_arms("spread lost without the predictor", "whole", "no predictor", "z spread", 0.1),
        between_arms("spread lost without the stop-gradient", "whole", "no stop-gradient", "z spread", 0.1),
    ),
    found="BYOL's projections lose their spread without the predictor and without the stop-gradient",
)
