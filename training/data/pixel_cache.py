"""Images decoded and preprocessed once: pixels in a file that every worker and rank maps into memory."""

import hashlib
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.source import Item
from training.models.atomic import replacement, write_file
from training.models.cache import cache_dir
from training.models.decoding import ImageError
from training.models.parallel import cores, ordered_map

MOST_CACHED = 2 << 30  # bytes of pixels that are kept on the disk without being asked for
ITEMS_AHEAD = 256  # images that wait for a thread

LoadPixels = Callable[[Item], NDArray[np.uint8]]


class PixelCache:
    """uint8 [N, *shape], and the reason for each image that cannot be read."""

    def __init__(self, path: Path):
        self.array = np.load(path, mmap_mode="r")
        reasons = path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
        self.unreadable = {int(number): reason for number, _, reason in (line.partition(" ") for line in reasons)}

    @classmethod
    def of(
        cls,
        items: Sequence[Item],
        load: LoadPixels,
        shape: tuple[int, ...],
        variant: str,
        most: int = MOST_CACHED,
        folder: Path | None = None,
    ) -> "PixelCache | None":
        """The pixels of items, made the first time they are asked for; None if they take over `most` bytes.

        load: gives uint8 of this shape, or raises ImageError or OSError. variant: names what load does.
        """
        if len(items) * math.prod(shape) > most:
            return None
        whole = hashlib.sha256(variant.encode())
        for item in items:
            whole.update(f"{item.path}\0{item.stamp}\n".encode())
        path = (folder or cache_dir("decoded")) / f"{whole.hexdigest()[:24]}.npy"
        if not path.is_file():
            _write(path, items, load, shape)
        return cls(path)

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """Of image number. ImageError with the reason if it could not be read."""
        if number in self.unreadable:
            raise ImageError(self.unreadable[number])
        return self.array[number]


def _write(path: Path, items: Sequence[Item], load: LoadPixels, shape: tuple[int, ...]) -> None:
    unreadable: list[str] = []
    with replacement(path) as temporary:
        array = np.lib.format.open_memmap(temporary, "w+", np.uint8, (len(items), *shape))

        def write(number: int) -> None:
            try:
                array[number] = load(items[number])
            except (ImageError, OSError) as error:
                unreadable.append(f"{number} {' '.join(str(error).split())}")

        with ThreadPoolExecutor(cores()) as pool:
            for _ in ordered_map(write, range(len(items)), pool, ITEMS_AHEAD):
                pass
        array.flush()
        # Before the array, whose name says that all is there.
        write_file(path.with_suffix(".txt"), "\n".join(sorted(unreadable)).encode())
