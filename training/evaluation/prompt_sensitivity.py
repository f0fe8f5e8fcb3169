"""Prompt sensitivity: how the label of one image depends on the template around the classes' names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.evaluation.similarity import cosines
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.softmax import softmax


@dataclass(frozen=True)
class PromptSensitivity:
    """One image by templates and classes. cosines: [T, K]. probabilities: [T, K], the softmax of their logits."""

    templates: tuple[str, ...]
    classes: tuple[str, ...]
    cosines: NDArray[np.float64]
    probabilities: NDArray[np.floating]

    @property
    def labels(self) -> list[str]:
        """The likeliest class by each template."""
        return [self.classes[k] for k in self.cosines.argmax(axis=1)]

    @property
    def wins(self) -> list[int]:
        """For each class, by how many templates it is the likeliest."""
        return [self.labels.count(name) for name in self.classes]


def prompt_sensitivity(
    encoder: Encoder, image: Image.Image, classes: Sequence[str], templates: Sequence[str]
) -> PromptSensitivity:
    """Each template, which has one {}, by itself."""
    if not classes or not templates:
        raise UserError("Give at least one class and one template such as 'a photo of a {}.'")
    prompts = [template.replace("{}", name) for template in templates for name in classes]
    scores = cosines(encoder, [image], prompts)[0].reshape(len(templates), len(classes))
    return PromptSensitivity(tuple(templates), tuple(classes), scores, softmax(scores * encoder.logit_scale))
