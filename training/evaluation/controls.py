"""Encoders of which it is known what they cannot do: what a probe must say of them shows whether the probe is sound."""

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
    """Says the same of everything."""

    name = "collapsed"

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return np.tile(unit(np.ones((1, self.dim))), (len(pixels), 1))

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return np.tile(unit(np.ones((1, self.dim))), (len(texts), 1))


class RandomVectors(Control):
    """A vector of its own for each image and each phrase, which has nothing to do with any other."""

    name = "random vectors"

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return unit(np.array([_vector(phrase.encode()) for phrase in texts]))


class BagOfWords(Control):
    """Hears which words there are and not in which order; sees the mean colours of 5 by 5 fields."""

    name = "bag of words"
    dim = 75

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        size = pixels.shape[1] // 5 * 5
        fields = pixels[:, :size, :size].reshape(len(pixels), 5, size // 5, 5, size // 5, 3).mean(axis=(2, 4))
        return unit(fields.reshape(len(pixels), -1) - 127.5)

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        words = [[_vector(word.encode(), self.dim) for word in phrase.split()] for phrase in texts]
        return unit(np.array([np.sum(of, axis=0) for of in words]))


def _vector(content: bytes, dim: int = 64) -> NDArray[np.float32]:
    """Normal numbers that belong to content."""
    seed = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
    return np.random.default_rng(seed).normal(size=dim).astype(np.float32)


CONTROLS: tuple[type[Control], ...] = (Collapsed, RandomVectors, BagOfWords)
