"""What reads and embeds the images of a build: the interface of engines, and the one that uses this machine.

The stages are those of training.data.pipeline; in the same pass over an image a build also takes its hash, its metadata
and a thumbnail.
"""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from index.thumbnails import thumbnail
from training.data.metadata.embedded import embedded_columns
from training.data.pipeline import EmbeddedImage, decode, embed_stream, preprocess
from training.data.source import Item
from training.models.encoder import Encoder


@dataclass(frozen=True)
class PlannedImage:
    """An image that a build has to look at. source: the name of the source that lists item."""

    source: str
    item: Item


@dataclass(frozen=True)
class LoadedImage:
    """An image after it was read. pixels: for the encoder; None where the collection holds this content already.

    hash: of the file's bytes, SHA-256 in hex. length: how many they are. size: width and height of the original once
    upright. thumbnail: a WebP file. size and thumbnail are empty where pixels is None.
    """

    hash: str
    length: int
    exif: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    pixels: NDArray[np.uint8] | None = None
    thumbnail: bytes = b""


Embedded: TypeAlias = EmbeddedImage[PlannedImage, LoadedImage]


class Engine(Protocol):
    """Reads and embeds. It gives every image of images in order, a batch at a time.

    stored: hashes of contents that need no embedding. stop: once it says so, nothing new is begun.
    """

    def __call__(
        self, images: Iterable[PlannedImage], encoder: Encoder, stored: Container[str], stop: Callable[[], bool]
    ) -> Iterator[list[Embedded]]: ...


def embed_locally(
    images: Iterable[PlannedImage],
    encoder: Encoder,
    stored: Container[str],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[list[Embedded]]:
    """The engine of one machine: all its cores, and its GPU where there is one."""
    return embed_stream(images, lambda image: load_image(image.item, encoder, stored), encoder, stop)


def load_image(item: Item, encoder: Encoder, stored: Container[str]) -> LoadedImage:
    """Read one image; decode and preprocess it unless its content is among stored. UserError or OSError if it fails."""
    data = item.read()
    content = sha256(data).hexdigest()
    if content in stored:
        return LoadedImage(content, len(data), embedded_columns(data))
    image = decode(data, encoder)
    pixels = preprocess(image, encoder)
    return LoadedImage(
        content, len(data), embedded_columns(data), (image.width, image.height), pixels, thumbnail(image.pixels)
    )
