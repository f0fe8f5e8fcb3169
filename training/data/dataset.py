"""Sources as one numbered list of images with captions and labels, decoded once where that fits on the disk."""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data import shard_index
from training.data.shard_index import ShardIndex
from training.data.shards import ShardSource
from training.data.source import Item, Source
from training.data.sources import open_source
from training.models.atomic import replacement, write_file
from training.models.cache import cache_dir
from training.models.decoding import ImageError, decode_image
from training.models.errors import UserError
from training.models.parallel import cores
from training.models.preprocess import Preprocessing, preprocess_pixels

# Where an image's class is kept: the first that the images have, names before numbers.
LABEL_COLUMNS = ("label_name", "class_name", "label", "class", "cls", "class_id", "folder")
MOST_CACHED = 2 << 30  # bytes of decoded images that are kept without being asked for
TRIES = 20  # images that may stand in for one that cannot be read


class Listed:
    """The images of a source as a list, with what is said of each.

    templates: captions over its columns. needs_captions: leave out what has none. UserError if nothing is left.
    """

    def __init__(self, source: Source, templates: Sequence[str], needs_captions: bool):
        self.items: list[Item] = []
        self.spoken: list[list[str]] = []
        columns: set[str] = set()
        silent = 0
        for item in source:
            columns |= set(item.metadata)
            said = _filled(templates, item) or item.captions
            if needs_captions and not said:
                silent += 1
                continue
            self.items.append(item)
            self.spoken.append(said)
        if not self.items:
            known = f"it has the columns {', '.join(sorted(columns))}; " if columns else ""
            reason = "no captions" if silent else "no images"
            template = '--caption "a photo of a {label}" makes captions from a column'
            raise UserError(f"{source.name} has {reason}: {known}{template if needs_captions else 'choose another'}.")

    def __len__(self) -> int:
        return len(self.items)

    def item(self, number: int) -> Item:
        return self.items[number]

    def captions(self, number: int) -> list[str]:
        return self.spoken[number]


class Indexed(ShardIndex):
    """The images of very many shards, of which nothing is in memory. They have no labels."""

    def __init__(self, source: ShardSource, templates: Sequence[str], needs_captions: bool):
        super().__init__(source, needs_captions)
        self.templates = templates

    def captions(self, number: int) -> list[str]:
        item = self.item(number)
        return _filled(self.templates, item) or item.captions


class ImageDataset:
    """Every image of some sources, numbered through; no pixels are in memory, and of very many shards nothing is.

    canvas: the side of the square that an image is fitted into when it is read; views are cut from it.
    templates: captions such as "a photo of a {label_name}", over the columns of a source; images that
    have these columns get them in the place of their own captions. needs_captions: leave out what has none.
    """

    def __init__(
        self,
        specs: Sequence[str],
        canvas: int,
        templates: Sequence[str] = (),
        needs_captions: bool = False,
        label_column: str | None = None,
    ):
        self.canvas = canvas
        self.parts: list[Listed | Indexed] = []
        for spec in specs:
            source = open_source(spec)
            many = isinstance(source, ShardSource) and len(source.shards) > shard_index.MANY
            kind: Any = Indexed if many else Listed
            self.parts.append(kind(source, templates, needs_captions))
        self.sizes = [len(part) for part in self.parts]
        self.first = np.concatenate([[0], np.cumsum(self.sizes)])
        self.labels, self.classes = np.broadcast_to(np.int64(-1), len(self)), list[str]()
        if all(isinstance(part, Listed) for part in self.parts):
            self.labels, self.classes = labels_of([self.item(n) for n in range(len(self))], label_column)
        self.decoded: Decoded | None = None

    def __len__(self) -> int:
        return sum(self.sizes)

    def item(self, number: int) -> Item:
        """Image number as its source lists it."""
        part, within = self._place(number)
        return part.item(within)

    def captions(self, number: int) -> list[str]:
        """All that is said of image number."""
        part, within = self._place(number)
        return part.captions(within)

    def _place(self, number: int) -> tuple[Listed | Indexed, int]:
        place = int(np.searchsorted(self.first, number, side="right")) - 1
        return self.parts[place], number - int(self.first[place])

    def fingerprint(self) -> str:
        """Of which images there are, in which order, and of what is said about them."""
        whole = hashlib.sha256()
        for part in self.parts:
            if isinstance(part, Indexed):  # of many shards: their names, sizes and times
                for file in part.files:
                    whole.update(f"{file.name}\n{part.templates}\n".encode())
                continue
            for item, said in zip(part.items, part.spoken, strict=True):
                whole.update(f"{item.path}\0{item.stamp}\0{said}\n".encode())
        return whole.hexdigest()[:16]

    def keep_decoded(self, folder: Path | None = None, most: int = MOST_CACHED) -> bool:
        """Decode everything once into a file below folder, if it takes at most `most` bytes; whether it did."""
        if len(self) * 3 * self.canvas**2 > most:
            return False
        self.decoded = Decoded.of([self.item(n) for n in range(len(self))], self.canvas, folder or cache_dir("decoded"))
        return True

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """Image number as uint8 [3, canvas, canvas]. ImageError or OSError if it cannot be read."""
        if self.decoded is not None:
            return self.decoded.pixels(number)
        return decode(self.item(number), self.canvas)

    def readable(self, number: int, instead: Callable[[int], int]) -> tuple[int, NDArray[np.uint8], list[list[str]]]:
        """The image called number, or the first that stands in for it if it cannot be read.

        instead: the number of a stand-in, by how many were tried. Gives the number of the image, its
        pixels, and [path, reason] of each that could not be read.
        """
        broken: list[list[str]] = []
        for attempt in range(TRIES):
            try:
                return number, self.pixels(number), broken
            except (ImageError, OSError) as error:
                broken.append([self.item(number).path, str(error)])
                number = instead(attempt)
        raise UserError(f"{TRIES} images in a row cannot be read; the last is {broken[-1][0]}: {broken[-1][1]}.")


class Decoded:
    """Images decoded once: uint8 [N, 3, S, S] in a file that every worker and rank maps into memory."""

    def __init__(self, path: Path):
        self.array = np.load(path, mmap_mode="r")
        reasons = path.with_suffix(".txt").read_text().splitlines()
        self.broken = {int(number): reason for number, _, reason in (line.partition(" ") for line in reasons)}

    @classmethod
    def of(cls, items: Sequence[Item], canvas: int, folder: Path) -> "Decoded":
        """The file for these items, made the first time it is asked for."""
        whole = hashlib.sha256(f"{canvas}".encode())
        for item in items:
            whole.update(f"{item.path}\0{item.stamp}\n".encode())
        path = folder / f"{whole.hexdigest()[:24]}.npy"
        if not path.is_file():
            cls._make(items, canvas, path)
        return cls(path)

    @staticmethod
    def _make(items: Sequence[Item], canvas: int, path: Path) -> None:
        with replacement(path) as temporary:
            array = np.lib.format.open_memmap(temporary, "w+", np.uint8, (len(items), 3, canvas, canvas))
            broken = []

            def one(number: int) -> None:
                try:
                    array[number] = decode(items[number], canvas)
                except (ImageError, OSError) as error:
                    broken.append(f"{number} {' '.join(str(error).split())}")

            with ThreadPoolExecutor(cores()) as pool:
                list(pool.map(one, range(len(items)), chunksize=64))
            array.flush()
            # Before the array, whose name says that all is there.
            write_file(path.with_suffix(".txt"), "\n".join(sorted(broken)).encode())

    def pixels(self, number: int) -> NDArray[np.uint8]:
        if number in self.broken:
            raise ImageError(self.broken[number])
        return self.array[number]


def decode(item: Item, canvas: int) -> NDArray[np.uint8]:
    """uint8 [3, canvas, canvas]: the shorter side fitted, the middle of the longer."""
    return preprocess_pixels(decode_image(item.read(), canvas).pixels, Preprocessing(canvas)).transpose(2, 0, 1)


def labels_of(items: Sequence[Item], column: str | None = None) -> tuple[NDArray[np.int64], list[str]]:
    """A number for each image's class, -1 where there is none, and what the numbers stand for.

    column: where the class is kept; left out, the first of LABEL_COLUMNS that any image has. Whole
    numbers stand for themselves; names are numbered in the order of the alphabet.
    """
    known = {name for item in items for name in item.metadata}
    if column is not None and column not in known:
        raise UserError(f"There is no column {column!r} to take labels from; there are {', '.join(sorted(known))}.")
    column = column or next((name for name in LABEL_COLUMNS if name in known), None)
    if column is None:
        return np.full(len(items), -1), []
    values = ["" if (v := item.metadata.get(column)) is None else str(v) for item in items]
    if all(re.fullmatch(r"\d{1,9}", value) for value in values if value):
        numbers = np.array([int(value) if value else -1 for value in values])
        return numbers, [str(number) for number in range(int(numbers.max(initial=-1)) + 1)]
    names = sorted(set(values) - {""})
    number_of = {name: number for number, name in enumerate(names)} | {"": -1}
    return np.array([number_of[value] for value in values]), names


def _filled(templates: Iterable[str], item: Item) -> list[str]:
    """Templates with an image's own columns in their places; those that it lacks a column for are left out."""
    known: dict[str, Any] = {"caption": item.caption, **item.metadata}
    filled = []
    for template in templates:
        wanted = re.findall(r"\{(\w+)\}", template)
        if all(known.get(name) not in (None, "") for name in wanted):
            filled.append(re.sub(r"\{(\w+)\}", lambda match: str(known[match[1]]), template))
    return filled
