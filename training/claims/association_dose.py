"""Lemons that have always been yellow stay yellow."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_clip import clip_arms, clip_run

CLAIM = Claim(
    says="The more surely an object has its usual colour in training, the more CLIP answers that colour and not the "
    "one it sees.",
    source="Tang, Yamada, Zhang, Yildirim 2023, say that the strength of an association predicts the error",
    design="Three doses: natural objects of the training scenes have their natural colour in 12.5 %, in 90 % and in "
    "all cases. Of single objects in a wrong colour: how far the answer is drawn to the usual colour, and how often it "
    "is right. Designed after lemons-purple had been run, which finds no pull between the two smaller doses: a tenth "
    "of lemons in other colours may be enough to learn from, and none is not.",
    arms={
        "12.5 %": clip_arms()["unassociated"],
        "90 %": clip_arms()["plain"],
        "all": Arm("clip-associated", lambda seed, quick: clip_run(seed, quick, {"association": 1})),
    },
    parts=(
        Part(
            "pull of the usual colour, all minus 12.5 %",
            lambda a: a["all"]["wrong colour: pull"] - a["12.5 %"]["wrong colour: pull"],
            0.05,
        ),
        Part(
            "pull of the usual colour, all minus 90 %",
            lambda a: a["all"]["wrong colour: pull"] - a["90 %"]["wrong colour: pull"],
            0.05,
        ),
        Part(
            "right on a wrong colour, 12.5 % minus all",
            lambda a: a["12.5 %"]["wrong colour: right"] - a["all"]["wrong colour: right"],
            0.1,
        ),
    ),
    found="A small CLIP that never saw a lemon but yellow calls lemons of any colour yellow",
    instead="A lemon that always was yellow in training is still not called yellow when painted otherwise ({0:+.3f})",
)
