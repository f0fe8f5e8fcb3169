"""The four families of self-supervision, and the Gelato Bet: what the zoo's encoders reach beside labels."""

from collections.abc import Iterator, Sequence

from PIL import Image

from training.lessons.lesson import Part, Settings
from training.lessons.parts import bar, bars, remark, sentence
from training.lessons.said import say
from training.models.zoo import zoo

FAMILIES = {  # of the lecture, with the zoo's encoders of each
    say("Contrastive, and what grew out of it"): ("simclr", "moco", "byol", "swav", "dino"),
    say("Contrastive with language"): ("clip", "siglip"),
    say("Generative"): ("mae",),
    say("References: labels, and no training"): ("supervised", "untrained"),
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
    values: dict[str, str | float] = {"of": say(settings.text("of")), "labels": labels["value"]}
    yield sentence(
        say(
            "On {of}, these reach the encoder that was trained with labels ({labels:.1%}): {who}.",
            who=", ".join(ahead),
            **values,
        )
        if ahead
        else say(
            "On {of}, no encoder without labels reaches the one that was trained with them ({labels:.1%}).", **values
        )
    )
    yield remark(
        say(
            "Stored figures of held-out images with 95 % intervals. All encoders have the same tower, images and "
            "number of "
            "steps; docs/zoo.md describes them. The labels were shapes and groups, never colours. The first family, "
            "puzzles, has no encoder here: see the lesson before."
        )
    )
