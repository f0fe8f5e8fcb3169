"""Association: does an encoder answer a lemon's colour, or the colour that lemons have?

After Tang, Yamada, Zhang, Yildirim 2023, "When are Lemons Purple? The Concept Association Bias of Vision-Language
Models": asked for an object's colour, contrastive encoders answer with what goes with the objects in the image. Here
on generated scenes, where an object can be painted in any colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.contrasts import coloured_object
from training.data.world import COLOURS, NATURAL
from training.evaluation.generated import side_for
from training.evaluation.rows import TIE
from training.evaluation.subject import Failure, Finding, Subject
from training.models.encoder import Encoder, unit
from training.models.intervals import figure_of

ANSWERS = (*COLOURS, "grey")
TEMPLATES = ("a {colour} {shape}", "a picture of a {colour} {shape}", "the {shape} is {colour}")
CONDITIONS = (("natural", False), ("grey", False), ("wrong", False), ("natural", True), ("wrong", True))


@dataclass(frozen=True)
class Asked:
    """One image and the question for its first object's colour. neighbour: the other object's colour, or ""."""

    image: Image.Image
    shape: str
    colour: str
    neighbour: str
    answer: str


def answers(images: Any, words: Any) -> NDArray[np.int64]:
    """Which of K answers lies nearest to each image, -1 where two tie. images: [N, D]. words: [N, K, D]."""
    scores = np.einsum("nd,nkd->nk", np.asarray(images, np.float64), np.asarray(words, np.float64))
    ordered = np.sort(scores, axis=1)
    return np.where(ordered[:, -1] - ordered[:, -2] > TIE, scores.argmax(axis=1), -1)


def colour_words(encoder: Encoder, shape: str, templates: Sequence[str] = TEMPLATES) -> NDArray[np.float32]:
    """The words for a shape in each of ANSWERS, [K, D]: the mean over templates, renormalised."""
    phrases = [t.format(colour=colour, shape=shape) for colour in ANSWERS for t in templates]
    return unit(encoder.embed_texts(phrases).reshape(len(ANSWERS), len(templates), -1).mean(axis=1))


def ask_colours(encoder: Encoder, paint: str, beside: bool, count: int, seed: int = 0) -> list[Asked]:
    """Natural objects painted as said, and the colours that the encoder answers ("" where it cannot decide)."""
    shapes = list(NATURAL)
    pixels = side_for(encoder)
    scenes = [coloured_object(seed, i, paint, shapes[i % len(shapes)], beside, pixels) for i in range(count)]
    words = {shape: colour_words(encoder, shape) for shape in shapes}
    images = [Image.fromarray(scene.image) for scene in scenes]
    asked = [scene.graph.things[0].shape for scene in scenes]
    chosen = answers(encoder.embed_images(images), np.stack([words[shape] for shape in asked]))
    return [
        Asked(
            image,
            scene.graph.things[0].shape,
            scene.graph.things[0].colour,
            scene.graph.things[1].colour if beside else "",
            ANSWERS[number] if number >= 0 else "",
        )
        for image, scene, number in zip(images, scenes, chosen, strict=True)
    ]


def pull(asked: Sequence[Asked]) -> NDArray[np.float64]:
    """How far each answer about a wrongly coloured object is drawn to the object's usual colour, [N].

    1 for the usual colour, and for every other wrong answer a share of -1, so that an encoder that guesses, or
    that says one colour of everything, has 0 on average. Objects in their usual colour are no question.
    """
    others = len(ANSWERS) - 2  # neither what it is nor what it usually is
    values = []
    for one in asked:
        usual = NATURAL[one.shape]
        if one.colour != usual:
            wrong = one.answer not in ("", one.colour, usual)
            values.append(float(one.answer == usual) - wrong / others)
    return np.array(values)


def probe(subject: Subject) -> Finding:
    """Colours answered rightly, and how far the usual colour or a neighbour's is answered instead."""
    encoder = subject.words()
    figures, failures = {}, []
    chance: dict[str, float] = {}
    for paint, beside in CONDITIONS:
        asked = ask_colours(encoder, paint, beside, subject.many(240), subject.seed)
        name = f"{paint} colour{', beside another' if beside else ''}"
        figures[f"{name}: right"] = figure_of([a.answer == a.colour for a in asked])
        chance[f"{name}: right"] = 1 / len(ANSWERS)
        if paint != "natural":
            figures[f"{name}: usual instead"] = figure_of([a.answer == NATURAL[a.shape] for a in asked])
            figures[f"{name}: pull of the usual"] = figure_of(pull(asked))
            chance |= {f"{name}: usual instead": 1 / len(ANSWERS), f"{name}: pull of the usual": 0.0}
        if beside:
            figures[f"{name}: the neighbour's instead"] = figure_of(
                [a.answer == a.neighbour and a.neighbour != a.colour for a in asked]
            )
            chance[f"{name}: the neighbour's instead"] = 1 / len(ANSWERS)
        failures += [a for a in asked if a.answer != a.colour][:4]
    shown = tuple(
        Failure((a.image,), f"a {a.colour} {a.shape}, said to be {a.answer or 'undecided'}") for a in failures[:16]
    )
    note = (
        "Natural objects of generated scenes; nine colours as answers. The pull is the share that answers the usual "
        "colour beyond what guessing among the wrong ones would give."
    )
    return Finding(figures, {"chance": chance}, (note,), shown)
