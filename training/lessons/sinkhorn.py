"""SwAV's Sinkhorn iterations on a score matrix: soft assignments that use every prototype equally."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import bar, bars, curve, head, matrix, sentence
from training.lessons.photos import completed
from training.lessons.said import say
from training.methods.swav import sinkhorn

IMAGES, PROTOTYPES, MOST = 12, 6, 10
NOISE = 1.2  # how far prototypes lie from the images that they are made of


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    iterations, epsilon = settings.whole("iterations"), settings.number("epsilon")
    images = completed(photos, IMAGES)
    rows = torch.from_numpy(encoder(settings.text("encoder")).embed_images(images)).double()
    scores = rows @ prototypes(rows).T
    codes = sinkhorn(scores, epsilon, iterations)
    usage = codes.mean(dim=0)
    fullest = float(usage.max())
    yield sentence(
        say(
            "After {iterations} iterations the fullest prototype has {fullest:.0%} of the images; equal use is "
            "{equal:.0%}. "
            "Each row still sums to 1.",
            iterations=iterations,
            fullest=fullest,
            equal=1 / PROTOTYPES,
        )
    )
    heads = [head(say("image {number}", number=i + 1), image) for i, image in enumerate(images)]
    columns = [head(f"p{k + 1}") for k in range(PROTOTYPES)]
    yield matrix("scores", say("Scores: cosines to the prototypes; p1 lies in the middle"), scores, heads, columns)
    none = say("Softmax of the scores, in percent: no iteration yet")
    title = say("Codes, in percent of a row") if iterations else none
    yield matrix("codes", title, codes, heads, columns, shown="percent", low=0.0, high=1.0)
    level = 1 / PROTOTYPES
    filled = [bar(f"p{k + 1}", float(usage[k]), strong=float(usage[k]) > 1.5 * level) for k in range(PROTOTYPES)]
    yield bars("usage", say("Use of each prototype"), filled, percent=True, high=max(0.5, fullest))
    gap = [(i, float((sinkhorn(scores, epsilon, i).mean(dim=0) - level).abs().max())) for i in range(MOST + 1)]
    yield curve(
        "gap",
        say("Largest distance from equal use"),
        {say("distance"): gap},
        x=say("iterations"),
        at=iterations,
        low=0.0,
    )


def prototypes(rows: Tensor) -> Tensor:
    """Unit rows [K, D]: the first is the mean of the images and near to all, the others are near one image each."""
    generator = torch.Generator().manual_seed(0)
    noise = F.normalize(torch.randn(PROTOTYPES, rows.shape[1], generator=generator, dtype=rows.dtype), dim=1)
    near = rows[:PROTOTYPES] + NOISE * noise
    near[0] = rows.mean(dim=0)
    return F.normalize(near, dim=1)
