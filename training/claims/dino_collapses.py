"""DINO without centring and DINO without sharpening collapse in opposite ways."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import ssl_run

OUTPUTS = {"outputs": 64}

CLAIM = Claim(
    says="DINO's centring and sharpening guard against opposite collapses: one output for all, or all outputs alike.",
    source="lecture (DINO); Caron et al. 2021, figure 7",
    design="A small convolutional network, 200 steps of 64 scenes of one object, 64 outputs; DINO as it is, without "
    "centring, without sharpening. Measured in the last batch: the entropy of the teacher's answers, as a "
    "share of ln 64, and the outputs in use. Without centring use should fall, without sharpening entropy "
    "should rise towards 1.",
    arms={
        "whole": Arm("dino", lambda s, q: ssl_run(s, q, "dino", OUTPUTS)),
        "no centring": Arm("dino-no-centring", lambda s, q: ssl_run(s, q, "dino", OUTPUTS | {"centring": False})),
        "no sharpening": Arm("dino-no-sharpening", lambda s, q: ssl_run(s, q, "dino", OUTPUTS | {"sharpening": False})),
    },
    parts=(
        Part("use of outputs lost without centring", lambda a: a["whole"]["usage"] - a["no centring"]["usage"], 0.1),
        Part(
            "entropy gained without sharpening, of ln 64",
            lambda a: (a["no sharpening"]["entropy"] - a["whole"]["entropy"]) / a["whole"]["chance"],
            0.2,
        ),
    ),
    found="DINO without centring answers everything alike; without sharpening it answers nothing",
)
