"""The encoder as the server uses it: many threads at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.state.text_batcher import TextBatcher
from training.models.encoder import Encoder, Pixels, Vectors
from training.models.runtime import Batching


class SharedEncoder(Encoder):
    """An encoder whose texts of concurrent requests are embedded in common batches; the rest is the encoder's own."""

    def __init__(self, encoder: Encoder):
        self.encoder = encoder
        for name in Encoder.__annotations__:
            setattr(self, name, getattr(encoder, name))
        self.texts = TextBatcher(encoder.embed_texts)

    @property
    def batching(self) -> Batching:
        return self.encoder.batching

    def preprocess(self, image: Image.Image) -> Pixels:
        return self.encoder.preprocess(image)

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return self.encoder.embed_pixels(pixels)

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return self.encoder.embed_text_batch(texts)

    def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        return self.encoder.embed_images(images)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return self.texts(texts) if self.reads_text else self.encoder.embed_texts(texts)

    def tokens(self, texts: list[str]) -> NDArray[np.int64] | None:
        return self.encoder.tokens(texts)
