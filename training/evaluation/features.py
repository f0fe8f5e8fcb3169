"""A data set embedded once, so that every probe reuses it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.dataset import labels_of
from training.data.source import Item
from training.data.sources import open_source
from training.models.decoding import ImageError, decode_image
from training.models.encoder import BATCH, Encoder, Vectors
from training.models.errors import UserError
from training.models.parallel import cores

Progress = Callable[[int, int], object]  # images done, of how many


@dataclass(frozen=True)
class Features:
    """Images of a source with their embeddings.

    name: of the source. images: [N, D], unit rows. labels: [N], -1 where there is no class; classes: what the
    numbers stand for. items: as they came, for captions and for looking at them. unreadable: path and reason.
    """

    name: str
    items: list[Item]
    images: Vectors
    labels: NDArray[np.int64]
    classes: list[str]
    unreadable: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.items)

    def image(self, number: int) -> Image.Image:
        """Image number, upright RGB."""
        return decode_image(self.items[number].read()).image

    def pick(self, numbers: NDArray[np.integer]) -> "Features":
        """Some of them."""
        return replace(
            self,
            items=[self.items[number] for number in numbers],
            images=self.images[numbers],
            labels=self.labels[numbers],
        )

    def sample(self, most: int, seed: int = 0) -> "Features":
        """At most so many, the same ones each time."""
        return self if len(self) <= most else self.pick(_order(len(self), seed)[:most])

    def halves(self, seed: int = 0) -> tuple["Features", "Features"]:
        """Two parts without an image in common and with half of each class, the same ones each time.

        A class of one image is in neither.
        """
        first, second = halves_by_class(self.labels, seed)
        return self.pick(first), self.pick(second)

    @property
    def labelled(self) -> "Features":
        """Those with a class."""
        return self.pick(np.flatnonzero(self.labels >= 0))

    @property
    def captioned(self) -> "Features":
        """Those with a caption."""
        return self.pick(np.array([i for i, item in enumerate(self.items) if item.captions], np.int64))


def embed_source(
    encoder: Encoder,
    spec: str,
    label_column: str | None = None,
    most: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Features:
    """Every readable image of the source that spec names, embedded.

    label_column: where the class is kept; left out, the first column that looks like one. most: take a sample
    of so many. UserError if there is no image that can be read.
    """
    source = open_source(spec)
    items = list(source)
    if most is not None and len(items) > most:
        items = [items[number] for number in np.sort(_order(len(items), 0)[:most])]
    labels, classes = labels_of(items, label_column)
    rows: list[Vectors] = []
    kept: list[int] = []
    unreadable: list[tuple[str, str]] = []
    for start in range(0, len(items), 4 * BATCH):
        here = range(start, min(start + 4 * BATCH, len(items)))
        read = _prepared(encoder, [items[number] for number in here])
        good = []
        for number, pixels in zip(here, read, strict=True):
            if isinstance(pixels, str):
                unreadable.append((items[number].path, pixels))
            else:
                good.append(pixels)
                kept.append(number)
        rows += [encoder.embed_pixels(np.stack(good[i : i + BATCH])) for i in range(0, len(good), BATCH)]
        progress(here.stop, len(items))
    if not kept:
        reason = f"; the first: {unreadable[0][1]}" if unreadable else ""
        raise UserError(f"{spec} has no image that can be read{reason}.")
    numbers = np.array(kept)
    return Features(source.name, [items[i] for i in kept], np.concatenate(rows), labels[numbers], classes, unreadable)


def _prepared(encoder: Encoder, items: Sequence[Item]) -> Iterator[NDArray[np.uint8] | str]:
    """Each image as the tower takes it, or the reason why it cannot be read."""

    def one(item: Item) -> NDArray[np.uint8] | str:
        try:
            return encoder.preprocess(decode_image(item.read(), encoder.image_size).image)
        except (ImageError, OSError) as error:
            return str(error)

    with ThreadPoolExecutor(cores()) as pool:
        yield from pool.map(one, items)


def halves_by_class(labels: NDArray[np.int64], seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of two parts with half of each class; classes below 0 and of a single row are in neither."""
    order = _order(len(labels), seed)
    first: list[int] = []
    second: list[int] = []
    for label in np.unique(labels[labels >= 0]):
        members = order[labels[order] == label]
        if len(members) > 1:
            first += members[: len(members) // 2].tolist()
            second += members[len(members) // 2 :].tolist()
    return np.sort(np.array(first, np.int64)), np.sort(np.array(second, np.int64))


def _order(count: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(count)
