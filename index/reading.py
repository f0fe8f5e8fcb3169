"""One picture of a source, read: what of it is embedded, shown and remembered."""

from collections import deque
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

from index.thumbnails import thumbnail
from training.data.source import Item
from training.models.encoder import BATCH, Encoder
from training.models.errors import UserError
from training.models.preprocess import read_picture

AHEAD = 4 * BATCH  # pictures that may be read before their turn to be embedded


@dataclass(frozen=True)
class Loaded:
    """What reading gave. size: width and height; length: of the file in bytes.

    pixels is None where the content was known already. reason: why it could not be read, else empty.
    """

    hash: str = ""
    length: int = 0
    size: tuple[int, int] = (0, 0)
    pixels: NDArray[np.uint8] | None = None
    thumbnail: bytes = b""
    reason: str = ""


def load(item: Item, encoder: Encoder, known: Container[str]) -> Loaded:
    """Read one picture; whatever is wrong with it becomes a reason, so that the build goes on.

    known: hashes of contents that need no decoding.
    """
    try:
        data = item.read()
        content = sha256(data).hexdigest()
        if content in known:
            return Loaded(content, len(data))
        picture = read_picture(data, min_side=encoder.image_size)
        pixels = encoder.prepare(picture.image)
        return Loaded(content, len(data), (picture.width, picture.height), pixels, thumbnail(picture.image))
    except (UserError, OSError) as error:
        return Loaded(reason=str(getattr(error, "strerror", None) or error) or type(error).__name__)
    except Exception as error:  # a decoder's own bug on one file is that file's failure, not the build's
        return Loaded(reason=f"{type(error).__name__}: {error}")


def read_ahead(
    todo: Iterable[tuple[str, Item]], encoder: Encoder, known: Container[str]
) -> Iterator[tuple[str, Item, Loaded]]:
    """Every picture of todo in its order, read by threads while the ones before are embedded."""
    coming = iter(todo)
    pending: deque[tuple[str, Item, Future[Loaded]]] = deque()
    with ThreadPoolExecutor(cpu_count() or 2, thread_name_prefix="read") as pool:
        try:
            while True:
                while len(pending) < AHEAD and (planned := next(coming, None)) is not None:
                    pending.append((*planned, pool.submit(load, planned[1], encoder, known)))
                if not pending:
                    return
                source, item, future = pending.popleft()
                yield source, item, future.result()
        finally:
            for *_, future in pending:
                future.cancel()
