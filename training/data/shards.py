"""Tar shards as img2dataset and open_clip write and read them."""

import json
import re
import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from training.data.folder import PICTURES
from training.data.source import CAPTION_COLUMNS, Item, Source, caption_lines, first_column, texts_of
from training.models.errors import UserError

MOST_TEXT = 1 << 20  # bytes of a member's caption or metadata that are read


class ShardSource(Source):
    """Tar files in which members of one stem are one sample: 000012.jpg, 000012.txt, 000012.json."""

    def __init__(self, spec: str, shards: list[Path]):
        self.name = spec
        self.shards = shards

    def __iter__(self) -> Iterator[Item]:
        for shard in self.shards:
            yield from self._samples(shard)

    def _samples(self, shard: Path) -> Iterator[Item]:
        stat = shard.stat()
        try:
            with tarfile.open(shard, "r:") as tar:  # uncompressed only, so that a member can be read in place
                sample: dict[str, tarfile.TarInfo] = {}
                stem = None
                for member in tar:
                    if not member.isfile():
                        continue
                    here, ending = split_member(member.name)
                    if here != stem:
                        yield from self._item(shard, tar, stem, sample, stat.st_mtime)
                        stem, sample = here, {}
                    sample[ending] = member
                yield from self._item(shard, tar, stem, sample, stat.st_mtime)
        except tarfile.TarError as error:
            raise UserError(f"{shard} cannot be read as an uncompressed tar: {error}.") from error

    def _item(
        self, shard: Path, tar: tarfile.TarFile, stem: str | None, sample: dict[str, tarfile.TarInfo], modified: float
    ) -> Iterator[Item]:
        picture = next((member for ending, member in sample.items() if ending in PICTURES), None)
        if stem is None or picture is None:
            return
        metadata = self._metadata(tar, sample)
        said = caption_lines(_text(tar, sample[".txt"])) if ".txt" in sample else []
        column = first_column(CAPTION_COLUMNS, list(metadata))
        if column:
            own = texts_of(metadata.pop(column))
            said = said or own
        yield Item(
            path=f"{shard.name}/{picture.name}",
            stamp=f"{picture.size}:{picture.mtime}:{picture.offset_data}:{modified}",
            modified=float(picture.mtime or modified),
            read=partial(_read_at, shard, picture.offset_data, picture.size),
            caption=said[0].strip() if said else "",
            metadata=metadata,
            further=tuple(text.strip() for text in said[1:]),
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


def split_member(name: str) -> tuple[str, str]:
    """A member's name as stem and ending; the ending starts at the first dot of its last part."""
    path = PurePosixPath(name)
    stem, dot, ending = path.name.partition(".")
    return str(path.with_name(stem or path.name)), (dot + ending).lower()


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member)
    return file.read(MOST_TEXT).decode("utf-8", "replace") if file else ""


def _read_at(shard: Path, offset: int, size: int) -> bytes:
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
