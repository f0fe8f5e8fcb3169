"""Batch size against queue: how hard the hardest negative is as the number of negatives grows, and what that costs."""

import math
from collections.abc import Iterator, Sequence
from functools import cache

import torch
from PIL import Image
from torch import Tensor

from training.data.keyed import Keyed
from training.data.views import MOCO_COLOURS, ViewKnobs
from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import curve, histogram, remark, sentence
from training.lessons.photos import scene_images, shown
from training.lessons.said import say
from training.methods.moco import info_nce

QUERIES, MOST, SIDE = 48, 2048, 64
COUNTS = [2**i for i in range(3, 12)]  # of negatives, in the curves
TEMPERATURE = 0.2
WIDTH = 128  # of a key, in MoCo's paper


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    count = min(MOST, settings.whole("negatives"))
    query, key, queue = embedded(settings.text("encoder"))
    loss = float(info_nce(query, key, queue[:count], TEMPERATURE))
    hardest = (query @ queue[:count].T).amax(dim=1)
    positive = (query * key).sum(dim=1)
    lost = int((hardest > positive).sum())
    yield sentence(
        say(
            "With {count} negatives the hardest has a cosine of {hardest:.3f} on average, the positive "
            "{positive:.3f}; {lost} "
            "of {queries} queries lose. Loss {loss:.2f}, chance ln {classes} = {chance:.2f}.",
            count=count,
            hardest=float(hardest.mean()),
            positive=float(positive.mean()),
            lost=lost,
            queries=len(query),
            loss=loss,
            classes=count + 1,
            chance=math.log(count + 1),
        )
    )
    by_count = [(n, float((query @ queue[:n].T).amax(dim=1).mean())) for n in COUNTS]
    level = [(n, float(positive.mean())) for n in (COUNTS[0], COUNTS[-1])]
    lines = {say("hardest negative"): by_count, say("positive"): level}
    yield curve("hardest", say("Cosine to the query"), lines, x=say("negatives"), at=count, log=True)
    losses = [(n, float(info_nce(query, key, queue[:n], TEMPERATURE))) for n in COUNTS]
    chance = [(n, math.log(n + 1)) for n in COUNTS]
    yield curve("loss", "InfoNCE", {say("loss"): losses, say("chance"): chance}, x=say("negatives"), at=count, log=True)
    groups = {say("hardest negative"): hardest.numpy(), say("positive"): positive.numpy()}
    yield histogram("spread", say("Cosines of the queries"), groups, x=say("cosine"), bins=24)
    yield remark(
        say(
            "For {count} negatives, SimCLR needs {images} images in the batch, with all their activations. A "
            "queue of {count} "
            "keys of {width} numbers takes {size:,.0f} kB, whatever the batch.",
            count=count,
            images=count // 2 + 1,
            width=WIDTH,
            size=count * WIDTH * 4 / 1000,
        )
    )


@cache
def embedded(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Unit rows: a view of each query image, another view of it, and other images in a fixed order."""
    tower = encoder(name)
    images = scene_images(QUERIES + MOST, SIDE)
    view = ViewKnobs(crop=0.6).view(SIDE, MOCO_COLOURS, 0.0)
    pixels, random, aspects = (
        images[:QUERIES].float() / 255,
        Keyed(0, 0, torch.arange(QUERIES).numpy()),
        torch.ones(QUERIES),
    )
    views = [shown(one) for _ in range(2) for one in view(pixels, random, aspects)]
    others = [Image.fromarray(one.permute(1, 2, 0).numpy()) for one in images[QUERIES:]]
    rows = torch.from_numpy(tower.embed_images([*views, *others])).double()
    return rows[:QUERIES], rows[QUERIES : 2 * QUERIES], rows[2 * QUERIES :]
