"""The Gelato bet in miniature: self-supervised against supervised."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import clear_run
from training.data.world import SHAPES

VIEWS = {"crop": 0.2, "jitter": 1.0, "grey": 0.2}  # SimCLR's own: its jitter of 0.5 counts from twice the base
MARGIN = 0.05  # within five points is as good

CLAIM = Claim(
    says="Self-supervision is as good as labels: what SimCLR learns serves within five points of what a classifier "
    "learns from the same images.",
    source="lecture (the Gelato bet: about detection on PASCAL, by autumn 2015; the date was missed)",
    design="A small convolutional network, 300 steps of 64 scenes of one object at 64 pixels, views of one kind: "
    "taught by SimCLR, or by the labels of their shapes. A linear probe on other scenes reads what the labels told "
    "(shape) and what they did not (colour, size). Each part is SimCLR minus supervised plus 0.05, so that it is "
    "positive where SimCLR is at most five points behind. "
    "Designed anew once: at first the classifier's colours changed half as much as SimCLR's, since a strength of 0.5 "
    "counts from another base there; that came out as held in part, too.",
    arms={
        "simclr": Arm("clear-simclr", lambda seed, quick: clear_run(seed, quick, "simclr", {})),
        "supervised": Arm(
            "clear-supervised",
            lambda seed, quick: clear_run(seed, quick, "supervised", {**VIEWS, "classes": len(SHAPES)}),
        ),
    },
    parts=tuple(
        Part(
            f"{of}, SimCLR minus supervised, plus 0.05",
            lambda a, of=of: a["simclr"][f"h: {of}"] - a["supervised"][f"h: {of}"] + MARGIN,  # type: ignore[misc]
            0.0,
        )
        for of in ("shape", "colour", "size")
    ),
    found="SimCLR's features serve within five points of a classifier's, for what labels told and what they did not",
    instead="SimCLR against a classifier, with five points' grace: shape {0:+.2f}, colour {1:+.2f}, size {2:+.2f}",
)
