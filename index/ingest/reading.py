"""Images of a source, read and embedded: every core busy, the order kept, the memory bounded."""

from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.ingest.exif import exif_of
from index.thumbnails import SIDE, thumbnail
from training.data.source import Item
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.parallel import cores

AHEAD = 128  # images that may be on their way: enough to work on while a segment is written


@dataclass(frozen=True)
class Loaded:
    """What reading gave. size: width and height; length: of the file in bytes.

    pixels is None where the content was known already. reason: why it could not be read, else empty.
    """

    hash: str = ""
    length: int = 0
    size: tuple[int, int] = (0, 0)
    exif: Mapping[str, Any] = field(default_factory=dict)
    pixels: NDArray[np.uint8] | None = None
    thumbnail: bytes = b""
    reason: str = ""


@dataclass(frozen=True)
class Seen:
    """One image of a source once everything is known about it. vector [dim]: None where pixels is."""

    source: str
    item: Item
    loaded: Loaded
    vector: NDArray[np.float32] | None = None


def load(item: Item, encoder: Encoder, known: Container[str]) -> Loaded:
    """Read one image; whatever is wrong with it becomes a reason, so that the build goes on.

    known: hashes of contents that need no decoding.
    """
    from training.models.decoding import decode_image
    from training.models.preprocess import preprocess_pixels

    try:
        data = item.read()
        content = sha256(data).hexdigest()
        if content in known:
            return Loaded(content, len(data), exif=exif_of(data))
        image = decode_image(data, min_side=max(encoder.image_size, SIDE // 2))  # previews come of it too
        pixels = (
            preprocess_pixels(image.pixels, encoder.preprocessing)
            if encoder.preprocessing
            else encoder.preprocess(image.image)
        )
        preview = thumbnail(image.pixels)
        return Loaded(content, len(data), (image.width, image.height), exif_of(data), pixels, preview)
    except (UserError, OSError) as error:
        return Loaded(reason=str(getattr(error, "strerror", None) or error) or type(error).__name__)
    except Exception as error:  # a decoder's own bug on one file is that file's failure, not the build's
        return Loaded(reason=f"{type(error).__name__}: {error}")


def readers(threads: int | None = None) -> ThreadPoolExecutor:
    """A thread a core: there is an image for every one of them."""
    return ThreadPoolExecutor(threads or cores(), "read")


def read_and_embed(
    todo: Iterable[tuple[str, Item]],
    encoder: Encoder,
    known: Container[str],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[list[Seen]]:
    """Every image of todo in its order, a batch at a time.

    The threads that read also embed, so that no two ever want the same core; a GPU has a thread of its own. Once
    stop says so, what is being embedded is still given, and nothing else is begun.
    """
    coming = iter(todo)
    loading: deque[tuple[str, Item, Future[Loaded]]] = deque()
    gathered: list[tuple[str, Item, Loaded]] = []  # read, and waiting for a batch to be full
    embedding: deque[tuple[int, Future[list[Seen]]]] = deque()
    fresh = under_way = 0  # images in `gathered` that need a vector; all in `embedding`
    all_begun = stopped = False
    batching = encoder.batching
    ahead = max(AHEAD, 4 * batching.batch_size)
    with readers() as pool, ThreadPoolExecutor(1, "embed") as alone:
        embedders = pool if batching.streams > 1 else alone
        try:
            while not stopped and not (all_begun and not loading):
                while not all_begun and len(loading) + len(gathered) + under_way < ahead:
                    planned = next(coming, None)
                    if planned is None:
                        all_begun = True
                    else:
                        loading.append((*planned, pool.submit(load, planned[1], encoder, known)))
                if loading:
                    source, item, future = loading.popleft()
                    gathered.append((source, item, future.result()))
                    fresh += gathered[-1][2].pixels is not None
                end = all_begun and not loading
                if gathered and (fresh == batching.batch_size or len(gathered) >= ahead // 2 or end):
                    embedding.append((len(gathered), embedders.submit(embed_loaded, gathered, encoder)))
                    under_way += len(gathered)
                    gathered, fresh = [], 0
                    stopped = stop()
                while embedding and (not loading or stopped or embedding[0][1].done()):
                    count, done = embedding.popleft()
                    under_way -= count
                    yield done.result()
        finally:
            for *_, future in loading:
                future.cancel()
            for _, done in embedding:
                done.cancel()


def embed_loaded(gathered: list[tuple[str, Item, Loaded]], encoder: Encoder) -> list[Seen]:
    """What was read, with a vector for each image that has pixels: one call of the encoder."""
    new = [loaded.pixels for *_, loaded in gathered if loaded.pixels is not None]
    vectors: Iterator[Vectors] = iter(encoder.embed_pixels(np.stack(new)) if new else ())
    return [
        Seen(source, item, loaded, None if loaded.pixels is None else next(vectors))
        for source, item, loaded in gathered
    ]
