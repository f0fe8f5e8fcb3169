"""What each template of a prompt ensemble does to the labels: alone, and to the others when it is left out."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.labels.classifier import Classifier
from training.models.encoder import unit
from training.models.zero_shot import ClassEmbeddings


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
    top = classifier.probabilities(images).argmax(axis=1)
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
        )


def _right(labels: NDArray[np.int64], truth: NDArray[np.int64]) -> int:
    return int(((labels == truth) & (truth >= 0)).sum())
