"""Tar shards as img2dataset and open_clip write and read them."""

import json
import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from training.data.folder import printable
from training.data.remote import RemotePath, RemoteStat, path_within
from training.data.source import CAPTION_COLUMNS, Item, Source, caption_lines, first_column, texts_of, unreadable_item
from training.models.formats import IMAGES

MOST_TEXT = 1 << 20  # bytes of a member's caption or metadata that are read


class ShardSource(Source):
    """Tar files in which members of one stem are one sample: 000012.jpg, 000012.txt, 000012.json.

    spec: the name of the source. folder: the one that the shards lie in, in subfolders too, if that was named.
    """

    def __init__(self, spec: str, shards: Sequence[Path | RemotePath], folder: Path | RemotePath | None = None):
        self.name = spec
        self.shards, self.folder = shards, folder

    def label(self, shard: Path | RemotePath) -> str:
        """What paths of a shard's members begin with: its name, or its path within the folder of the source."""
        return printable(path_within(shard, self.folder) if self.folder is not None else shard.name)

    def __iter__(self) -> Iterator[Item]:
        broken = []
        for shard in self.shards:
            try:
                yield from self._samples(shard)
            except (tarfile.TarError, OSError, ValueError, OverflowError) as error:
                broken.append(f"{self.label(shard)}/")
                yield unreadable_item(self.label(shard), f"the shard is cut short or is no uncompressed tar: {error}")
        self.unreadable = tuple(broken)

    def _samples(self, shard: Path | RemotePath) -> Iterator[Item]:
        stat = shard.stat()
        # Uncompressed only, so that a member can be read in place.
        with shard.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            sample: dict[str, tarfile.TarInfo] = {}
            stem = None
            try:
                for member in tar:
                    if not member.isfile():
                        continue
                    here, ending = split_member(printable(member.name))
                    if here != stem:
                        yield from self._item(shard, tar, stem, sample, stat)
                        stem, sample = here, {}
                    sample[ending] = member
            except (tarfile.TarError, OSError, ValueError, OverflowError):
                yield from self._item(shard, tar, stem, sample, stat)  # it may be whole before the cut
                raise
            yield from self._item(shard, tar, stem, sample, stat)

    def _item(
        self,
        shard: Path | RemotePath,
        tar: tarfile.TarFile,
        stem: str | None,
        sample: dict[str, tarfile.TarInfo],
        stat: os.stat_result | RemoteStat,
    ) -> Iterator[Item]:
        sample = {ending: member for ending, member in sample.items() if is_inside(member, stat.st_size)}
        image = next((member for ending, member in sample.items() if ending in IMAGES), None)
        if stem is None or image is None:
            return
        metadata = self._metadata(tar, sample)
        captions = caption_lines(_text(tar, sample[".txt"])) if ".txt" in sample else []
        column = first_column(CAPTION_COLUMNS, list(metadata))
        if column:
            in_metadata = texts_of(metadata.pop(column))
            captions = captions or in_metadata
        yield Item(
            path=f"{self.label(shard)}/{printable(image.name)}",
            stamp=f"{image.size}:{image.mtime}:{image.offset_data}:{stat.st_mtime}",
            modified=float(image.mtime or stat.st_mtime),
            read=partial(read_at, shard, image.offset_data, image.size),
            captions=tuple(caption.strip() for caption in captions),
            metadata=metadata,
        )

    def _metadata(self, tar: tarfile.TarFile, sample: dict[str, tarfile.TarInfo]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if ".json" in sample:
            try:
                loaded = json.loads(_text(tar, sample[".json"]))
                found = loaded if isinstance(loaded, dict) else {}
            except ValueError:
                found = {}
        if ".cls" in sample:
            found["cls"] = _text(tar, sample[".cls"]).strip()
        return found


def is_inside(member: tarfile.TarInfo, length: int) -> bool:
    """Whether the file is long enough to hold what a header promises; a header can promise anything."""
    return 0 <= member.size <= length - member.offset_data


def split_member(name: str) -> tuple[str, str]:
    """A member's name as stem and ending; the ending starts at the first dot of its last part."""
    path = PurePosixPath(name)
    stem, dot, ending = path.name.partition(".")
    return str(path.with_name(stem or path.name)), (dot + ending).lower()


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member)
    return file.read(MOST_TEXT).decode("utf-8", "replace") if file else ""


def read_at(shard: Path | RemotePath, offset: int, size: int) -> bytes:
    """size bytes of a shard from offset on."""
    if isinstance(shard, RemotePath):
        return shard.read_part(offset, size)
    with shard.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def expand_braces(spec: str) -> list[str]:
    """`shards/{00000..00099}.tar` as its hundred names; a name without braces as itself."""
    match = re.search(r"\{(\d+)\.\.(\d+)\}", spec)
    if not match:
        return [spec]
    first, last = match.groups()
    names = (str(number).zfill(len(first)) for number in range(int(first), int(last) + 1))
    return [rest for name in names for rest in expand_braces(spec[: match.start()] + name + spec[match.end() :])]
