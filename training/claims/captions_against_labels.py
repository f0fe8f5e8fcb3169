"""Captions against class labels of the same images."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_clip import clip_arms, clip_run

CLAIM = Claim(
    says="A caption teaches more than a class label: “white shirt” and “blue shirt” are one class.",
    source="lecture (three limits of category labels); Radford et al. 2021",
    design="The small CLIP on the same 6,000 scenes of two objects, trained with their captions, or with “a photo of"
    " a ...” and the shape of their first object, where images of one label are positives of each other. "
    "Measured with complete captions: the zero-shot accuracy for the colour of objects, which labels do not "
    "contain; captions in which a shape is replaced, which labels do contain; and image-to-text recall at 5.",
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
        between_arms("zero-shot accuracy for colour", "captions", "labels", "colour: words", 0.2),
        between_arms("accuracy for a replaced shape", "captions", "labels", "negatives, replace shape", 0.05),
        between_arms("R@5", "captions", "labels", "recall@5", 0.1),
    ),
    found="Captions teach a small CLIP colours that class labels of the same images cannot",
    instead="Captions minus class labels: colour {0:+.2f}, replaced shapes {1:+.2f}, R@5 {2:+.2f}",
)
