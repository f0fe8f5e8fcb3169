"""Captions that leave things out, with and without hard negatives."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_clip import clip_arms, clip_run

HALF = {"completeness": 0.5, "attributes": 0.5}

CLAIM = Claim(
    says="It is captions that leave things and colours out which keep CLIP from binding them, and hard negatives do "
    "not make up for it.",
    source="Gurung, Hoffmann, Brox 2025; against the lecture's “needs hard negatives”",
    design="The small CLIP on scenes of two things; complete captions, or captions that mention each thing in half of "
    "the cases (one always) and the colour of half of what they mention; each without and with hard negatives "
    "(NegCLIP, text side). Measured on complete captions: swapped colours, and the group score of generated Winoground "
    "pairs.",
    arms={
        "complete": clip_arms()["plain"],
        "incomplete": Arm("clip-incomplete", lambda seed, quick: clip_run(seed, quick, HALF)),
        "complete, negatives": clip_arms()["hard negatives"],
        "incomplete, negatives": Arm(
            "clip-incomplete-hard-negatives", lambda s, q: clip_run(s, q, HALF, {"hard_negatives": True})
        ),
    },
    parts=(
        Part(
            "right on swapped colours, complete minus not",
            lambda a: a["complete"]["negatives, swap colours"] - a["incomplete"]["negatives, swap colours"],
            0.05,
        ),
        Part(
            "group score, complete minus not",
            lambda a: a["complete"]["winoground group"] - a["incomplete"]["winoground group"],
            0.05,
        ),
        Part(
            "the same, both with hard negatives",
            lambda a: a["complete, negatives"]["winoground group"] - a["incomplete, negatives"]["winoground group"],
            0.05,
        ),
    ),
    found="With captions that leave half out a small CLIP binds less, and hard negatives do not make up for it",
    instead="Captions that leave half out cost a small CLIP {1:.2f} of its group score, with hard negatives too "
    "({2:.2f})",
)
