"""Tar shards as img2dataset, open_clip, webdataset and tar itself write them."""

from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from training.data.folder import printable
from training.data.remote import RemotePath, path_within
from training.data.source import Item, PassedOver, Source, unreadable_item
from training.data.tar_items import describe, kind_of, sample_item, text_of_member
from training.data.tar_samples import contents_of_shard

NOT_JSON = "files of metadata cannot be read as JSON"


class ShardSource(Source):
    """Tar files with images, and the captions and metadata that belong to them by their names, see tar_samples.py.

    spec: the name of the source. folder: the one that the shards lie in, in subfolders too, if that was named.
    """

    def __init__(self, spec: str, shards: Sequence[Path | RemotePath], folder: Path | RemotePath | None = None):
        self.name = spec
        self.shards, self.folder = shards, folder

    def label(self, shard: Path | RemotePath) -> str:
        """What paths of a shard's members begin with: its name, or its path within the folder of the source."""
        return printable(path_within(shard, self.folder) if self.folder is not None else shard.name)

    def __iter__(self) -> Iterator[Item]:
        broken: list[str] = []
        self._passed_over: list[PassedOver] = []
        self._notes: Counter[str] = Counter()
        self.without_image = 0
        for shard in self.shards:
            label = self.label(shard)
            try:
                damage = yield from self._items(shard, label)
            except OSError as error:
                damage = f"it cannot be read: {error}"
            if damage:
                broken.append(f"{label}/")
                yield unreadable_item(label, f"the shard is not read to its end: {damage}")
        self.unreadable, self.passed_over = tuple(broken), self._passed_over
        self.notes = tuple(f"{count:,} {note}" for note, count in self._notes.items())

    def find(self, path: str) -> Item | None:
        """The image at path: only the shard that it names is looked through."""
        named = [shard for shard in self.shards if path.startswith(f"{self.label(shard)}/")]
        every = iter(ShardSource(self.name, named, self.folder))
        return next((item for item in every if item.path == path), None)

    def _items(self, shard: Path | RemotePath, label: str) -> Generator[Item, None, str]:
        contents = contents_of_shard(shard)
        for sample in contents.samples:
            described = describe((kind_of(one), text_of_member(shard, one)) for one in sample.sidecars)
            contents.notes[NOT_JSON] += described.unreadable
            yield sample_item(shard, label, sample.image, described)
        for member in contents.broken:
            path = f"{label}/{member.name}"
            if contents.damage:  # as of all that lies behind the cut, it is not known whether the image is gone
                self._passed_over.append(PassedOver(path, "unreadable", member.problem))
            else:
                yield unreadable_item(path, member.problem)
        self._passed_over += [replace(one, path=f"{label}/{one.path}") for one in contents.passed_over]
        self._notes += contents.notes
        self.without_image += contents.without_image
        return contents.damage
