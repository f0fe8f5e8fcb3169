"""MAE: a tiny run, and what it makes of one image of which most patches are hidden."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.data.keyed import Keyed
from training.lessons.lesson import Part, Settings
from training.lessons.parts import curve, images, sentence
from training.lessons.photos import batch_of, completed, scene_images, shown
from training.lessons.said import say
from training.lessons.tiny_run import tiny_run
from training.methods.mae import MAE
from training.models.backbones import build_backbone
from training.models.patches import patchify

STEPS, BATCH, SIDE, EVERY = 72, 24, 64, 12
GREY = 0.5  # of a hidden patch


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    share = settings.number("masked")
    torch.manual_seed(0)
    config = MAE.Config(hidden_share=share, decoder_width=64, decoder_depth=1, decoder_heads=2, crop=0.7)
    method = MAE(build_backbone("plain-cnn", SIDE), config)
    (photo,) = completed(photos, 1)
    drawn = [batch_of([one], SIDE).images for one in (photo, *completed([], 2))]
    tested = torch.cat(drawn).float() / 127.5 - 1
    order = Keyed(0, 0, np.arange(len(tested))).permutation(method.patches.grid**2)
    losses: list[tuple[float, float]] = []
    for step, loss in enumerate(tiny_run(method, scene_images(384, SIDE), STEPS, BATCH)):
        losses.append((step + 1, loss))
        if step % EVERY == EVERY - 1:
            yield curve(
                "loss",
                say("Loss on hidden patches (1: each patch its mean)"),
                {say("loss"): losses},
                x=say("step"),
                low=0.0,
            )
            yield from pictures(method, tested, order)
    last = np.mean([loss for _, loss in losses[-EVERY:]])
    yield sentence(
        say(
            "{visible} of {patches} patches are visible. After {steps} steps the loss on the hidden ones is "
            "{loss:.2f}; a "
            "patch's mean has a loss of 1, and seconds of training give little more than blurs.",
            visible=method.visible,
            patches=method.patches.grid**2,
            steps=STEPS,
            loss=float(last),
        )
    )


@torch.no_grad()
def pictures(method: MAE, tested: Tensor, order: Tensor) -> Iterator[Part]:
    """For each image: the visible patches, the image with its reconstruction in their gaps, and the image itself."""
    method.eval()
    prediction, mask = method.predict(tested, order)
    method.train()
    side = method.patches.side
    patches = patchify(tested, side)
    mean, deviation = patches.mean(-1, keepdim=True), (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    hidden = mask[:, :, None]
    guessed = torch.where(hidden, prediction * deviation + mean, patches)
    visible = torch.where(hidden, 2 * GREY - 1, patches)
    for number, name in enumerate(("photo", "scene-1", "scene-2")):
        three = ((visible, say("visible")), (guessed, say("reconstructed")), (patches, say("image")))
        row = [(as_image(of[number], side), caption) for of, caption in three]
        yield images(name, say("Your photo") if number == 0 else say("A generated scene"), row, side=140)


def as_image(patches: Tensor, side: int) -> Image.Image:
    """Patches [N, side * side * 3] in -1..1, row by row, as an image."""
    grid = round(len(patches) ** 0.5)
    pixels = patches.view(grid, grid, side, side, 3).permute(4, 0, 2, 1, 3).reshape(3, grid * side, grid * side)
    return shown(pixels, (0.5,) * 3, (0.5,) * 3).resize((2 * grid * side,) * 2, Image.Resampling.NEAREST)
