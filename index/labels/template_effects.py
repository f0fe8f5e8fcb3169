"""What each template of a prompt ensemble does to the labels: alone, and to the others when it is left out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.labels.classifier import Classifier
from training.models.encoder import unit
from training.models.zero_shot import ClassEmbeddings


@dataclass(frozen=True)
class ClassEffect:
    """What one template does for the images of one class: those with that known label or, where no label is known,
    those that all templates together label so.

    together, alone, without: by all templates, by it alone, by the others (None for the only template): the share that
    is right or, where no label is known, the mean probability of the class.
    """

    answer: int
    images: int
    together: float
    alone: float
    without: float | None


@dataclass(frozen=True)
class TemplateEffect:
    """What one template does for images [N].

    agrees: share of images that it alone gives the label that all give together. first and probability,
    of the first image: the class that it alone puts first, and what it alone gives to the class that all put
    first; without: what the others give to that class. right: how many it alone gets right of the images with
    ground truth, known; without_right: how many the others get right. Both are None for the only template.
    """

    template: str
    agrees: float
    first: int
    probability: float
    without: float | None
    right: int
    without_right: int | None
    known: int
    by_class: list[ClassEffect]


def template_effects(
    classifier: Classifier,
    embeddings: ClassEmbeddings,
    images: NDArray[np.floating],
    truth: NDArray[np.int64] | None = None,
) -> Iterator[TemplateEffect]:
    """One entry a template, for images [N, dim]; truth: their classes [N], negative where unknown."""
    request = classifier.request
    means = embeddings.by_template(request.classes, request.templates)  # [T, K, dim]
    total = means.sum(axis=0)
    together = classifier.probabilities(images)
    top = together.argmax(axis=1)
    truth = np.full(len(images), -1) if truth is None else truth
    for template, mean in zip(request.templates, means, strict=True):
        alone = replace(classifier, embeddings=unit(mean)).probabilities(images)
        others = replace(classifier, embeddings=unit(total - mean)).probabilities(images) if len(means) > 1 else None
        best = alone.argmax(axis=1)
        yield TemplateEffect(
            template=template,
            agrees=float((best == top).mean()),
            first=int(best[0]),
            probability=float(alone[0, top[0]]),
            without=None if others is None else float(others[0, top[0]]),
            right=_right(best, truth),
            without_right=None if others is None else _right(others.argmax(axis=1), truth),
            known=int((truth >= 0).sum()),
            by_class=_by_class(top, truth, together, alone, others),
        )


def _by_class(
    top: NDArray[np.int64],
    truth: NDArray[np.int64],
    together: NDArray[np.floating],
    alone: NDArray[np.floating],
    others: NDArray[np.floating] | None,
) -> list[ClassEffect]:
    """probabilities: [N, K] by all templates, one and the others. The largest change by leaving it out comes first."""
    known = truth >= 0
    rows = np.flatnonzero(known & (truth < together.shape[1])) if known.any() else np.arange(len(top))
    answers = (truth if known.any() else top)[rows]
    numbers, at, images = np.unique(answers, return_inverse=True, return_counts=True)

    def mean(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        found = probabilities[rows]
        values = found.argmax(axis=1) == answers if known.any() else found[np.arange(len(rows)), answers]
        return np.bincount(at, values.astype(float), len(numbers)) / images

    columns = [mean(together), mean(alone), *([] if others is None else [mean(others)])]
    effects = [
        ClassEffect(int(k), int(n), float(all_of_them), float(one), float(rest[0]) if rest else None)
        for k, n, all_of_them, one, *rest in zip(numbers, images, *columns, strict=True)
    ]
    return sorted(effects, key=lambda one: -abs((one.alone if one.without is None else one.without) - one.together))


def _right(labels: NDArray[np.int64], truth: NDArray[np.int64]) -> int:
    return int(((labels == truth) & (truth >= 0)).sum())
