"""Zero-shot classification: is the class whose words lie nearest to an image the right one?

Radford et al. 2021, section 3.1. The classifier itself is training.models.zero_shot, the one that labels collections.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.failures import mislabelled
from training.evaluation.rows import TIE, exact_unit_rows, labels_of_rows
from training.evaluation.subject import Finding, Subject, Unable
from training.models.intervals import figure_of
from training.models.zero_shot import ClassName, zero_shot_classifier


def zero_shot_accuracy(images: Any, classes: Any, labels: Any, k: int = 1) -> float:
    """The share of images [N, D] whose class is among the k nearest of classes [K, D]; labels: int [N].

    A wrong class that ties the right one (within 1e-6) comes before it.
    """
    return float((class_ranks(images, classes, labels) <= k).mean())


def class_ranks(images: Any, classes: Any, labels: Any) -> NDArray[np.int64]:
    """The rank of each image's own class among all classes, from 1: [N]."""
    images, words = exact_unit_rows(images, "images"), exact_unit_rows(classes, "classes")
    numbers = labels_of_rows(labels, len(images))
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(words)):
        raise ValueError(f"labels lie in {numbers.min()}..{numbers.max()}; there are {len(words)} classes")
    scores = images @ words.T
    own = scores[np.arange(len(scores)), numbers]
    return (scores >= own[:, None] - TIE).sum(axis=1)  # its own class is one of those


def probe(subject: Subject) -> Finding:
    """The share of images whose class is named by the nearest words."""
    encoder, test = subject.words(), subject.test
    if not test.classes or not len(test.labelled):
        raise Unable(f"it needs a class for each image, and {test.name} has none (--label-column names it)")
    if all(name.isdigit() for name in test.classes):
        raise Unable(f"it needs names of classes, and {test.name} has numbers only (--label-column names the names)")
    if len(test.classes) < 2:
        raise Unable(f"it needs two classes or more, and all of {test.name} is {test.classes[0]}")
    test = test.labelled
    classifier = zero_shot_classifier(encoder, [ClassName(readable(name)) for name in test.classes], subject.templates)
    ranks = class_ranks(test.images, classifier, test.labels)
    return Finding(
        figure_of(ranks == 1),
        beside={"chance": {"": 1 / len(test.classes)}},
        notes=(f"{len(test.classes)} classes, said as {', '.join(map(repr, subject.templates[:3]))}.",),
        failures=mislabelled(test, (test.images @ classifier.T).argmax(axis=1)),
    )


def readable(name: str) -> str:
    """A class's name as one would say it: folders and columns write_words_so."""
    return name.rpartition("/")[2].replace("_", " ")
