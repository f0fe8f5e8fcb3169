"""Winoground pairs: two images and two captions of the same words, and how often an encoder matches them."""

from collections.abc import Iterator, Sequence
from functools import cache

from PIL import Image

from training.data.scenes.contrasts import winoground_pair
from training.evaluation.winoground import REFERENCES, SCORES, figures_by_kind, pair_matrix
from training.lessons.encoders import encoder
from training.lessons.lesson import Part, Settings
from training.lessons.parts import bar, bars, head, images, matrix, sentence
from training.lessons.said import say
from training.models.intervals import Figure

PIXELS, EACH = 160, 40  # of an image; pairs of a kind that are measured


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    kind, name = settings.text("kind"), settings.text("encoder")
    pair = winoground_pair(0, settings.whole("pair"), kind, PIXELS)
    two = [Image.fromarray(pair.image_0), Image.fromarray(pair.image_1)]
    captions = [pair.caption_0, pair.caption_1]
    tower = encoder(name)
    rows = [*tower.embed_images(two), *tower.embed_texts(captions)]
    scores = pair_matrix(*(row[None] for row in rows))[0]
    right = [scores[0, 0] > scores[0, 1], scores[1, 1] > scores[1, 0], scores[0, 0] > scores[1, 0]]
    right.append(scores[1, 1] > scores[0, 1])
    yield sentence(
        say("{right} of the 4 comparisons are right; the group score needs all of them.", right=sum(map(int, right)))
    )
    yield images("pair", say("The pair"), list(zip(two, captions, strict=True)), side=PIXELS)
    heads = [head(say("image {number}", number=i + 1), one) for i, one in enumerate(two)]
    columns = [head(caption) for caption in captions]
    yield matrix(
        "scores",
        say("Cosine similarities; matching pairs are outlined"),
        scores,
        heads,
        columns,
        marks=[(0, 0), (1, 1)],
    )
    found, chance = measured(name)[kind], dict(zip(SCORES, REFERENCES["chance"], strict=True))
    rows_of = [
        bar(score, of["value"], low=of["low"], high=of["high"], strong=of["low"] > chance[score], beside=chance[score])
        for score, of in found.items()
    ]
    title = say("Scores on {each} pairs of this kind", each=EACH)
    yield bars("measured", title, rows_of, percent=True, note=say("thin bar: chance; orange: above chance"))


@cache
def measured(name: str) -> dict[str, dict[str, Figure]]:
    """The scores of an encoder by kind of pair."""
    return figures_by_kind(encoder(name), EACH, seed=0)
