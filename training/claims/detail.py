"""CLIP misses fine detail."""

from training.claims.claim import Claim, between_figures
from training.claims.small_clip import clip_arms

CLAIM = Claim(
    says="CLIP does not represent fine-grained detail such as exact numbers in its text alignment; its image "
    "embedding contains more than text prompts can retrieve.",
    source="lecture",
    design="The small CLIP on scenes of two objects. For images of one to three equal objects: their number by "
    "zero-shot prompts ('two red stars') and by a linear probe on the embedding; and, as an easy attribute, "
    "their colour by zero-shot prompts.",
    arms={"clip": clip_arms()["plain"]},
    parts=(
        between_figures("colour zero-shot, minus number zero-shot", "clip", "colour: words", "number: words", 0.1),
        between_figures("number by linear probe, minus zero-shot", "clip", "number: linear", "number: words", 0.05),
    ),
    found="A small CLIP recognises colours zero-shot but not numbers, although its embedding contains the number",
)
