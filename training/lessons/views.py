"""Two views of a photo, and how similar several encoders find them beside two different images."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from training.data.views import SIMCLR_COLOURS, ViewKnobs
from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import bar, bars, images, sentence
from training.lessons.photos import batch_of, completed, shown
from training.lessons.said import say

ENCODERS = ("starter", "zoo/simclr", "zoo/moco", "zoo/byol", "zoo/dino", "zoo/supervised", "zoo/untrained")
PAIRS, OTHERS, CANVAS, SHOWN = 8, 4, 224, 6


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    photo, *others = completed(photos, 1 + OTHERS, CANVAS)
    knobs = ViewKnobs(
        crop=settings.number("crop"),
        jitter=settings.number("jitter"),
        grey=settings.number("grey"),
        blur=settings.number("blur"),
    )
    view = knobs.view(CANVAS, SIMCLR_COLOURS, knobs.blur or 0.0)
    batch = batch_of([photo] * 2 * PAIRS, CANVAS)  # each copy draws random numbers of its own
    made = [shown(one) for one in view(batch.images.float() / 255, batch.random, batch.aspects)]
    yield images(
        "views",
        say("The photo, and views of it"),
        [(photo, say("photo")), *((one, "") for one in made[:SHOWN])],
        side=116,
    )
    rows = []
    for name in ENCODERS:
        same, different = similarities(name, made, [photo, *others])
        rows.append(bar(name, same, strong=name == "starter", beside=different))
        yield bars(
            "similar", say("Cosine of two views of the photo"), rows, note=say("thin bar: of two different images")
        )
    told = sum(row["value"] > row["beside"] for row in rows)
    yield sentence(
        say(
            "Two views are more similar than two different images for {told} of {encoders} encoders. The gap "
            "between the bars "
            "is what a contrastive loss widens.",
            told=told,
            encoders=len(rows),
        )
    )


def similarities(name: str, views: Sequence[Image.Image], photos: Sequence[Image.Image]) -> tuple[float, float]:
    """The mean cosine of pairs of views, and of all pairs of different photos."""
    rows = encoder(name).embed_images([*views, *photos]).astype(np.float64)
    of_views, of_photos = rows[: len(views)], rows[len(views) :]
    cosines = of_photos @ of_photos.T
    different = cosines[~np.eye(len(photos), dtype=bool)].mean()
    return float((of_views[::2] * of_views[1::2]).sum(axis=1).mean()), float(different)
