"""The contrastive loss of a few pairs in full: every logit, both softmaxes and the value, for the page to draw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.models.softmax import softmax


@dataclass(frozen=True)
class Contrast:
    """A batch of N pairs. logits: [N, N], images by captions, pairs on the diagonal. to_text: softmax of each
    row, to_image: of each column. value: the symmetric cross-entropy; chance: ln N.
    """

    logits: NDArray[np.float64]
    to_text: NDArray[np.floating]
    to_image: NDArray[np.floating]
    value: float
    chance: float


def contrast(images: NDArray[np.floating], texts: NDArray[np.floating], scale: float) -> Contrast:
    """images and texts: [N, dim] unit rows, row i of both one pair. scale: already exponentiated."""
    if images.shape != texts.shape or not len(images):
        raise ValueError(f"pairs have one image and one caption each; these are {images.shape} and {texts.shape}")
    logits = scale * np.asarray(images, np.float64) @ np.asarray(texts, np.float64).T
    to_text, to_image = softmax(logits), softmax(logits.T).T
    right = np.concatenate([np.diagonal(to_text), np.diagonal(to_image)])
    return Contrast(
        logits, to_text, to_image, float(-np.log(np.maximum(right, 1e-300)).mean()), float(np.log(len(logits)))
    )
