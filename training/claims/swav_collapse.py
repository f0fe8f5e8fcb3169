"""SwAV without Sinkhorn puts every image into a few clusters."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import ssl_run

CLAIM = Claim(
    says="Sinkhorn-Knopp uses all prototypes alike and so keeps SwAV from collapsing into one of them.",
    source="lecture; Caron et al. 2020 (SwAV)",
    design="A small convolutional network, 200 steps of 64 scenes of one object, 32 prototypes; codes by Sinkhorn "
    "or by a plain softmax. Measured: prototypes in use (the exponential of the entropy of their shares, "
    "over their number) in the last batch.",
    arms={
        "sinkhorn": Arm("swav", lambda s, q: ssl_run(s, q, "swav", {"prototypes": 32})),
        "softmax": Arm("swav-softmax", lambda s, q: ssl_run(s, q, "swav", {"prototypes": 32, "sinkhorn": False})),
    },
    parts=(Part("share of prototypes in use, lost", lambda a: a["sinkhorn"]["usage"] - a["softmax"]["usage"], 0.2),),
    found="Without Sinkhorn, SwAV leaves most of its prototypes unused",
)
