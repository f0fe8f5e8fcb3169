"""python app.py with an encoder that takes its time: what tests of its end start. Arguments: those of app.py."""

import time

from tests.samples import ColourEncoder
from training.models import encoders
from training.models.encoder import Pixels, Vectors


class SlowEncoder(ColourEncoder):
    """An image a tenth of a second."""

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        time.sleep(0.1 * len(pixels))
        return super().embed_pixels(pixels)


if __name__ == "__main__":
    encoders.load_encoder = lambda name: SlowEncoder()
    from app.command import main

    main()
