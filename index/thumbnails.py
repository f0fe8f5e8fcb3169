"""Thumbnails, made in the pass that embeds; the only pixels that the page serves."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.preprocess import shrink_pixels

SIDE = 320  # pixels of the longer side: a card at twice the density of most screens


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """A WebP of an upright RGB image [H, W, 3], without any metadata.

    Method 0 takes two thirds of the time of 2 and a sixteenth more bytes at the same 34.5 dB.
    """
    out = BytesIO()
    Image.fromarray(shrink_pixels(pixels, SIDE)).save(out, "WEBP", quality=78, method=0)
    return out.getvalue()
