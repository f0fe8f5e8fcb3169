"""Sources as one numbered list of images with captions and labels."""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.data.blocks import hold, read_ahead
from training.data.captions import check_columns
from training.data.content import content_fingerprint
from training.data.gpu_jpeg import for_gpu
from training.data.item_lists import IndexedItems, ItemList, list_items
from training.data.labels import ClassColumn, labels_of
from training.data.pixel_cache import MOST_CACHED, PixelCache
from training.data.source import Item
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.models.decoding import ImageError, decode_image
from training.models.errors import UserError
from training.models.preprocess import Preprocessing, preprocess_pixels

WINDOW = 2048  # images that a window of shuffling has by default
MEASURED = 16  # images of a source whose size is looked at
TRIES = 20  # images that may stand in for one that cannot be read


class ImageDataset:
    """Every image of some sources, numbered through; no pixels are in memory, and of very many shards nothing is.

    canvas: the side of the square that a whole image is resized to when it is read; views are cut from it. It may be
    set until the first is read.
    templates: captions such as "a photo of a {label_name}", over the columns of a source; images that
    have these columns get them in the place of their own captions; UserError for one that no image has the columns
    of. needs_captions: leave out what has none.
    classes: where classes are kept. tables: how to read tables. jpegs_for_gpu: whether `whole` gives ordinary JPEGs
    as they are; it may be set until the first is read, and is of no effect for cached pixels.
    """

    def __init__(
        self,
        specs: Sequence[str],
        canvas: int,
        templates: Sequence[str] = (),
        needs_captions: bool = False,
        classes: ClassColumn | None = None,
        tables: TableOptions | None = None,
    ):
        self.canvas = canvas
        classes = classes or ClassColumn()
        tables = tables or TableOptions()
        sources = [open_source(spec, tables=tables) for spec in specs]
        tables.check_used(any(source.is_table for source in sources))
        used = [templates or ([] if source.is_table else tables.as_template()) for source in sources]
        self.parts = [list_items(one, its, needs_captions, classes) for one, its in zip(sources, used, strict=True)]
        if any(used):
            columns = {name for part in self.parts for name in part.columns}
            check_columns(chain(*used), columns, classes, " and ".join(specs))
        self.sizes = [len(part) for part in self.parts]
        self.first = np.concatenate([[0], np.cumsum(self.sizes)])
        self.labels, self.classes = np.broadcast_to(np.int64(-1), len(self)), list[str]()
        if all(isinstance(part, ItemList) for part in self.parts):
            self.labels, self.classes = labels_of([self.item(n) for n in range(len(self))], classes)
        self.cache: PixelCache | None = None
        self.parts_held = 0
        self.jpegs_for_gpu = False

    def __len__(self) -> int:
        return sum(self.sizes)

    def usage(self) -> str:
        """How many of the samples are used and why others are not, as a sentence; "" if all are."""
        left_out = {
            "caption": sum(part.without_caption for part in self.parts),
            "image": sum(part.without_image for part in self.parts),
        }
        if not any(left_out.values()):
            return ""
        why = ", ".join(f"{count:,} without {what}" for what, count in left_out.items() if count)
        return f"{len(self):,} of {len(self) + sum(left_out.values()):,} samples used: {why}"

    @property
    def notes(self) -> list[str]:
        """What sources say of how they were read."""
        return [note for part in self.parts if isinstance(part, ItemList) for note in part.notes]

    def item(self, number: int) -> Item:
        """Image number as its source lists it."""
        part, within = self._place(number)
        return part.item(within)

    def captions(self, number: int) -> list[str]:
        """All captions of image number."""
        part, within = self._place(number)
        return part.captions(within)

    def _place(self, number: int) -> tuple[ItemList | IndexedItems, int]:
        place = int(np.searchsorted(self.first, number, side="right")) - 1
        return self.parts[place], number - int(self.first[place])

    def fingerprint(self) -> str:
        """Of which images there are, in which order, and of what is said about them."""
        whole = hashlib.sha256()
        for part in self.parts:
            for line in part.fingerprint_lines():
                whole.update(line.encode())
        return whole.hexdigest()[:16]

    def content(self) -> str:
        """The same, without times and places, and of the bytes of some images: equal for a copy of the data."""
        lines = (line for part in self.parts for line in part.content_lines())
        labels = [*self.classes, *map(str, self.labels.tolist())] if self.classes else []
        return content_fingerprint(chain(lines, labels), len(self), self.item)

    def window(self, asked: int | None, most: int) -> int:
        """How many images a window of shuffling has at least, 0 to shuffle all.

        asked: by the user; None decides by the data: a whole shuffle of a parquet file reads a row group for each
        image, unless the pixels are cached. most: bytes of the cache.
        """
        in_parquet = any(isinstance(part, ItemList) and part.in_row_groups for part in self.parts)
        if asked is None:
            asked = WINDOW if in_parquet and len(self) * 3 * self.canvas**2 > most else 0
        return asked if asked < len(self) else 0

    def read_ahead(self, samples: NDArray[np.int64]) -> None:
        """Read the parts that some images lie in at once, before they are read one by one."""
        if self.parts_held and self.cache is None:
            hold(self.parts_held)
            first = {self._block(sample): sample for sample in samples.tolist()}
            read_ahead([partial(self._read, sample) for block, sample in first.items() if block is not None])

    def _block(self, number: int) -> Hashable:
        part, within = self._place(number)
        return part.block(within)

    def _read(self, number: int) -> bytes:
        return self.item(number).read()

    def longest_side(self) -> int:
        """The longest side of the first images of each source in pixels.

        UserError if none of them can be read, and none of as many others.
        """
        near = [first + n for first, size in zip(self.first, self.sizes, strict=False) for n in range(size)[:MEASURED]]
        far = np.linspace(0, len(self) - 1, MEASURED).astype(int).tolist()
        problems: list[str] = []
        for numbers in (near, far):
            longest = max((self._side(int(number), problems) for number in numbers), default=0)
            if longest:
                return longest
        raise UserError(f"None of {len(problems)} images that were looked at can be read; the first is {problems[0]}.")

    def _side(self, number: int, problems: list[str]) -> int:
        """The longer side of an image in pixels; 0 if it cannot be read, which is added to problems."""
        item = self.item(number)
        try:
            image = decode_image(item.read(), 1)
        except (ImageError, OSError) as error:
            problems.append(f"{item.path}: {error}")
            return 0
        return max(image.width, image.height)

    def cache_pixels(self, most: int = MOST_CACHED) -> None:
        """Decode everything once into a file, if it takes at most `most` bytes."""
        if len(self) * 3 * self.canvas**2 > most:
            return  # before all items are listed, of which there may be very many
        items = [self.item(n) for n in range(len(self))]

        def load(item: Item) -> NDArray[np.uint8]:
            return read_whole(item, self.canvas).packed()

        self.cache = PixelCache.of(items, load, (3 * self.canvas**2 + 4,), f"whole {self.canvas}", most)

    def whole(self, number: int) -> "WholeImage":
        """Image number on the canvas, or its bytes for a GPU. ImageError or OSError if it cannot be read."""
        if self.cache is None:
            return read_whole(self.item(number), self.canvas, self.jpegs_for_gpu)
        return WholeImage.unpacked(self.cache.pixels(number), self.canvas)

    def readable(self, number: int, instead: Callable[[int], int]) -> tuple[int, "WholeImage", list[list[str]]]:
        """The image called number, or the first that stands in for it if it cannot be read.

        instead: the number of a stand-in, by how many were tried. Gives the number of the image, the image, and
        [path, reason] of each that could not be read.
        """
        broken: list[list[str]] = []
        for attempt in range(TRIES):
            try:
                return number, self.whole(number), broken
            except (ImageError, OSError) as error:
                broken.append([self.item(number).path, str(error)])
                number = instead(attempt)
        raise UserError(f"{TRIES} images in a row cannot be read; the last is {broken[-1][0]}: {broken[-1][1]}.")


class WholeImage(NamedTuple):
    """pixels: uint8 [3, canvas, canvas], a whole image resized to a square. aspect: its width over its height.

    jpeg: the bytes of one that a GPU decodes, which has no pixels yet.
    """

    pixels: NDArray[np.uint8]
    aspect: float
    jpeg: bytes = b""

    def packed(self) -> NDArray[np.uint8]:
        """Both in a row of bytes, for the cache."""
        return np.concatenate([self.pixels.ravel(), np.array([self.aspect], np.float32).view(np.uint8)])

    @classmethod
    def unpacked(cls, row: NDArray[np.uint8], canvas: int) -> "WholeImage":
        """From a row of bytes."""
        return cls(row[:-4].reshape(3, canvas, canvas), float(row[-4:].view(np.float32)[0]))


def read_whole(item: Item, canvas: int, jpegs_for_gpu: bool = False) -> WholeImage:
    """Read one image, and decode it unless a GPU does. ImageError or OSError if it cannot be read."""
    data = item.read()
    if jpegs_for_gpu and (aspect := for_gpu(data, canvas)):
        return WholeImage(np.zeros((0, canvas, canvas), np.uint8), aspect, data)
    image = decode_image(data, canvas)
    pixels = preprocess_pixels(image.pixels, Preprocessing(canvas, "squash"))
    return WholeImage(pixels.transpose(2, 0, 1), image.width / image.height)
