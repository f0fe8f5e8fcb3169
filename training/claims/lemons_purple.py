"""The predicted colour of an object is biased by other objects in the image."""

from training.claims.claim import Claim, between_arms, between_figures
from training.claims.small_clip import clip_arms

CLAIM = Claim(
    says="When prompted for the colour of an object, CLIP predicts the colour associated with other objects in the"
    " image: lemons become purple.",
    source="lecture; Tang, Yamada, Zhang, Yildirim 2023, “When are Lemons Purple?” (no figure of theirs is quoted)",
    design="Two doses: natural objects of the training scenes have their natural colour in 90 % or in 12.5 % of "
    "cases (the same as any other colour). For a lemon beside another natural object, both in natural "
    "colours: how much more often is the neighbour's colour predicted than any other wrong colour? For a "
    "single lemon in an unusual colour: how much more often is yellow predicted with the strong dose than "
    "with the weak one?",
    arms={name: clip_arms()[name] for name in ("plain", "unassociated")},
    parts=(
        between_figures(
            "neighbour's colour, minus any other wrong colour",
            "plain",
            "beside another: the neighbour's",
            "beside another: any other, each",
            0.1,
        ),
        between_arms(
            "bias to the usual colour, strong minus weak dose", "plain", "unassociated", "wrong colour: pull", 0.05
        ),
    ),
    found="A lemon beside an eggplant is predicted purple, and single lemons are predicted yellow",
    instead="A lemon beside an eggplant is predicted purple ({0:+.2f}); a single lemon is not predicted yellow",
)
