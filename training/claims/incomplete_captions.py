"""Incomplete captions, with and without hard negatives."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_clip import clip_arms, clip_run

HALF = {"completeness": 0.5, "attributes": 0.5}

CLAIM = Claim(
    says="Captions that omit objects and colours prevent CLIP from learning to bind them, and hard negatives do "
    "not compensate for that.",
    source="Gurung, Hoffmann, Brox 2025; against the lecture's “needs hard negatives”",
    design="The small CLIP on scenes of two objects; complete captions, or captions that mention each object in half"
    " of the cases (at least one) and the colour of half of the mentioned ones; each without and with hard "
    "negatives (NegCLIP, text side). Measured with complete captions: swapped colours, and the group score of"
    " generated Winoground pairs.",
    arms={
        "complete": clip_arms()["plain"],
        "incomplete": Arm("clip-incomplete", lambda seed, quick: clip_run(seed, quick, HALF)),
        "complete, negatives": clip_arms()["hard negatives"],
        "incomplete, negatives": Arm(
            "clip-incomplete-hard-negatives", lambda s, q: clip_run(s, q, HALF, {"hard_negatives": True})
        ),
    },
    parts=(
        between_arms(
            "accuracy for swapped colours, complete minus incomplete",
            "complete",
            "incomplete",
            "negatives, swap colours",
            0.05,
        ),
        between_arms("group score, complete minus incomplete", "complete", "incomplete", "winoground group", 0.05),
        between_arms(
            "the same, both with hard negatives",
            "complete, negatives",
            "incomplete, negatives",
            "winoground group",
            0.05,
        ),
    ),
    found="With captions that omit half, a small CLIP binds less, and hard negatives do not compensate for it",
    instead="Captions that omit half reduce a small CLIP's group score by {1:.2f}, and by {2:.2f} with hard negatives",
)
