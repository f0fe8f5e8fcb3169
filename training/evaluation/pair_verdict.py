"""Winoground on one example: which of two captions belongs to which of two images, with a sentence on each verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.evaluation.rows import TIE
from training.evaluation.similarity import cosines
from training.evaluation.winoground import wins_of_matrix
from training.models.encoder import Encoder


@dataclass(frozen=True)
class PairVerdict:
    """Two images by two captions. scores: cosines [2, 2], images by captions. text, image, group: whether each is
    won. sentences: on text and on image."""

    scores: NDArray[np.float64]
    text: bool
    image: bool
    group: bool
    sentences: tuple[str, str]


def judge_pair(encoder: Encoder, images: Sequence[Image.Image], captions: Sequence[str]) -> PairVerdict:
    """Whether each caption finds its image and each image its caption; captions[i] belongs to images[i]."""
    if len(images) != 2 or len(captions) != 2:
        raise ValueError(f"two images and two captions are judged, not {len(images)} and {len(captions)}")
    return verdict_of(cosines(encoder, images, captions))


def verdict_of(scores: NDArray[np.float64]) -> PairVerdict:
    """The verdict on scores [2, 2], images by captions."""
    won = {name: bool(of[0]) for name, of in wins_of_matrix(scores[None]).items()}
    text = "Each image is nearer to its own caption." if won["text"] else _lost(scores, "image", "caption")
    image = "Each caption is nearer to its own image." if won["image"] else _lost(scores.T, "caption", "image")
    return PairVerdict(scores, won["text"], won["image"], won["group"], (text, image))


def _lost(scores: NDArray[np.float64], of: str, other: str) -> str:
    """Which rows prefer the wrong column, or cannot decide."""
    gaps = scores[[0, 1], [0, 1]] - scores[[0, 1], [1, 0]]
    names = ("first", "second")
    tied = [name for name, gap in zip(names, gaps, strict=True) if abs(gap) <= TIE]
    wrong = [name for name, gap in zip(names, gaps, strict=True) if gap < -TIE]
    parts = []
    if wrong:
        verb = "is" if len(wrong) == 1 else "are"
        parts.append(f"the {' and the '.join(wrong)} {of} {verb} nearer to the wrong {other}")
    if tied:
        parts.append(f"the {' and the '.join(tied)} {of} cannot tell the {other}s apart")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."
