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

from index.ingest.perceptual import perceptual_hash
from index.ingest.pixel_hash import PixelHash, decoded_pixel_hash, pixel_hash
from index.thumbnails import SIDE, thumbnail
from training.data.metadata.embedded import embedded_columns
from training.data.pipeline import EmbeddedImage, decode, embed_stream, preprocess
from training.data.source import Item
from training.models.decoding import MOST_MEGAPIXELS
from training.models.encoder import Encoder
from training.models.preprocess import shrink_pixels


@dataclass(frozen=True)
class PlannedImage:
    """An image that a build has to look at. source: the name of the source that lists item.

    known: the hash of the file that the collection has all but an embedding of; None where all of it is wanted.
    """

    source: str
    item: Item
    known: str | None = None


@dataclass(frozen=True)
class LoadedImage:
    """An image after it was read. pixels: for the encoder; None where the collection holds this content already.

    hash: of the file's bytes, SHA-256 in hex. length: how many they are. pixel_hash: None where only decoding would
    tell and the collection holds this file already. size: width and height of the original once upright. thumbnail: a
    WebP file. perceptual: its perceptual hash. The last three are empty where pixels is None
    and where only an embedding is wanted. warning: what is wrong with a file that was read all the same.
    """

    hash: str
    length: int
    pixel_hash: PixelHash | None = None
    exif: Mapping[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (0, 0)
    pixels: NDArray[np.uint8] | None = None
    thumbnail: bytes = b""
    perceptual: bytes = b""
    warning: str = ""


Embedded: TypeAlias = EmbeddedImage[PlannedImage, LoadedImage]


class Engine(Protocol):
    """Reads and embeds. It gives every image of images in order, a batch at a time.

    stored: hashes of files, and pixel hashes, that need no embedding. stop: once it says so, nothing new is begun.
    most_megapixels: larger images are failures.
    """

    def __call__(
        self,
        images: Iterable[PlannedImage],
        encoder: Encoder,
        stored: Container[str],
        stop: Callable[[], bool],
        most_megapixels: float,
    ) -> Iterator[list[Embedded]]: ...


def embed_locally(
    images: Iterable[PlannedImage],
    encoder: Encoder,
    stored: Container[str],
    stop: Callable[[], bool] = lambda: False,
    most_megapixels: float = MOST_MEGAPIXELS,
) -> Iterator[list[Embedded]]:
    """The engine of one machine: all its cores, and its GPU where there is one."""
    return embed_stream(images, lambda image: load_planned(image, encoder, stored, most_megapixels), encoder, stop)


def load_planned(
    planned: PlannedImage, encoder: Encoder, stored: Container[str], most_megapixels: float = MOST_MEGAPIXELS
) -> LoadedImage:
    """Read one image as far as it is wanted. UserError or OSError if it fails."""
    if planned.known is None:
        return load_image(planned.item, encoder, stored, most_megapixels)
    data = planned.item.read()
    content = sha256(data).hexdigest()
    image = decode(data, encoder, most_megapixels)
    other = content != planned.known  # it may show the same pixels
    shown = (pixel_hash(data) or decoded_pixel_hash(data, image, most_megapixels)) if other else None
    return LoadedImage(content, len(data), shown, pixels=preprocess(image, encoder))


def load_image(
    item: Item, encoder: Encoder, stored: Container[str], most_megapixels: float = MOST_MEGAPIXELS
) -> LoadedImage:
    """Read one image; decode and preprocess it unless its file or its upright pixels are among stored.

    UserError or OSError if it fails.
    """
    data = item.read()
    content, shown, exif = sha256(data).hexdigest(), pixel_hash(data), embedded_columns(data)
    if content in stored or str(shown) in stored:
        return LoadedImage(content, len(data), shown, exif)
    image = decode(data, encoder, most_megapixels)
    shown = shown or decoded_pixel_hash(data, image, most_megapixels)
    if str(shown) in stored:
        return LoadedImage(content, len(data), shown, exif)
    small = shrink_pixels(image.pixels, SIDE)
    return LoadedImage(
        content,
        len(data),
        shown,
        exif,
        (image.width, image.height),
        preprocess(image, encoder),
        thumbnail(small),
        perceptual_hash(small),
        image.warning,
    )
