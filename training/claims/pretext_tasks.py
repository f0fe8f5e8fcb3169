"""Pretext tasks against SimCLR with equal numbers of steps."""

from training.claims.claim import Arm, Claim, between_arms
from training.claims.small_ssl import clear_run

TASKS = ("colorisation", "relative-position", "jigsaw", "autoencoder")


def arm(method: str) -> Arm:
    return Arm(f"clear-{method}", lambda seed, quick: clear_run(seed, quick, method))


CLAIM = Claim(
    says="Pretext tasks such as colorisation and jigsaw puzzles learn mediocre features; contrastive learning "
    "replaced them.",
    source="lecture (old-school SSL); in vissl's model zoo jigsaw and colorisation have 40 to 49 % on ImageNet, and "
    "SimCLR 69 %",
    design="A small convolutional network, 300 steps of 64 scenes of one object at 64 pixels, each method with its "
    "own views and settings. A linear probe predicts shape from h, on other scenes; each effect is SimCLR "
    "minus one task. Images and steps are equal, computation is not: SimCLR encodes each image twice, jigsaw "
    "in nine tiles. A caution: one object on a plain background is easy to reconstruct, and SimCLR's crops "
    "can remove it (aggressive-augmentation).",
    arms={"simclr": Arm("clear-simclr", lambda seed, quick: clear_run(seed, quick, "simclr", {}))}
    | {task: arm(task) for task in TASKS},
    parts=tuple(between_arms(f"shape, SimCLR minus {task}", "simclr", task, "h: shape", 0.05) for task in TASKS),
    found="With equal steps, SimCLR's features predict shape better than those of four pretext tasks",
)
