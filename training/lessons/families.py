"""The four families of self-supervision, and the Gelato Bet: what the zoo's encoders reach beside labels."""

from collections.abc import Iterator, Sequence

from PIL import Image

from training.lessons.lesson import Part, Settings
from training.lessons.parts import bar, bars, remark, sentence
from training.models.zoo import zoo

FAMILIES = {  # of the lecture, with the zoo's encoders of each
    "Contrastive, and what grew out of it": ("simclr", "moco", "byol", "swav", "dino"),
    "Contrastive with language": ("clip", "siglip"),
    "Generative": ("mae",),
    "References: labels, and no training": ("supervised", "untrained"),
}


def parts(settings: Settings, photos: Sequence[Image.Image]) -> Iterator[Part]:
    column = f"{settings.text('probe')}/{settings.text('of')}"
    figures = {model.name: model.figures()[column] for model in zoo()}
    labels = figures["supervised"]
    for family, names in FAMILIES.items():
        rows = [
            bar(name, of["value"], low=of["low"], high=of["high"], strong=of["value"] >= labels["value"])
            for name in names
            if (of := figures.get(name))
        ]
        yield bars(family, family, rows, percent=True)
    ahead = [name for name, of in figures.items() if of["value"] >= labels["value"] and name != "supervised"]
    who = ", ".join(ahead) if ahead else "no encoder without labels"
    yield sentence(
        f"On {settings.text('of')}, {who} {'reach' if len(ahead) != 1 else 'reaches'} the encoder that was trained "
        f"with labels ({labels['value']:.1%})."
    )
    yield remark(
        "Stored figures of held-out images with 95 % intervals. All encoders have the same tower, images and number of "
        "steps; docs/zoo.md describes them. The labels were shapes and groups, never colours. The first family, "
        "puzzles, has no encoder here: see the lesson before."
    )
