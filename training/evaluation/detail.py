"""Detail: colour, texture, number, position and small objects in generated images with known contents.

Each is measured zero-shot (the nearest of several texts) and by a linear probe on the image embedding. Where the probe
is better, the embedding contains information that the texts do not retrieve.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.scenes.captions import Description, Mention, say
from training.data.scenes.drawing import draw_scene
from training.data.scenes.graph import (
    ABSTRACT,
    COLOUR_NAMES,
    OPPOSITE,
    SPREAD,
    USUAL,
    Draws,
    SceneGraph,
    Thing,
    lay_out,
)
from training.evaluation.association import nearest_texts
from training.evaluation.generated import side_for
from training.evaluation.linear import fit_linear
from training.evaluation.subject import Failure, ProbeResult, Subject
from training.models.intervals import Figure, figure_of

CALM = replace(USUAL, copies=0.0, synonyms=0.0, nuisance=0.3)
STREAM = 500_000


@dataclass(frozen=True)
class MultipleChoice:
    """An image, candidate texts, and the index of the correct one."""

    image: Image.Image
    texts: tuple[str, ...]
    correct: int


def _alone(draws: Draws, size: str, texture: str = "plain", count: int = 1) -> SceneGraph:
    """One or more copies of an object at a random position."""
    x, y = 0.35 + 0.3 * draws.one(), 0.35 + 0.3 * draws.one()
    places = tuple((x + dx, y + dy) for dx, dy in SPREAD[count])
    thing = Thing(draws.pick(ABSTRACT), draws.pick(COLOUR_NAMES), size, texture, places)
    return SceneGraph((thing,), "white")


def _text(thing: Thing, **attributes: object) -> str:
    return say(Description((Mention(thing.shape, **attributes),)))  # type: ignore[arg-type]


def _colour(draws: Draws) -> tuple[SceneGraph, list[str], int]:
    graph = _alone(draws, "large")
    thing = graph.things[0]
    return graph, [_text(thing, colour=colour) for colour in COLOUR_NAMES], COLOUR_NAMES.index(thing.colour)


def _texture(draws: Draws) -> tuple[SceneGraph, list[str], int]:
    kinds = ("striped", "dotted")
    texture = draws.pick(kinds)
    graph = _alone(draws, "large", texture)
    return graph, [_text(graph.things[0], texture=kind) for kind in kinds], kinds.index(texture)


def _number(draws: Draws) -> tuple[SceneGraph, list[str], int]:
    count = 1 + int(draws.one() * 3)
    graph = _alone(draws, "small", count=count)
    thing = graph.things[0]
    return graph, [_text(thing, count=n, colour=thing.colour) for n in (1, 2, 3)], count - 1


def _place(draws: Draws) -> tuple[SceneGraph, list[str], int]:
    """The relation of two objects: left or right, above or below."""
    relations = tuple(OPPOSITE)
    relation = draws.pick(relations)
    a = draws.pick(ABSTRACT)
    b = draws.pick([shape for shape in ABSTRACT if shape != a])
    graph = lay_out(draws, [(a, draws.pick(COLOUR_NAMES)), (b, draws.pick(COLOUR_NAMES))], relation, "white", CALM)
    mentions = (Mention(a), Mention(b))
    return graph, [say(Description(mentions, r)) for r in (relation, OPPOSITE[relation])], 0


def _shape(size: str) -> Callable[[Draws], tuple[SceneGraph, list[str], int]]:
    def make(draws: Draws) -> tuple[SceneGraph, list[str], int]:
        graph = _alone(draws, size)
        thing = graph.things[0]
        return graph, [say(Description((Mention(shape),))) for shape in ABSTRACT], ABSTRACT.index(thing.shape)

    return make


DETAILS = {
    "colour": _colour,
    "texture": _texture,
    "number": _number,
    "position": _place,
    "shape of a large object": _shape("large"),
    "shape of a small object": _shape("small"),
}


def multiple_choices(name: str, count: int, seed: int, pixels: int) -> list[MultipleChoice]:
    """`count` examples of one of DETAILS; example i does not depend on count."""
    stream = STREAM + list(DETAILS).index(name)
    found = []
    for i in range(count):
        graph, texts, correct = DETAILS[name](Draws(seed, i, stream))
        image = draw_scene(graph, Draws(seed, i, stream + 100), pixels, CALM.nuisance)
        found.append(MultipleChoice(Image.fromarray(image), tuple(texts), correct))
    return found


def probe(subject: Subject) -> ProbeResult:
    """Accuracy by texts (zero-shot) and by a linear probe, for each kind of detail."""
    encoder = subject.encoder
    figures: dict[str, Figure] = {}
    chance: dict[str, float] = {}
    failures: list[Failure] = []
    count = subject.sample_size(600)
    for name in DETAILS:
        choices = multiple_choices(name, count, subject.seed, side_for(encoder))
        images = encoder.embed_images([choice.image for choice in choices])
        chance[f"{name}, zero-shot"] = chance[f"{name}, linear probe"] = 1 / len(choices[0].texts)
        if encoder.reads_text:
            texts = sorted({text for choice in choices for text in choice.texts})
            rows = encoder.embed_texts(texts)
            place = {text: i for i, text in enumerate(texts)}
            candidates = np.stack([rows[[place[text] for text in choice.texts]] for choice in choices])
            predicted = nearest_texts(images, candidates)
            figures[f"{name}, zero-shot"] = figure_of(predicted == [choice.correct for choice in choices])
            failures += _failures(choices, predicted)
        if name != "position":  # the image alone does not determine which object the relation starts from
            figures[f"{name}, linear probe"] = figure_of(_linear(images, choices))
        else:
            chance.pop(f"{name}, linear probe")
    if not encoder.reads_text:
        chance = {name: value for name, value in chance.items() if name in figures}
    note = f"{count} generated images for each; two thirds train the linear probe, the others test it. A tie is wrong."
    return ProbeResult(figures, {"chance": chance}, (note,), tuple(failures))


def _linear(images: NDArray[np.float32], choices: list[MultipleChoice]) -> NDArray[np.bool_]:
    labels = np.array([choice.correct for choice in choices])
    cut = 2 * len(choices) // 3
    return fit_linear(images[:cut], labels[:cut]).predict(images[cut:]) == labels[cut:]


def _failures(choices: list[MultipleChoice], predicted: NDArray[np.int64]) -> list[Failure]:
    wrong = [(c, p) for c, p in zip(choices, predicted.tolist(), strict=True) if p != c.correct][:3]
    return [
        Failure((c.image,), f"“{c.texts[c.correct]}” lost to {f'“{c.texts[p]}”' if p >= 0 else 'a tie'}")
        for c, p in wrong
    ]
