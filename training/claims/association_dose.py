"""Stronger colour associations in the training data bias the predicted colour more."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_clip import clip_arms, clip_run

CLAIM = Claim(
    says="The more often an object has its usual colour in training, the more often CLIP predicts that colour "
    "instead of the one in the image.",
    source="Tang, Yamada, Zhang, Yildirim 2023, who state that the strength of an association predicts the error",
    design="Three doses: natural objects of the training scenes have their natural colour in 12.5 %, in 90 % and in "
    "all cases. For single objects in another colour: the bias of the prediction towards the usual colour, "
    "and the accuracy. This was designed after lemons-purple, which found no bias between the two smaller "
    "doses. A tenth of lemons in other colours may be enough to learn to see the colour; the third dose has none.",
    arms={
        "12.5 %": clip_arms()["unassociated"],
        "90 %": clip_arms()["plain"],
        "all": Arm("clip-associated", lambda seed, quick: clip_run(seed, quick, {"association": 1})),
    },
    parts=(
        between_arms("bias to the usual colour, all minus 12.5 %", "all", "12.5 %", "wrong colour: pull", 0.05),
        between_arms("bias to the usual colour, all minus 90 %", "all", "90 %", "wrong colour: pull", 0.05),
        between_arms("accuracy for unusual colours, 12.5 % minus all", "12.5 %", "all", "wrong colour: right", 0.1),
    ),
    found="A small CLIP trained on yellow lemons only predicts yellow for lemons of any colour",
    instead="A lemon that was always yellow in training is still not called yellow when it has another colour "
    "({0:+.3f})",
)
