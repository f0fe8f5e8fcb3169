"""Sentences against class names, of the same images."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_clip import clip_arms, clip_run

CLAIM = Claim(
    says="A sentence teaches more than a class label: “white shirt” and “blue shirt” are one class.",
    source="lecture (three limits of category labels); Radford et al. 2021",
    design="The small CLIP on the same 6,000 scenes of two things, taught with their captions, or with “a photo of a "
    "...” and the shape of their first thing, images of one label counting as right for each other. Measured on "
    "complete captions: the colour of things by words, which labels never tell; captions in which a shape is "
    "replaced, which labels do tell; and the share of images whose caption is among the five nearest.",
    arms={
        "captions": clip_arms()["plain"],
        "labels": Arm(
            "clip-labels",
            lambda seed, quick: clip_run(
                seed, quick, settings={"multi_positive": True}, templates=("a photo of a {label}",)
            ),
        ),
    },
    parts=(
        Part("colour by words", lambda a: a["captions"]["colour: words"] - a["labels"]["colour: words"], 0.2),
        Part(
            "right on a replaced shape",
            lambda a: a["captions"]["negatives, replace shape"] - a["labels"]["negatives, replace shape"],
            0.05,
        ),
        Part("R@5", lambda a: a["captions"]["recall@5"] - a["labels"]["recall@5"], 0.1),
    ),
    found="Sentences teach a small CLIP colours that class names of the same images cannot",
    instead="Sentences against class names: colour {0:+.2f}, replaced shapes {1:+.2f}, R@5 {2:+.2f}",
)
