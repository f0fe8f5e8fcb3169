"""From the items of a source to embeddings, in five stages: read, decode, preprocess, batch, embed.

Builds, `evaluate` and evaluation during training all embed this way, so an image has the same embedding in each.
Every core is busy, the order is kept and the memory is bounded.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from training.data.source import Item
from training.models.decoding import MOST_MEGAPIXELS, DecodedImage, UnsupportedFormat, decode_image
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.parallel import cores, ordered_map
from training.models.preprocess import preprocess_pixels

IMAGES_AHEAD = 128  # images under way, in each half of them at most: work to go on with while a segment is written
LEAST_SIDE = 160  # pixels of the shorter side that are always decoded: enough for a thumbnail of the same pixels


class Preprocessed(Protocol):
    """What loading an image gives. pixels: uint8 [size, size, 3], or None if it needs no embedding."""

    @property
    def pixels(self) -> NDArray[np.uint8] | None: ...


@dataclass(frozen=True)
class PreprocessedImage:
    """The least that loading an image gives; whoever needs more of it makes a class of their own."""

    pixels: NDArray[np.uint8] | None


Input = TypeVar("Input")
Loaded = TypeVar("Loaded", bound=Preprocessed)


@dataclass(frozen=True)
class EmbeddedImage(Generic[Input, Loaded]):
    """What became of one input.

    image: as it was loaded, None if it could not be. error: the reason then. unsupported: whether that is because its
    format is not read here. vector: float32 [dim], None where the image has no pixels.
    """

    input: Input
    image: Loaded | None
    error: str = ""
    vector: NDArray[np.float32] | None = None
    unsupported: bool = False


def decode(data: bytes, encoder: Encoder, most_megapixels: float = MOST_MEGAPIXELS) -> DecodedImage:
    """An image in as many pixels as the encoder and a thumbnail need. ImageError if it cannot be read."""
    return decode_image(data, max(encoder.image_size, LEAST_SIDE), most_megapixels)


def preprocess(image: DecodedImage, encoder: Encoder) -> NDArray[np.uint8]:
    """uint8 [size, size, 3]: what `encoder.preprocess` gives, without a Pillow image in between where there can be."""
    if encoder.preprocessing is None:
        return encoder.preprocess(image.image)
    return preprocess_pixels(image.pixels, encoder.preprocessing)


def load_pixels(item: Item, encoder: Encoder) -> PreprocessedImage:
    """Read, decode and preprocess one image. UserError or OSError if it cannot be read."""
    return PreprocessedImage(preprocess(decode(item.read(), encoder), encoder))


def embed_bytes(data: bytes, encoder: Encoder, most_megapixels: float = MOST_MEGAPIXELS) -> NDArray[np.float32]:
    """[dim], unit length: the embedding of one image file, as builds make it. ImageError if it cannot be read."""
    return encoder.embed_pixels(preprocess(decode(data, encoder, most_megapixels), encoder)[None])[0]


def embed_stream(
    inputs: Iterable[Input],
    load: Callable[[Input], Loaded],
    encoder: Encoder,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[list[EmbeddedImage[Input, Loaded]]]:
    """Every input, loaded and embedded, in order, a batch at a time.

    load: reads, decodes and preprocesses one image; runs in several threads; what it raises becomes an error. The
    threads that load also embed where the encoder runs several streams, so that no two ever want the same core; else
    one thread embeds. stop: asked after each batch; once it says so, what is being embedded is still given, and
    nothing else is begun.
    """
    batching = encoder.batching
    ahead = max(IMAGES_AHEAD, 4 * batching.batch_size) // 2  # loading, and as many embedding
    with ThreadPoolExecutor(cores(), "load") as loaders, ThreadPoolExecutor(1, "embed") as single:
        embedders = loaders if batching.streams > 1 else single
        loaded = ordered_map(lambda value: load_one(value, load), inputs, loaders, ahead)
        batches = _batches(loaded, batching.batch_size, ahead, stop)
        with closing(loaded), closing(batches):  # what was not begun is cancelled before the threads are waited for
            yield from ordered_map(
                lambda batch: embed_batch(batch, encoder), batches, embedders, max(2, ahead // batching.batch_size)
            )


def load_one(value: Input, load: Callable[[Input], Loaded]) -> EmbeddedImage[Input, Loaded]:
    """An input loaded and not embedded yet; whatever is wrong with it is its error, so that the rest goes on."""
    try:
        return EmbeddedImage(value, load(value))
    except UnsupportedFormat as error:
        return EmbeddedImage(value, None, str(error), unsupported=True)
    except (UserError, OSError) as error:
        reason = str(getattr(error, "strerror", None) or error) or type(error).__name__
    except Exception as error:  # a decoder's own fault on one file is that file's failure, not everybody's
        reason = f"{type(error).__name__}: {error}"
    return EmbeddedImage(value, None, reason)


def embed_batch(batch: list[EmbeddedImage[Input, Loaded]], encoder: Encoder) -> list[EmbeddedImage[Input, Loaded]]:
    """The same with a vector for each image that has pixels: one call of the encoder."""
    pixels = [one.image.pixels for one in batch if one.image is not None and one.image.pixels is not None]
    vectors = iter(encoder.embed_pixels(np.stack(pixels)) if pixels else ())
    return [
        one if one.image is None or one.image.pixels is None else replace(one, vector=next(vectors)) for one in batch
    ]


def _batches(
    loaded: Iterable[EmbeddedImage[Input, Loaded]], batch_size: int, most: int, stop: Callable[[], bool]
) -> Generator[list[EmbeddedImage[Input, Loaded]], None, None]:
    """Consecutive images as lists, each with batch_size images to embed, and with `most` images in all at most."""
    batch: list[EmbeddedImage[Input, Loaded]] = []
    to_embed = 0
    for one in loaded:
        batch.append(one)
        to_embed += one.image is not None and one.image.pixels is not None
        if to_embed == batch_size or len(batch) == most:
            yield batch
            if stop():
                return
            batch, to_embed = [], 0
    if batch:
        yield batch
