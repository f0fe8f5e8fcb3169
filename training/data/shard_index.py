"""Any sample of many tar shards at once, without holding them in memory: where each lies, kept on the disk.

Listing a hundred million samples would take hundreds of gigabytes; six numbers a sample, memory-mapped, do not.
"""

import hashlib
import json
import logging
import multiprocessing
import tarfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.folder import printable
from training.data.remote import RemotePath
from training.data.shards import MOST_TEXT, ShardSource, is_inside, read_at, split_member
from training.data.source import CAPTION_COLUMNS, Item, caption_lines, first_column, texts_of
from training.models.atomic import write_file
from training.models.cache import cache_dir
from training.models.errors import UserError
from training.models.formats import IMAGES
from training.models.lru_cache import LRUCache
from training.models.parallel import cores

MANY = 100  # shards; fewer are simply listed
ALONE = 16  # shards that one process indexes as fast as several would begin to
OPEN = 256  # indices of shards that are mapped at once


class ShardIndex:
    """Samples of a ShardSource by number. needs_captions: leave out those with neither .txt nor .json."""

    def __init__(self, source: ShardSource, needs_captions: bool = False):
        self.shards, self.label, self.needs_captions = source.shards, source.label, needs_captions
        self.files = indexed(source.shards)
        counts = [len(self._rows(number)) for number in range(len(self.files))]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        if not len(self):
            raise UserError(f"{source.name} has no images{' with captions' if needs_captions else ''} in it.")
        self._mapped: LRUCache[int, NDArray[np.int64]] = LRUCache(OPEN)

    def __len__(self) -> int:
        return int(self.first[-1])

    def _rows(self, shard: int) -> NDArray[np.int64]:
        rows = np.load(self.files[shard], mmap_mode="r")
        return rows[(rows[:, 3] > 0) | (rows[:, 5] > 0)] if self.needs_captions else rows

    def item(self, number: int) -> Item:
        """Sample number as a source would list it; reads its caption, not its image."""
        shard = int(np.searchsorted(self.first, number, side="right")) - 1
        path = self.shards[shard]
        row = self._mapped.get_or_make(shard, lambda: self._rows(shard))[number - int(self.first[shard])].tolist()
        captions = caption_lines(_text(path, row[2], row[3]))
        metadata = _facts(_text(path, row[4], row[5]))
        column = first_column(CAPTION_COLUMNS, list(metadata))
        captions = captions or (texts_of(metadata.pop(column)) if column else [])
        return Item(
            path=f"{self.label(path)}/{printable(_name(path, row[0]))}",
            stamp=f"{row[1]}:{row[0]}",
            modified=0.0,
            read=partial(read_at, path, row[0], row[1]),
            captions=tuple(caption.strip() for caption in captions),
            metadata=metadata,
        )


def indexed(shards: Sequence[Path | RemotePath]) -> list[Path]:
    """The index of each shard, made where it is missing: offset and size of image, caption and metadata, [N, 6]."""
    folder = cache_dir("shards")
    files = [folder / f"{_key(shard)}.npy" for shard in shards]
    missing = [(shard, file) for shard, file in zip(shards, files, strict=True) if not file.is_file()]
    if len(missing) <= ALONE:
        for shard, file in missing:
            _index(shard, file)
    else:
        with ProcessPoolExecutor(cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(_index, *zip(*missing, strict=True), chunksize=4))
    return files


def _key(shard: Path | RemotePath) -> str:
    stat = shard.stat()
    return hashlib.sha256(f"{shard.resolve()}:{stat.st_size}:{stat.st_mtime}".encode()).hexdigest()[:24]


def _index(shard: Path | RemotePath, file: Path) -> None:
    """Index what a shard holds; of one that is cut short, what lies before the cut."""
    rows: list[list[int]] = []
    stem, length = None, shard.stat().st_size
    try:
        with shard.open("rb") as opened, tarfile.open(fileobj=opened, mode="r:") as tar:
            for member in tar:
                tar.members = []  # type: ignore[attr-defined]  # it would remember all of them
                if not member.isfile():
                    continue
                here, ending = split_member(member.name)
                if here != stem:
                    stem = here
                    rows.append([0] * 6)
                column = 0 if ending in IMAGES else {".txt": 2, ".json": 4}.get(ending)
                if column is not None and not rows[-1][column + 1] and is_inside(member, length):
                    rows[-1][column : column + 2] = [member.offset_data, member.size]
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
        logging.getLogger(__name__).warning(
            "%s is cut short or is no uncompressed tar (%s): %d samples of it are used", shard, error, len(rows)
        )
    array = np.array([row for row in rows if row[1]], np.int64).reshape(-1, 6)
    write_file(file, lambda out: np.save(out, array))


def _text(shard: Path | RemotePath, offset: int, size: int) -> str:
    return read_at(shard, offset, min(size, MOST_TEXT)).decode("utf-8", "replace") if size else ""


def _facts(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _name(shard: Path | RemotePath, offset: int) -> str:
    """A member's name, from the header that lies before its data."""
    try:
        return tarfile.TarInfo.frombuf(read_at(shard, offset - 512, 512), "utf-8", "surrogateescape").name
    except tarfile.TarError:
        return f"at byte {offset}"
