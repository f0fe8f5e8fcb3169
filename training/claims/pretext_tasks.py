"""Puzzles made of an image against views of it, at equal budget."""

from training.claims.claim import Arm, Claim, Part
from training.claims.small_ssl import clear_run

TASKS = ("colorisation", "relative-position", "jigsaw", "autoencoder")


def arm(method: str) -> Arm:
    return Arm(f"clear-{method}", lambda seed, quick: clear_run(seed, quick, method))


CLAIM = Claim(
    says="Pretext tasks such as colorisation and jigsaws teach features that are only OK; contrastive learning "
    "replaced them.",
    source="lecture (old-school SSL); vissl's model zoo has jigsaw and colorisation at 40 to 49 % on ImageNet, where "
    "SimCLR has 69 %",
    design="A small convolutional network, 300 steps of 64 scenes of one object at 64 pixels, each method with its own "
    "views and settings. A linear probe reads shape off h, on other scenes; each part is SimCLR minus one task. Equal "
    "are images and steps, not computation: SimCLR sees each image twice, a jigsaw in nine tiles. A caution: one "
    "object before a plain ground is easy to paint, and SimCLR's crops cut it away (aggressive-augmentation).",
    arms={"simclr": Arm("clear-simclr", lambda seed, quick: clear_run(seed, quick, "simclr", {}))}
    | {task: arm(task) for task in TASKS},
    parts=tuple(
        Part(f"shape, SimCLR minus {task}", lambda a, t=task: a["simclr"]["h: shape"] - a[t]["h: shape"], 0.05)  # type: ignore[misc]
        for task in TASKS
    ),
    found="At equal steps SimCLR teaches a linear probe more of shape than any of four pretext tasks",
)
