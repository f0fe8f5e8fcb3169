"""DINO's centring and sharpening: the teacher's distribution in a tiny run, and its collapse in either direction."""

import math
from collections.abc import Iterator, Sequence

import torch
from PIL import Image

from training.lessons.lesson import Part, Settings
from training.lessons.parts import curve, matrix, sentence
from training.lessons.photos import scene_images
from training.lessons.said import say
from training.lessons.tiny_run import tiny_run
from training.methods.dino import DINO
from training.models.backbones import build_backbone

STEPS, BATCH, SIDE, EVERY, OUTPUTS, SHOWN = 64, 48, 32, 8, 48, 16
ARMS = {
    "both": (True, True),
    "no centring": (False, True),
    "no sharpening": (True, False),
}


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    centring, sharpening = ARMS[settings.text("teacher")]
    temperature = settings.number("temperature")
    torch.manual_seed(0)
    config = DINO.Config(
        hidden=128,
        narrow=32,
        outputs=OUTPUTS,
        small_crops=0,
        crop=0.5,
        momentum=0.9,
        freeze=0.0,
        centring=centring,
        sharpening=sharpening,
        teacher_start=temperature,
        teacher_temperature=temperature,
    )
    method = DINO(build_backbone("plain-cnn", SIDE), config)
    entropy: list[tuple[float, float]] = []
    usage: list[tuple[float, float]] = []
    chance = math.log(OUTPUTS)
    for step, _ in enumerate(tiny_run(method, scene_images(256, SIDE), STEPS, BATCH)):
        found = method.report()
        entropy.append((step + 1, found["entropy"]))
        usage.append((step + 1, found["usage"]))
        if step % EVERY == EVERY - 1:
            lines = {
                say("entropy"): entropy,
                say("uniform, ln {outputs}", outputs=OUTPUTS): [(1.0, chance), (float(step + 1), chance)],
            }
            yield curve("entropy", say("Entropy of the teacher's output for an image"), lines, x=say("step"), low=0.0)
            yield curve(
                "usage",
                say("Outputs in use over all images, as a share"),
                {say("usage"): usage},
                x=say("step"),
                low=0.0,
                high=1.0,
            )
            rows = method.teacher_probabilities[:SHOWN]
            title = say(
                "The teacher's distribution: {shown} images (rows) over {outputs} outputs", shown=SHOWN, outputs=OUTPUTS
            )
            yield matrix("teacher", title, rows, shown="", low=0.0, high=min(1.0, float(rows.max())))
    yield sentence(verdict(entropy[-1][1], usage[-1][1], chance))


def verdict(entropy: float, usage: float, chance: float) -> str:
    """What the teacher's outputs came to."""
    values = {"entropy": entropy, "chance": chance, "usage": usage}
    numbers = say("entropy {entropy:.2f} of at most {chance:.2f}, {usage:.0%} of the outputs in use", **values)
    if entropy > 0.97 * chance:
        return say(
            "Collapsed to the uniform distribution: every image has the same flat output ({numbers}).", numbers=numbers
        )
    if usage < 3 / OUTPUTS:
        used = max(1, round(usage * OUTPUTS))
        return say(
            "Collapsed to {used} of {outputs} outputs, whatever the image ({numbers}).",
            used=used,
            outputs=OUTPUTS,
            numbers=numbers,
        )
    return say("No collapse: images have different outputs ({numbers}).", numbers=numbers)
