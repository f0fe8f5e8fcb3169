"""Any sample of many tar shards at once, without holding them in memory: where each lies, kept on the disk.

Listing a hundred million samples would take hundreds of gigabytes; a few numbers a sample, memory-mapped, do not.
"""

import hashlib
import json
import logging
import multiprocessing
from collections.abc import Hashable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.blocks import PIECE
from training.data.captions import captions_for
from training.data.labels import ClassColumn
from training.data.remote import RemotePath
from training.data.shards import ShardSource
from training.data.source import Item
from training.data.tar_items import block_of, describe, kind_of, sample_item, text_of_member
from training.data.tar_members import MOST_TEXT, Member, name_at, read_at
from training.data.tar_samples import contents_of_shard
from training.models.atomic import write_file
from training.models.cache import cache_dir
from training.models.errors import UserError
from training.models.lru_cache import LRUCache
from training.models.parallel import cores

VERSION = 2  # of what an index holds
MANY = 100  # shards; fewer are simply listed
ALONE = 16  # shards that one process indexes as fast as several would begin to
OPEN = 256  # indices of shards that are mapped at once

# An index is [1 + N, 5 + 3 K]: a row about the shard, of which the first number counts samples without an image, then
# a row for each image: where its header and its bytes begin, its size and time, whether it has a caption, and for
# each of up to K sidecars its kind, offset and size.
HEADER, OFFSET, SIZE, TIME, CAPTIONED, SIDECARS = range(6)


class ShardIndex:
    """Samples of a ShardSource by number.

    needs_captions: leave out those without a caption, of their own or by templates over their columns. without_image,
    without_caption: how many samples are left out.
    """

    def __init__(
        self,
        source: ShardSource,
        needs_captions: bool = False,
        templates: Sequence[str] = (),
        classes: ClassColumn | None = None,
    ):
        self.shards, self.label = source.shards, source.label
        self.needs_captions, self.templates = needs_captions, tuple(templates)
        self.classes = classes or ClassColumn()
        self.files = indexed(source.shards)
        self._mapped: LRUCache[int, NDArray[np.int64]] = LRUCache(OPEN)
        counts, self.without_image, self.without_caption = [], 0, 0
        for number, file in enumerate(self.files):
            index = np.load(file, mmap_mode="r")
            counts.append(len(self._rows(number)))
            self.without_image += int(index[0, 0])
            self.without_caption += len(index) - 1 - counts[-1]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        if not len(self):
            raise UserError(
                f"{source.name} has no images{' with captions' if needs_captions else ''} in it: "
                f"{self.without_caption:,} samples have no caption, {self.without_image:,} no image."
            )

    def __len__(self) -> int:
        return int(self.first[-1])

    def item(self, number: int) -> Item:
        """Sample number as a source would list it; reads its caption, not its image."""
        return self._item(*self._place(number))

    def block(self, number: int) -> Hashable:
        """What is read at once with sample number; reads nothing."""
        shard, row = self._place(number)
        return block_of(shard, int(row[HEADER]))

    def _place(self, number: int) -> tuple[Path | RemotePath, NDArray[np.int64]]:
        """The shard of a sample, and its row in the index."""
        shard = int(np.searchsorted(self.first, number, side="right")) - 1
        rows = self._mapped.get_or_make(shard, lambda: self._rows(shard))
        return self.shards[shard], rows[number - int(self.first[shard])]

    def _item(self, shard: Path | RemotePath, row: NDArray[np.int64]) -> Item:
        header, offset, size, time, _, *rest = row.tolist()
        sidecars = [(kind, at, length) for kind, at, length in zip(*[iter(rest)] * 3, strict=True) if kind]
        described = describe(
            (kind, read_at(shard, at, min(length, MOST_TEXT), header)) for kind, at, length in sidecars
        )
        image = Member(name_at(shard, header, offset), header, offset, size, time)
        return sample_item(shard, self.label(shard), image, described)

    def _rows(self, shard: int) -> NDArray[np.int64]:
        rows: NDArray[np.int64] = np.load(self.files[shard], mmap_mode="r")[1:]
        return rows[self._captioned(shard, rows)] if self.needs_captions else rows

    def pieces(self, shard: int) -> NDArray[np.int64]:
        """Where the pieces of a shard that are read at once end, as numbers of its samples; none without samples."""
        pieces = self._rows(shard)[:, HEADER] // PIECE
        return np.append(np.flatnonzero(np.diff(pieces)) + 1, len(pieces)) if len(pieces) else np.zeros(0, np.int64)

    def _captioned(self, shard: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows have a caption. Those that only templates may give one are read once, and remembered."""
        own = rows[:, CAPTIONED] > 0
        if not self.templates or own.all():
            return own
        name = hashlib.sha256(json.dumps(self.templates).encode()).hexdigest()[:12]
        file = self.files[shard].with_name(f"{self.files[shard].stem}-{name}.npy")
        if not file.is_file():
            path = self.shards[shard]
            made = [
                bool(own[i] or captions_for(self.templates, self._item(path, row), self.classes))
                for i, row in enumerate(rows)
            ]
            write_file(file, lambda out: np.save(out, np.array(made, bool)))
        captioned: NDArray[np.bool_] = np.load(file)
        return captioned


def indexed(shards: Sequence[Path | RemotePath]) -> list[Path]:
    """The file of the index of each shard, made where it is missing."""
    folder = cache_dir("shards")
    files = [folder / f"{_key(shard)}.npy" for shard in shards]
    missing = [(shard, file) for shard, file in zip(shards, files, strict=True) if not file.is_file()]
    if len(missing) <= ALONE:
        for shard, file in missing:
            index_shard(shard, file)
    else:
        with ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(index_shard, *zip(*missing, strict=True), chunksize=4))
    return files


def _key(shard: Path | RemotePath) -> str:
    stat = shard.stat()
    named = f"{VERSION}:{shard.resolve()}:{stat.st_size}:{stat.st_mtime}"
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def index_shard(shard: Path | RemotePath, file: Path) -> None:
    """Index what a shard holds; of one that is damaged, what lies before the damage."""
    contents = contents_of_shard(shard)
    if contents.damage:
        logging.getLogger(__name__).warning(
            "%s is not read to its end (%s): %d samples of it are used", shard, contents.damage, len(contents.samples)
        )
    if contents.broken:
        first = contents.broken[0]
        logging.getLogger(__name__).warning(
            "%s: %d images cannot be read, the first is %s: %s", shard, len(contents.broken), first.name, first.problem
        )
    for note, count in contents.notes.items():
        logging.getLogger(__name__).warning("%s: %d %s", shard, count, note)
    most = max((len(sample.sidecars) for sample in contents.samples), default=0)
    index = np.zeros((1 + len(contents.samples), SIDECARS + 3 * most), np.int64)
    index[0, 0] = contents.without_image
    for row, sample in zip(index[1:], contents.samples, strict=True):
        image = sample.image
        described = describe((kind_of(one), text_of_member(shard, one)) for one in sample.sidecars)
        places = [(kind_of(one), one.offset, one.size) for one in sample.sidecars]
        row[:SIDECARS] = image.header, image.offset, image.size, image.mtime, bool(described.captions)
        row[SIDECARS : SIDECARS + 3 * len(places)] = np.array(places, np.int64).ravel()
    write_file(file, lambda out: np.save(out, index))
