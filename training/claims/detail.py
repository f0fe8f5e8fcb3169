"""CLIP misses fine detail."""

from training.claims.claim import Claim, Part
from training.claims.small_clip import clip_arms

CLAIM = Claim(
    says="CLIP is not aware of fine-grained detail such as exact numbers; its embedding holds more than its words "
    "reach.",
    source="lecture",
    design="The small CLIP on scenes of two things. Of images of one to three like things: their number by words "
    "('two red stars') and by a linear probe on the embedding; and, as the easy detail, their colour by "
    "words.",
    arms={"clip": clip_arms()["plain"]},
    parts=(
        Part(
            "colour by words, minus number by words",
            lambda a: a["clip"]["colour: words"] - a["clip"]["number: words"],
            0.1,
        ),
        Part(
            "number by linear probe, minus by words",
            lambda a: a["clip"]["number: linear"] - a["clip"]["number: words"],
            0.05,
        ),
    ),
    found="A small CLIP says colours and cannot count, although its embedding holds the number",
)
