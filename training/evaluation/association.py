"""Association: does an encoder answer a lemon's colour, or the colour that lemons have?

After Tang, Yamada, Zhang, Yildirim 2023, "When are Lemons Purple? The Concept Association Bias of Vision-Language
Models": asked for an object's colour, contrastive encoders answer with what goes with the objects in the image. Here
on generated scenes, where an object can be painted in any colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.scenes.contrasts import coloured_object
from training.data.scenes.graph import COLOURS, NATURAL
from training.evaluation.generated import side_for
from training.evaluation.rows import TIE, Array
from training.evaluation.subject import Failure, ProbeResult, Subject
from training.models.encoder import Encoder, unit
from training.models.intervals import figure_of

ANSWERS = (*COLOURS, "grey")
TEMPLATES = ("a {colour} {shape}", "a picture of a {colour} {shape}", "the {shape} is {colour}")
CONDITIONS = (("natural", False), ("grey", False), ("wrong", False), ("natural", True), ("wrong", True))


@dataclass(frozen=True)
class ColourPrediction:
    """The colour that an encoder predicts for the first object of an image, "" where two tie.

    colour: the one that it has. neighbour: the other object's colour, or "".
    """

    image: Image.Image
    shape: str
    colour: str
    neighbour: str
    predicted: str


def nearest_texts(images: Array, texts: Array) -> NDArray[np.int64]:
    """Which of K texts is nearest to each image, -1 where two tie. images: [N, D]. texts: [N, K, D]."""
    scores = np.einsum("nd,nkd->nk", np.asarray(images, np.float64), np.asarray(texts, np.float64))
    ordered = np.sort(scores, axis=1)
    return np.where(ordered[:, -1] - ordered[:, -2] > TIE, scores.argmax(axis=1), -1)


def colour_embeddings(encoder: Encoder, shape: str) -> NDArray[np.float32]:
    """The embeddings of a shape in each of ANSWERS, [K, D]: the mean over TEMPLATES, renormalised."""
    prompts = [t.format(colour=colour, shape=shape) for colour in ANSWERS for t in TEMPLATES]
    return unit(encoder.embed_texts(prompts).reshape(len(ANSWERS), len(TEMPLATES), -1).mean(axis=1))


def predict_colours(encoder: Encoder, paint: str, beside: bool, count: int, seed: int = 0) -> list[ColourPrediction]:
    """Natural objects painted as said, and the colours that the encoder predicts for them."""
    shapes = list(NATURAL)
    pixels = side_for(encoder)
    scenes = [coloured_object(seed, i, paint, shapes[i % len(shapes)], beside, pixels) for i in range(count)]
    texts = {shape: colour_embeddings(encoder, shape) for shape in shapes}
    images = [Image.fromarray(scene.image) for scene in scenes]
    first = [scene.graph.things[0].shape for scene in scenes]
    chosen = nearest_texts(encoder.embed_images(images), np.stack([texts[shape] for shape in first]))
    return [
        ColourPrediction(
            image,
            scene.graph.things[0].shape,
            scene.graph.things[0].colour,
            scene.graph.things[1].colour if beside else "",
            ANSWERS[number] if number >= 0 else "",
        )
        for image, scene, number in zip(images, scenes, chosen, strict=True)
    ]


def pull(predictions: Sequence[ColourPrediction]) -> NDArray[np.float64]:
    """How far each prediction for a wrongly coloured object is drawn to the object's usual colour, [N].

    1 for the usual colour, and for every other wrong colour a share of -1, so that an encoder that guesses, or
    that predicts one colour for everything, has 0 on average. Objects in their usual colour are left out.
    """
    others = len(ANSWERS) - 2  # neither what it is nor what it usually is
    values = []
    for one in predictions:
        usual = NATURAL[one.shape]
        if one.colour != usual:
            wrong = one.predicted not in ("", one.colour, usual)
            values.append(float(one.predicted == usual) - wrong / others)
    return np.array(values)


def probe(subject: Subject) -> ProbeResult:
    """How often colours are right, and how often the usual colour or a neighbour's is predicted instead."""
    encoder = subject.text_encoder()
    figures, failures = {}, []
    chance: dict[str, float] = {}
    for paint, beside in CONDITIONS:
        predictions = predict_colours(encoder, paint, beside, subject.sample_size(240), subject.seed)
        name = f"{paint} colour{', beside another object' if beside else ''}"
        figures[f"{name}: accuracy"] = figure_of([a.predicted == a.colour for a in predictions])
        chance[f"{name}: accuracy"] = 1 / len(ANSWERS)
        if paint != "natural":
            figures[f"{name}: usual colour predicted"] = figure_of(
                [a.predicted == NATURAL[a.shape] for a in predictions]
            )
            figures[f"{name}: bias towards the usual colour"] = figure_of(pull(predictions))
            chance |= {
                f"{name}: usual colour predicted": 1 / len(ANSWERS),
                f"{name}: bias towards the usual colour": 0.0,
            }
        if beside:
            figures[f"{name}: neighbour's colour predicted"] = figure_of(
                [a.predicted == a.neighbour and a.neighbour != a.colour for a in predictions]
            )
            chance[f"{name}: neighbour's colour predicted"] = 1 / len(ANSWERS)
        failures += [a for a in predictions if a.predicted != a.colour][:4]
    shown = tuple(
        Failure((a.image,), f"a {a.colour} {a.shape}, predicted {a.predicted or 'a tie'}") for a in failures[:16]
    )
    note = (
        "Natural objects of generated scenes with nine candidate colours. The bias is the fraction of predictions of "
        "the usual colour, minus the mean fraction of the other wrong colours."
    )
    return ProbeResult(figures, {"chance": chance}, (note,), shown)
