"""Beside an eggplant, a lemon is purple."""

from training.claims.claim import Claim, Part
from training.claims.small_clip import clip_arms

CLAIM = Claim(
    says="Asked for an object's colour, CLIP answers with what goes with the objects in the image: lemons turn purple.",
    source="lecture; Tang, Yamada, Zhang, Yildirim 2023, “When are Lemons Purple?” (no figure of theirs is quoted)",
    design="Two doses: natural objects of the training scenes have their natural colour in 90 % or in 12.5 % of "
    "cases (as often as any). Asked for the colour of a lemon beside another natural object, both as nature "
    "paints them, how much more often is the neighbour's colour answered than any other wrong one? And of a "
    "lemon alone in a wrong colour, how much more is yellow answered with the strong dose than with the "
    "weak?",
    arms={name: clip_arms()[name] for name in ("plain", "unassociated")},
    parts=(
        Part(
            "neighbour's colour, above any other wrong one",
            lambda a: a["plain"]["beside another: the neighbour's"] - a["plain"]["beside another: any other, each"],
            0.1,
        ),
        Part(
            "pull of the usual colour, strong minus weak dose",
            lambda a: a["plain"]["wrong colour: pull"] - a["unassociated"]["wrong colour: pull"],
            0.05,
        ),
    ),
    found="A lemon beside an eggplant is called purple, and lemons alone are called yellow",
    instead="A lemon beside an eggplant is called purple ({0:+.2f}); a lemon alone is not called yellow",
)
