"""The momentum of MoCo's key encoder at 64 pixels, where shapes can be learned."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_ssl import clear_run


def arm(momentum: float) -> Arm:
    settings = {"queue": 1024, "momentum": momentum}
    return Arm(f"clear-moco-{momentum:g}", lambda seed, quick: clear_run(seed, quick, "moco", settings))


CLAIM = Claim(
    says="MoCo's key encoder must change slowly: at 64 pixels it learns worse features without momentum.",
    source="lecture; He et al. 2020 (MoCo), table of momentum 0 to 0.9999",
    design="Like moco-momentum, which was undecided, but at 64 pixels and with 300 steps: at 32 pixels no momentum "
    "gave much better shape accuracy than an untrained network. Momentum 0 and 0.99, a queue of 1024. A "
    "linear probe predicts shape and colour from h, on other scenes.",
    arms={"0": arm(0.0), "0.99": arm(0.99)},
    parts=(
        between_arms("shape, 0.99 minus 0", "0.99", "0", "h: shape", 0.05),
        between_arms("colour, 0.99 minus 0", "0.99", "0", "h: colour", 0.05),
    ),
    found="At 64 pixels MoCo learns better features with a momentum encoder than without",
)
