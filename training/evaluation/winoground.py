"""Winoground: two pictures, two captions of the same words; which belongs to which?

Thrush et al. 2022, "Winoground: Probing Vision and Language Models for Visio-Linguistic Compositionality".
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.rows import TIE, exact_unit_rows

SCORES = ("text", "image", "group")


def winoground_scores(image_0: Any, image_1: Any, caption_0: Any, caption_1: Any) -> dict[str, float]:
    """{"text", "image", "group"}, fractions in 0..1.

    Each input [N, D], row i of all four one example, caption_0 the one of image_0. text: for each picture
    its own caption wins. image: for each caption its own picture wins. group: both. Cosines in float64; a
    win by no more than 1e-6 is a tie, and a tie is wrong: a collapsed or a bag-of-words encoder scores 0.
    Chance (independent random vectors) is 1/4, 1/4, 1/6.
    """
    wins = winoground_wins(image_0, image_1, caption_0, caption_1)
    return {score: float(won.mean()) for score, won in wins.items()}


def winoground_wins(image_0: Any, image_1: Any, caption_0: Any, caption_1: Any) -> dict[str, NDArray[np.bool_]]:
    """Which examples are won: {"text", "image", "group"}, bool [N] each."""
    scores = pair_matrix(image_0, image_1, caption_0, caption_1)
    return wins_of_matrix(scores)


def pair_matrix(image_0: Any, image_1: Any, caption_0: Any, caption_1: Any) -> NDArray[np.float64]:
    """Cosines [N, 2, 2], pictures by captions. ValueError if the four do not fit each other, or are none."""
    named = {"image_0": image_0, "image_1": image_1, "caption_0": caption_0, "caption_1": caption_1}
    parts = {name: exact_unit_rows(value, name) for name, value in named.items()}
    shapes = {name: part.shape for name, part in parts.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError("the four must have one shape: " + ", ".join(f"{name} {shapes[name]}" for name in shapes))
    if not len(parts["image_0"]):
        raise ValueError("there are no examples")
    images = np.stack([parts["image_0"], parts["image_1"]], axis=1)  # [N, 2, D]
    captions = np.stack([parts["caption_0"], parts["caption_1"]], axis=1)
    return np.einsum("nid,ncd->nic", images, captions)


def wins_of_matrix(scores: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
    """Which examples are won, from scores [N, 2, 2], pictures by captions, right ones on the diagonal."""
    right_0, right_1, wrong_01, wrong_10 = scores[:, 0, 0], scores[:, 1, 1], scores[:, 0, 1], scores[:, 1, 0]
    text = (right_0 - wrong_01 > TIE) & (right_1 - wrong_10 > TIE)  # the picture stays, the caption changes
    image = (right_0 - wrong_10 > TIE) & (right_1 - wrong_01 > TIE)  # the caption stays, the picture changes
    return {"text": text, "image": image, "group": text & image}
