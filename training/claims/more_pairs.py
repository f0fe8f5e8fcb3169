"""More pairs, better CLIP."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_clip import clip_arms, clip_run


def arm(pairs: int) -> Arm:
    return Arm(f"clip-{pairs}-pairs", lambda seed, quick: clip_run(seed, quick, pairs=pairs))


CLAIM = Claim(
    says="CLIP works because of the scale of its pairs: with more of them it does better on images it has not seen.",
    source="lecture (400 million pairs); Radford et al. 2021",
    design="The small CLIP for the same 350 steps on 400, 1,500 and 6,000 different scenes of two things, so that "
    "only the number of different pairs differs and not the computation. Measured on 400 other scenes: the share of "
    "images whose caption is among the five nearest.",
    arms={"400": arm(400), "1,500": arm(1500), "6,000": clip_arms()["plain"]},
    parts=(
        Part("R@5, 1,500 pairs minus 400", lambda a: a["1,500"]["recall@5"] - a["400"]["recall@5"], 0.05),
        Part("R@5, 6,000 pairs minus 1,500", lambda a: a["6,000"]["recall@5"] - a["1,500"]["recall@5"], 0.05),
    ),
    found="At equal computation more different pairs let a small CLIP find more of what it has not seen",
    instead="At equal computation 1,500 pairs serve a small CLIP better than 400 ({0:+.2f}); 6,000 cannot be told from "
    "1,500 ({1:+.2f})",
)
