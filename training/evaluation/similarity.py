"""Cosines between a few images and a few texts."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.encoder import Encoder


def cosines(encoder: Encoder, images: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float64]:
    """[images, texts]."""
    image_rows = encoder.embed_images(list(images)).astype(np.float64)
    return image_rows @ encoder.embed_texts(list(texts)).T.astype(np.float64)
