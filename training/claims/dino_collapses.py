"""DINO without centring and DINO without sharpening collapse in opposite ways."""

from training.claims.claim import Arm, Claim, Part, between_arms
from training.claims.small_ssl import ssl_run

OUTPUTS = {"outputs": 64}

CLAIM = Claim(
    says="DINO's centring and sharpening prevent opposite collapses: one dominant output, or uniform outputs.",
    source="lecture (DINO); Caron et al. 2021, figure 7",
    design="A small convolutional network, 200 steps of 64 scenes of one object, 64 outputs, trained with complete "
    "DINO, without centring, and without sharpening. Measured in the last batch: the entropy of the teacher's"
    " outputs as a fraction of ln 64, and the fraction of outputs in use. Without centring the use should "
    "fall; without sharpening the entropy should rise towards 1.",
    arms={
        "whole": Arm("dino", lambda s, q: ssl_run(s, q, "dino", OUTPUTS)),
        "no centring": Arm("dino-no-centring", lambda s, q: ssl_run(s, q, "dino", OUTPUTS | {"centring": False})),
        "no sharpening": Arm("dino-no-sharpening", lambda s, q: ssl_run(s, q, "dino", OUTPUTS | {"sharpening": False})),
    },
    parts=(
        between_arms("outputs in use, lost without centring", "whole", "no centring", "usage", 0.1),
        Part(
            "entropy gained without sharpening, fraction of ln 64",
            lambda a: (a["no sharpening"]["entropy"] - a["whole"]["entropy"]) / a["whole"]["chance"],
            0.2,
        ),
    ),
    found="DINO without centring collapses to one output; without sharpening its outputs become uniform",
)
