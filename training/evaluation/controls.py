"""Control encoders with known limits: a sound probe must give them the expected figures."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.encoder import Encoder, Pixels, Vectors, unit


class Control(Encoder):
    """An encoder without weights."""

    dim, image_size, logit_scale, runtime, precision = 64, 64, 100.0, "torch", "f32"

    def __init__(self) -> None:
        self.fingerprint = hashlib.sha256(self.name.encode()).hexdigest()[:16]

    def preprocess(self, image: Image.Image) -> Pixels:
        return np.asarray(image.convert("RGB").resize((self.image_size, self.image_size), Image.Resampling.BILINEAR))

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return unit(np.array([_vector(image.tobytes()) for image in pixels]))


class Collapsed(Control):
    """Gives every input the same vector."""

    name = "collapsed"

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return np.tile(unit(np.ones((1, self.dim))), (len(pixels), 1))

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return np.tile(unit(np.ones((1, self.dim))), (len(texts), 1))


class RandomVectors(Control):
    """An independent random vector for each image and each text."""

    name = "random vectors"

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return unit(np.array([_vector(text.encode()) for text in texts]))


class BagOfWords(Control):
    """Texts: the sum of word vectors, without word order. Images: the mean colours of a 5 by 5 grid."""

    name = "bag of words"
    dim = 75

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        size = pixels.shape[1] // 5 * 5
        fields = pixels[:, :size, :size].reshape(len(pixels), 5, size // 5, 5, size // 5, 3).mean(axis=(2, 4))
        return unit(fields.reshape(len(pixels), -1) - 127.5)

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        words = [[_vector(word.encode(), self.dim) for word in text.split()] for text in texts]
        return unit(np.array([np.sum(vectors, axis=0) for vectors in words]))


def _vector(content: bytes, dim: int = 64) -> NDArray[np.float32]:
    """A random normal vector that is a function of content."""
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=dim).astype(np.float32)


CONTROLS: tuple[type[Control], ...] = (Collapsed, RandomVectors, BagOfWords)
