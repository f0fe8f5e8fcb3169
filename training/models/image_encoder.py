"""A backbone without a text tower as an encoder."""

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from training.models.encoder import Encoder, Pixels, Vectors, unit
from training.models.preprocess import Preprocessing
from training.models.runtime import image_module, load_tower

if TYPE_CHECKING:
    from training.models.backbone import Backbone


class ImageEncoder(Encoder):
    """A backbone that was trained on images alone: it embeds images and reads no text. weights: identifies them."""

    reads_text = False

    def __init__(self, name: str, backbone: "Backbone", weights: str, runtime: str, precision: str):
        self.name, self.runtime, self.precision = name, runtime, precision
        self.image_size, self.preprocessing = backbone.image_size, Preprocessing(backbone.image_size)
        settings = json.dumps([backbone.made_of, backbone.mean, backbone.std], sort_keys=True)
        self.fingerprint = hashlib.sha256(f"{weights}{settings}".encode()).hexdigest()[:16]
        pixels = np.zeros((1, self.image_size, self.image_size, 3), np.uint8)
        self._image_tower = load_tower(
            lambda: image_module(backbone.network, backbone.mean, backbone.std),
            pixels,
            f"{self.fingerprint}-image",
            runtime,
            precision,
            streams=True,
        )
        self.dim = self._image_tower(pixels).shape[1]
        self.parameters = sum(tensor.numel() for tensor in backbone.network.parameters())

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return unit(self._image_tower(pixels))
