"""Zero-shot classification: is the class whose text embedding is nearest to an image the right one?

Radford et al. 2021, section 3.1. The classifier itself is training.models.zero_shot, the one that labels collections.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.labels import spoken
from training.evaluation.failures import mislabelled
from training.evaluation.rows import TIE, Array, exact_unit_rows, labels_of_rows
from training.evaluation.subject import NotApplicable, ProbeResult, Subject
from training.models.encoder import Encoder, Vectors
from training.models.intervals import figure_of
from training.models.zero_shot import ClassName, zero_shot_classifier


@dataclass(frozen=True)
class ZeroShotSteps:
    """Zero-shot classification of one image, step by step: prompts, vectors and cosines.

    image: [dim]. texts: [K, dim], of the prompts. cosines: [K].
    """

    prompts: list[str]
    image: Vectors
    texts: Vectors
    cosines: NDArray[np.float64]


def zero_shot_steps(
    encoder: Encoder, image: Image.Image, labels: Sequence[str], template: str = "a photo of a {}."
) -> ZeroShotSteps:
    """The steps for one image and a few labels."""
    prompts = [template.replace("{}", label) for label in labels]
    row, texts = encoder.embed_images([image])[0], encoder.embed_texts(prompts)
    return ZeroShotSteps(prompts, row, texts, texts.astype(np.float64) @ row)


def zero_shot_accuracy(images: Array, classes: Array, labels: Array, k: int = 1) -> float:
    """Top-k accuracy of images [N, D] against class embeddings [K, D]; labels: int [N].

    A wrong class that ties with the right one (within 1e-6) ranks before it.
    """
    return float((class_ranks(images, classes, labels) <= k).mean())


def class_ranks(images: Array, classes: Array, labels: Array) -> NDArray[np.int64]:
    """The rank of each image's own class among all classes, from 1: [N]."""
    rows, texts = exact_unit_rows(images, "images"), exact_unit_rows(classes, "classes")
    numbers = labels_of_rows(labels, len(rows))
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(texts)):
        raise ValueError(f"labels lie in {numbers.min()}..{numbers.max()}; there are {len(texts)} classes")
    scores = rows @ texts.T
    own = scores[np.arange(len(scores)), numbers]
    return (scores >= own[:, None] - TIE).sum(axis=1)  # this counts its own class


def probe(subject: Subject) -> ProbeResult:
    """Zero-shot accuracy."""
    encoder, test = subject.text_encoder(), subject.test
    if not test.classes or not len(test.labelled):
        raise NotApplicable(f"it needs a class for each image, and {test.name} has none (--label-column names it)")
    if all(name.isdigit() for name in test.classes):
        raise NotApplicable(f"it needs class names, and {test.name} has numbers only (choose another --label-column)")
    if len(test.classes) < 2:
        raise NotApplicable(f"it needs two classes or more, and all of {test.name} is {test.classes[0]}")
    test = test.labelled
    classifier = zero_shot_classifier(encoder, [ClassName(spoken(name)) for name in test.classes], subject.templates)
    ranks = class_ranks(test.images, classifier, test.labels)
    return ProbeResult(
        figure_of(ranks == 1),
        beside={"chance": {"": 1 / len(test.classes)}},
        notes=(f"{len(test.classes)} classes, templates {', '.join(map(repr, subject.templates[:3]))}.",),
        failures=mislabelled(test, (test.images @ classifier.T).argmax(axis=1)),
    )
