"""More training pairs give a better CLIP."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_clip import clip_arms, clip_run


def arm(pairs: int) -> Arm:
    return Arm(f"clip-{pairs}-pairs", lambda seed, quick: clip_run(seed, quick, pairs=pairs))


CLAIM = Claim(
    says="CLIP works because of the number of its training pairs: more pairs give better results on new images.",
    source="lecture (400 million pairs); Radford et al. 2021",
    design="The small CLIP with the same 350 steps on 400, 1,500 and 6,000 different scenes of two objects, so that "
    "only the number of different pairs changes and not the computation. Measured on 400 other scenes: "
    "image-to-text recall at 5.",
    arms={"400": arm(400), "1,500": arm(1500), "6,000": clip_arms()["plain"]},
    parts=(
        between_arms("R@5, 1,500 pairs minus 400", "1,500", "400", "recall@5", 0.05),
        between_arms("R@5, 6,000 pairs minus 1,500", "6,000", "1,500", "recall@5", 0.05),
    ),
    found="With the same computation, more different pairs improve the retrieval of a small CLIP on new scenes",
    instead="With the same computation, 1,500 pairs are better for a small CLIP than 400 ({0:+.2f}); 6,000 do not "
    "differ clearly from 1,500 ({1:+.2f})",
)
