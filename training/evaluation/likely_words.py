"""Everyday words that an image scores highest: classes to begin with where a person gives none."""

import numpy as np
from PIL import Image

from training.models.encoder import Encoder
from training.models.everyday import SENTENCE, everyday_embeddings
from training.models.zero_shot import everyday_words


def likely_words(encoder: Encoder, image: Image.Image, count: int) -> list[str]:
    """The count everyday words whose embeddings lie nearest to the image's, the nearest first."""
    words = everyday_words()
    scores = encoder.embed_images([image]) @ everyday_embeddings(encoder, SENTENCE).T
    return [words[i] for i in np.argsort(-scores[0], kind="stable")[:count]]
