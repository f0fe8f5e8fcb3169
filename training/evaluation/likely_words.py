"""Everyday words that an image scores highest: classes to begin with where a person gives none."""

from functools import lru_cache

import numpy as np
from PIL import Image

from training.models.encoder import Encoder, Vectors
from training.models.zero_shot import ClassName, everyday_words, zero_shot_classifier


def likely_words(encoder: Encoder, image: Image.Image, count: int) -> list[str]:
    """The count everyday words whose embeddings lie nearest to the image's, the nearest first."""
    words = everyday_words()
    scores = encoder.embed_images([image]) @ _everyday(encoder).T
    return [words[i] for i in np.argsort(-scores[0], kind="stable")[:count]]


@lru_cache(maxsize=4)
def _everyday(encoder: Encoder) -> Vectors:
    return zero_shot_classifier(encoder, [ClassName(word) for word in everyday_words()], ["a photo of a {}."])
