"""What search sees: images and texts in, unit vectors out.

An encoder keeps weights, preprocessing and tokenizer together, so they can never be mismatched.
Importing this module loads neither torch nor OpenVINO.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.errors import UserError
from training.models.preprocess import Preprocessing, preprocess_pixels
from training.models.runtime import Batching, batching_of

Vectors = NDArray[np.float32]  # [N, dim], rows of unit length
Pixels = NDArray[np.uint8]  # [N, image_size, image_size, 3], RGB, what the tower's graph takes

BATCH = 32  # images or texts per call of a tower; larger gains nothing on a CPU


class Encoder(ABC):
    """Embeds images, and texts unless it is image-only, into one space.

    name: what it was looked up by. dim: width of its vectors. image_size: side in pixels of what
    its tower sees. fingerprint: hash of weights, preprocessing and tokenizer, never of runtime or
    precision; collections made by one fingerprint refuse vectors of another. logit_scale: multiplies
    cosines before a softmax over classes (already exponentiated; 100 for most CLIP models).
    logit_bias: SigLIP's, added after the scale, else None. none_margin: how much nearer than the classes an everyday
    thing must lie for an image to show none of them; 0 where nobody measured it. runtime and precision say how it
    runs here; an encoder that computes with neither OpenVINO nor PyTorch leaves the defaults.
    cache_texts: whether its text embeddings may be cached on disk by its fingerprint.
    preprocessing: how an image is resized and cropped, where that is all there is to it; else None, and the
    encoder overrides `preprocess`. parameters: how many numbers its towers hold, None where nobody counted.
    """

    name: str
    dim: int
    image_size: int
    fingerprint: str
    logit_scale: float = 100.0
    logit_bias: float | None = None
    none_margin: float = 0.0
    reads_text: bool = True
    parameters: int | None = None
    runtime: str = "numpy"
    precision: str = "f32"
    cache_texts: bool = False
    preprocessing: Preprocessing | None = None

    @property
    def batching(self) -> Batching:
        """The batch size and the number of concurrent calls that embed the most images a second."""
        return batching_of(self.runtime)

    def preprocess(self, image: Image.Image) -> Pixels:
        """An upright RGB image resized and cropped: uint8 [image_size, image_size, 3]. Thread-safe."""
        from training.models.decoding import to_rgb  # a query of text alone needs no decoder

        assert self.preprocessing is not None
        return preprocess_pixels(np.asarray(to_rgb(image)), self.preprocessing)

    @abstractmethod
    def embed_pixels(self, pixels: Pixels) -> Vectors:
        """Preprocessed pixels [N, image_size, image_size, 3] to unit rows [N, dim]."""

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        """At most BATCH texts to unit rows; only called when reads_text. Every encoder that reads text overrides it."""
        raise ValueError(
            f"{type(self).__name__} has no embed_text_batch; an image-only encoder sets reads_text = False"
        )

    def tokens(self, texts: list[str]) -> NDArray[np.int64] | None:
        """What the text tower is given for texts, [N, length], cut off where it reads no further; None if unknown."""
        return None

    def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Images of any size and mode to float32 [N, dim], rows of unit length."""
        rows = [
            self.embed_pixels(np.stack([self.preprocess(image) for image in images[i : i + BATCH]]))
            for i in range(0, len(images), BATCH)
        ]
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts to float32 [N, dim], rows of unit length. UserError if the encoder is image-only."""
        if not self.reads_text:
            raise UserError(f"{self.name} sees images only and cannot read {texts[0]!r}; search it by an image.")
        rows = [self.embed_text_batch(list(texts[i : i + BATCH])) for i in range(0, len(texts), BATCH)]
        return np.concatenate(rows) if rows else np.zeros((0, self.dim), np.float32)


def unread(encoder: Encoder, text: str) -> str:
    """The end of text that the encoder does not read, in whole words; empty if it reads everything."""
    words = text.split()

    def same(count: int) -> bool:  # whether the first words alone give the tower what the whole text does
        ids = encoder.tokens([" ".join(words[:count]), " ".join(words)])
        return ids is not None and bool((ids[0] == ids[1]).all())

    if len(words) < 2 or not same(len(words) - 1):
        return ""
    low, high = 0, len(words) - 1  # same(high) holds; find the fewest words for which it does
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if same(middle) else (middle, high)
    return " ".join(words[high:])


def unit(rows: NDArray[np.floating]) -> Vectors:
    """rows scaled to length one, as float32; a row of zeros stays zero."""
    rows = np.asarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
