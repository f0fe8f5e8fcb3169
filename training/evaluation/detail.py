"""Detail: colour, texture, number, place and small things, asked of images whose truth is exact.

Twice: by words (which of the phrases is nearest?) and by a linear probe on the image's embedding. What the probe
finds and the words do not is in the embedding, and out of the words' reach.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.drawing import draw_scene
from training.data.grammar import Mention, Telling, say
from training.data.world import ABSTRACT, COLOUR_NAMES, OPPOSITE, SPREAD, USUAL, Draws, Graph, Thing, lay_out
from training.evaluation.association import nearest_texts
from training.evaluation.generated import side_for
from training.evaluation.linear import fit_linear
from training.evaluation.subject import Failure, Finding, Subject
from training.models.intervals import Figure, figure_of

CALM = replace(USUAL, copies=0.0, synonyms=0.0, nuisance=0.3)
STREAM = 500_000


@dataclass(frozen=True)
class Question:
    """An image, the phrases that it may be said with, and which of them is right."""

    image: Image.Image
    phrases: tuple[str, ...]
    answer: int


def _alone(draws: Draws, size: str, texture: str = "plain", count: int = 1) -> Graph:
    """One kind of thing, somewhere."""
    x, y = 0.35 + 0.3 * draws.one(), 0.35 + 0.3 * draws.one()
    places = tuple((x + dx, y + dy) for dx, dy in SPREAD[count])
    thing = Thing(draws.pick(ABSTRACT), draws.pick(COLOUR_NAMES), size, texture, places)
    return Graph((thing,), "white")


def _said(thing: Thing, **told: object) -> str:
    return say(Telling((Mention(thing.shape, **told),)))  # type: ignore[arg-type]


def _colour(draws: Draws) -> tuple[Graph, list[str], int]:
    graph = _alone(draws, "large")
    thing = graph.things[0]
    return graph, [_said(thing, colour=colour) for colour in COLOUR_NAMES], COLOUR_NAMES.index(thing.colour)


def _texture(draws: Draws) -> tuple[Graph, list[str], int]:
    kinds = ("striped", "dotted")
    texture = draws.pick(kinds)
    graph = _alone(draws, "large", texture)
    return graph, [_said(graph.things[0], texture=kind) for kind in kinds], kinds.index(texture)


def _number(draws: Draws) -> tuple[Graph, list[str], int]:
    count = 1 + int(draws.one() * 3)
    graph = _alone(draws, "small", count=count)
    thing = graph.things[0]
    return graph, [_said(thing, count=n, colour=thing.colour) for n in (1, 2, 3)], count - 1


def _place(draws: Draws) -> tuple[Graph, list[str], int]:
    """Which of two things is on the left, or above."""
    relations = tuple(OPPOSITE)
    relation = draws.pick(relations)
    a = draws.pick(ABSTRACT)
    b = draws.pick([shape for shape in ABSTRACT if shape != a])
    graph = lay_out(draws, [(a, draws.pick(COLOUR_NAMES)), (b, draws.pick(COLOUR_NAMES))], relation, "white", CALM)
    told = (Mention(a), Mention(b))
    return graph, [say(Telling(told, r)) for r in (relation, OPPOSITE[relation])], 0


def _shape(size: str) -> Callable[[Draws], tuple[Graph, list[str], int]]:
    def ask(draws: Draws) -> tuple[Graph, list[str], int]:
        graph = _alone(draws, size)
        thing = graph.things[0]
        return graph, [say(Telling((Mention(shape),))) for shape in ABSTRACT], ABSTRACT.index(thing.shape)

    return ask


QUESTIONS = {
    "colour": _colour,
    "texture": _texture,
    "number": _number,
    "place": _place,
    "shape of a large thing": _shape("large"),
    "shape of a small thing": _shape("small"),
}


def questions(name: str, count: int, seed: int, pixels: int) -> list[Question]:
    """So many questions of one of QUESTIONS; the i-th is the same whatever the number."""
    stream = STREAM + list(QUESTIONS).index(name)
    found = []
    for i in range(count):
        graph, phrases, answer = QUESTIONS[name](Draws(seed, i, stream))
        image = draw_scene(graph, Draws(seed, i, stream + 100), pixels, CALM.nuisance)
        found.append(Question(Image.fromarray(image), tuple(phrases), answer))
    return found


def probe(subject: Subject) -> Finding:
    """The share of questions answered by words and by a linear probe, for each kind of detail."""
    encoder = subject.encoder
    figures: dict[str, Figure] = {}
    chance: dict[str, float] = {}
    failures: list[Failure] = []
    count = subject.many(600)
    for name in QUESTIONS:
        asked = questions(name, count, subject.seed, side_for(encoder))
        images = encoder.embed_images([question.image for question in asked])
        chance[f"{name}, words"] = chance[f"{name}, linear probe"] = 1 / len(asked[0].phrases)
        if encoder.reads_text:
            phrases = sorted({phrase for question in asked for phrase in question.phrases})
            rows = encoder.embed_texts(phrases)
            place = {phrase: i for i, phrase in enumerate(phrases)}
            words = np.stack([rows[[place[phrase] for phrase in question.phrases]] for question in asked])
            chosen = nearest_texts(images, words)
            figures[f"{name}, words"] = figure_of(chosen == [question.answer for question in asked])
            failures += _failures(asked, chosen)
        if name != "place":  # of two different things, the image alone does not say which is asked about
            figures[f"{name}, linear probe"] = figure_of(_linear(images, asked))
        else:
            chance.pop(f"{name}, linear probe")
    if not encoder.reads_text:
        chance = {name: value for name, value in chance.items() if name in figures}
    note = f"{count} generated images for each; two thirds teach the linear probe, the others test it. A tie is wrong."
    return Finding(figures, {"chance": chance}, (note,), tuple(failures))


def _linear(images: NDArray, asked: list[Question]) -> NDArray[np.bool_]:
    truth = np.array([question.answer for question in asked])
    cut = 2 * len(asked) // 3
    return fit_linear(images[:cut], truth[:cut]).predict(images[cut:]) == truth[cut:]


def _failures(asked: list[Question], chosen: NDArray[np.int64]) -> list[Failure]:
    wrong = [(q, c) for q, c in zip(asked, chosen.tolist(), strict=True) if c != q.answer][:3]
    return [
        Failure((q.image,), f"“{q.phrases[q.answer]}” lost to {f'“{q.phrases[c]}”' if c >= 0 else 'a tie'}")
        for q, c in wrong
    ]
