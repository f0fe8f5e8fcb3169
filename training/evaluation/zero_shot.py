"""Zero-shot classification: is the class whose words lie nearest to a picture the right one?

Radford et al. 2021, section 3.1. The classifier itself is training.models.zero_shot, the one that labels collections.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.rows import TIE, exact_unit_rows, labels_of_rows


def zero_shot_accuracy(images: Any, classes: Any, labels: Any, k: int = 1) -> float:
    """The share of pictures [N, D] whose class is among the k nearest of classes [K, D]; labels: int [N].

    A wrong class that ties the right one (within 1e-6) comes before it.
    """
    return float((class_ranks(images, classes, labels) <= k).mean())


def class_ranks(images: Any, classes: Any, labels: Any) -> NDArray[np.int64]:
    """The rank of each picture's own class among all classes, from 1: [N]."""
    pictures, words = exact_unit_rows(images, "images"), exact_unit_rows(classes, "classes")
    numbers = labels_of_rows(labels, len(pictures))
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(words)):
        raise ValueError(f"labels lie in {numbers.min()}..{numbers.max()}; there are {len(words)} classes")
    scores = pictures @ words.T
    own = scores[np.arange(len(scores)), numbers]
    return (scores >= own[:, None] - TIE).sum(axis=1)  # its own class is one of those
