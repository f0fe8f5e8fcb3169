"""Without Sinkhorn's algorithm, SwAV assigns all images to a few prototypes."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_ssl import ssl_run

CLAIM = Claim(
    says="The Sinkhorn-Knopp algorithm uses all prototypes equally and thereby prevents SwAV from collapsing to "
    "one of them.",
    source="lecture; Caron et al. 2020 (SwAV)",
    design="A small convolutional network, 200 steps of 64 scenes of one object, 32 prototypes; codes by Sinkhorn's "
    "algorithm or by a plain softmax. Measured: the fraction of prototypes in use in the last batch (the "
    "exponential of the entropy of their frequencies, over their number).",
    arms={
        "sinkhorn": Arm("swav", lambda s, q: ssl_run(s, q, "swav", {"prototypes": 32})),
        "softmax": Arm("swav-softmax", lambda s, q: ssl_run(s, q, "swav", {"prototypes": 32, "sinkhorn": False})),
    },
    parts=(between_arms("prototypes in use, lost", "sinkhorn", "softmax", "usage", 0.2),),
    found="Without Sinkhorn's algorithm, SwAV leaves most of its prototypes unused",
)
