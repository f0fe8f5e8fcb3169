"""NT-Xent as softmax cross-entropy over a real batch: similarities, the target of each row, the loss of each row."""

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from PIL import Image

from training.data.views import SIMCLR_COLOURS, ViewKnobs
from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import curve, head, matrix, sentence
from training.lessons.photos import batch_of, completed, shown
from training.lessons.said import say
from training.methods.simclr import nt_xent

PHOTOS, CANVAS = 6, 224
TEMPERATURES = [0.02 * 1.12**i for i in range(42)]  # of the curve


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    temperature = settings.number("temperature")
    batch = batch_of(completed(photos, PHOTOS, CANVAS), CANVAS)
    view = ViewKnobs(crop=0.3).view(CANVAS, SIMCLR_COLOURS, 0.0)
    pixels = batch.images.float() / 255
    views = [view(pixels, batch.random, batch.aspects) for _ in range(2)]
    images = [shown(one) for of_view in views for one in of_view]
    z = torch.from_numpy(encoder(settings.text("encoder")).embed_images(images)).double()
    loss = float(nt_xent(z[:PHOTOS], z[PHOTOS:], temperature))
    rows, right = row_losses(z, temperature)
    chance = math.log(len(z) - 1)
    yield sentence(
        say(
            "Loss {loss:.3f}, the mean of the {rows} rows; chance is ln {others} = {chance:.3f}. {right} of "
            "{rows} rows rank "
            "their own other view first.",
            loss=loss,
            rows=len(z),
            others=len(z) - 1,
            chance=chance,
            right=right,
        )
    )
    heads = [head(f"{'ab'[i // PHOTOS]}{i % PHOTOS + 1}", image) for i, image in enumerate(images)]
    targets = [(i, (i + PHOTOS) % len(z)) for i in range(len(z))]
    cosines = (z @ z.T).fill_diagonal_(math.nan)
    yield matrix(
        "similarity",
        say("Cosine similarities of all views; the outlined cell is the label of its row"),
        cosines,
        heads,
        heads,
        marks=targets,
        extra=[f"{value:.2f}" for value in rows.tolist()],
        extra_title=say("loss"),
    )
    losses = [(t, float(nt_xent(z[:PHOTOS], z[PHOTOS:], t))) for t in TEMPERATURES]
    level = [(TEMPERATURES[0], chance), (TEMPERATURES[-1], chance)]
    lines = {say("loss"): losses, say("chance"): level}
    yield curve(
        "loss", say("Loss of the same batch by temperature"), lines, x=say("temperature"), at=temperature, log=True
    )


def row_losses(z: torch.Tensor, temperature: float) -> tuple[torch.Tensor, int]:
    """The cross entropy of each row of 2B unit rows, [2B], and how many rows rank their other view first."""
    logits = (z @ z.T / temperature).fill_diagonal_(-math.inf)
    target = torch.arange(len(z)).roll(len(z) // 2)
    return F.cross_entropy(logits, target, reduction="none"), int((logits.argmax(dim=1) == target).sum())
