"""How long an encoder takes for an image on this machine."""

import statistics
import time
from collections.abc import Sequence

from PIL import Image

from training.models.encoder import Encoder

BATCHES = 5


def milliseconds_per_image(encoder: Encoder, images: Sequence[Image.Image]) -> float:
    """Preprocessing included: the median over BATCHES batches of these images, after a first one."""
    encoder.embed_images(images)
    spent = []
    for _ in range(BATCHES):
        started = time.perf_counter()
        encoder.embed_images(images)
        spent.append(1000 * (time.perf_counter() - started) / len(images))
    return round(statistics.median(spent), 2)
