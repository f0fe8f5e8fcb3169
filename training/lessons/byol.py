"""BYOL with and without predictor and stop-gradient: a tiny run whose embeddings spread out or collapse."""

from collections.abc import Iterator, Sequence

import torch
from PIL import Image

from training.lessons.lesson import Part, Settings
from training.lessons.parts import curve, sentence
from training.lessons.photos import scene_images
from training.lessons.said import say
from training.lessons.tiny_run import tiny_run
from training.methods.byol import BYOL
from training.methods.rows import effective_rank, health
from training.models.backbones import build_backbone

STEPS, BATCH, SIDE, EVERY = 64, 48, 32, 4
COLLAPSED = 0.4  # of the spread at the start
ARMS = {
    "as in the paper": (True, True),
    "no predictor": (False, True),
    "no stop-gradient": (True, False),
    "neither": (False, False),
}


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    name = settings.text("network")
    predictor, stop = ARMS[name]
    torch.manual_seed(0)
    config = BYOL.Config(
        hidden=128,
        projection=32,
        predictor=predictor,
        stop_gradient=stop,
        crop=0.5,
        momentum=settings.number("momentum"),
    )
    method = BYOL(build_backbone("plain-cnn", SIDE), config)
    spread: list[tuple[float, float]] = []
    rank: list[tuple[float, float]] = []
    losses: list[tuple[float, float]] = []
    for step, loss in enumerate(tiny_run(method, scene_images(256, SIDE), STEPS, BATCH)):
        rows = method.projections
        spread.append((step + 1, health(rows)["spread"]))
        rank.append((step + 1, effective_rank(rows - rows.mean(dim=0))))
        losses.append((step + 1, loss))
        if step % EVERY == EVERY - 1:
            yield curve(
                "spread",
                say("Standard deviation of the embeddings (1: all directions, 0: one point)"),
                {say("spread"): spread},
                x=say("step"),
                low=0.0,
                high=1.0,
            )
            yield curve(
                "rank", say("Effective rank of the embeddings"), {say("effective rank"): rank}, x=say("step"), low=0.0
            )
            yield curve(
                "loss",
                say("Loss, both directions (0: every prediction is right)"),
                {say("loss"): losses},
                x=say("step"),
                low=0.0,
            )
    yield sentence(verdict(spread[0][1], spread[-1][1], losses[-1][1]))


def verdict(first: float, last: float, loss: float) -> str:
    """What became of the spread of the embeddings between the first step and the last."""
    values = {"first": first, "last": last, "loss": loss}
    if last < COLLAPSED * first:
        return say(
            "The embeddings have collapsed: their spread went from {first:.2f} to {last:.2f}, the loss to "
            "{loss:.2f}. A "
            "low loss is no success, since equal embeddings have one.",
            **values,
        )
    return say(
        "The embeddings have not collapsed: their spread went from {first:.2f} to {last:.2f}, the loss to {loss:.2f}.",
        **values,
    )
