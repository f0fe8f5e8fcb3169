"""A data set embedded once, so that every probe reuses it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.labels import ClassColumn, labels_of
from training.data.pipeline import PreprocessedImage, embed_stream, load_pixels
from training.data.source import Item
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.models.decoding import decode_image
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError
from training.models.ranks import rank, tell, world_size

Progress = Callable[[int, int], object]  # images done, of how many
# encoder, spec, where its class is, progress, how to read a table
Embedded = tuple[int, NDArray[np.float32] | None, str]  # item number, vector, or the reason why there is none
EmbedSource = Callable[[Encoder, str, ClassColumn, Progress, TableOptions | None], "Features"]


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

    def subset(self, numbers: NDArray[np.integer]) -> "Features":
        """The images of these numbers."""
        return replace(
            self,
            items=[self.items[number] for number in numbers],
            images=self.images[numbers],
            labels=self.labels[numbers],
        )

    def sample(self, most: int, seed: int = 0) -> "Features":
        """At most so many, the same ones each time."""
        return self if len(self) <= most else self.subset(_order(len(self), seed)[:most])

    def halves(self, seed: int = 0) -> tuple["Features", "Features"]:
        """Two parts without an image in common and with half of each class, the same ones each time.

        A class of one image is in neither.
        """
        first, second = halves_by_class(self.labels, seed)
        return self.subset(first), self.subset(second)

    @property
    def labelled(self) -> "Features":
        """Those with a class."""
        return self.subset(np.flatnonzero(self.labels >= 0))

    @property
    def captioned(self) -> "Features":
        """Those with a caption."""
        return self.subset(np.array([i for i, item in enumerate(self.items) if item.captions], np.int64))


@dataclass(frozen=True)
class SourceItems:
    """The items of a source before they are read. labels: [N], -1 where there is no class; classes: what they mean."""

    name: str
    items: list[Item]
    labels: NDArray[np.int64]
    classes: list[str]


def list_source(spec: str, classes: ClassColumn | None = None, tables: TableOptions | None = None) -> SourceItems:
    """Every item of the source that spec names. classes: where its class is kept. tables: how to read a table."""
    source = open_source(spec, tables=tables)
    items = list(source)
    return SourceItems(source.name, items, *labels_of(items, classes))


def embed_items(
    encoder: Encoder,
    listed: SourceItems,
    load: Callable[[int], PreprocessedImage],
    progress: Progress = lambda done, total: None,
) -> Features:
    """Every readable item, embedded. load: item number, preprocessed. UserError if none can be read.

    Each rank of a run embeds its share, and every rank gets all.
    """
    found: list[Embedded] = []
    share = range(rank(), len(listed.items), world_size())
    for batch in embed_stream(share, load, encoder):
        found += [(one.input, one.vector, one.error) for one in batch]
        progress(len(found), len(share))
    of_all = sorted(chain.from_iterable(tell(found)), key=itemgetter(0))
    unreadable = [(listed.items[number].path, error) for number, vector, error in of_all if vector is None]
    readable = [(number, vector) for number, vector, _ in of_all if vector is not None]
    if not readable:
        reason = f"; the first: {unreadable[0][1]}" if unreadable else ""
        raise UserError(f"{listed.name} has no image that can be read{reason}.")
    numbers = [number for number, _ in readable]
    rows = np.stack([vector for _, vector in readable])
    items = [listed.items[number] for number in numbers]
    return Features(listed.name, items, rows, listed.labels[numbers], listed.classes, unreadable)


def embed_source(
    encoder: Encoder,
    spec: str,
    classes: ClassColumn | None = None,
    progress: Progress = lambda done, total: None,
    tables: TableOptions | None = None,
) -> Features:
    """Every readable image of the source that spec names, embedded; see list_source and embed_items."""
    listed = list_source(spec, classes, tables)
    return embed_items(encoder, listed, lambda number: load_pixels(listed.items[number], encoder), progress)


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
