"""The items of a source by number, each with the captions to train with: in memory, or by an index of many shards."""

from collections.abc import Collection, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from training.data import shard_index
from training.data.blocks import ends_of
from training.data.captions import captions_for, check_columns, column_of
from training.data.content import size_in
from training.data.labels import ClassColumn
from training.data.shard_index import ShardIndex
from training.data.shards import ShardSource
from training.data.source import Item, Source
from training.models.errors import UserError

LISTED = 100  # images of very many shards whose columns are looked at


class ItemList:
    """The items of a source in memory, each with the captions to train with.

    templates: captions over its columns. needs_captions: leave out what has none. without_image, without_caption: how
    many samples are left out. UserError if nothing is left.
    """

    def __init__(self, source: Source, templates: Sequence[str], needs_captions: bool, classes: ClassColumn):
        self.items: list[Item] = []
        self.captions_of: list[list[str]] = []
        self.without_image = self.without_caption = 0
        self.columns: set[str] = set()
        refused = ""
        for item in source:
            if item.refusal is not None:
                self.without_image += 1
                refused = refused or f"{item.path}: {item.refusal}"
                continue
            self.columns |= {*item.metadata, *(["caption"] if item.captions else [])}
            captions = captions_for(templates, item, classes)
            if needs_captions and not captions:
                self.without_caption += 1
                continue
            self.items.append(item)
            self.captions_of.append(captions)
        self.without_image += source.without_image
        self.notes = source.notes
        if not self.items and self.without_caption:
            check_columns(templates, self.columns, classes, source.name)
            raise UserError(f"{source.name} has no captions: {_instead_of_captions(self.columns, classes)}.")
        if not self.items:
            raise UserError(f"{source.name} has no images: {refused or 'choose another source with --data'}.")
        self.in_row_groups = source.reads_whole_blocks and self.items[0].block is not None

    def __len__(self) -> int:
        return len(self.items)

    def item(self, number: int) -> Item:
        return self.items[number]

    def block(self, number: int) -> Hashable:
        """What is read at once with it, None if nothing is."""
        return self.items[number].block

    def captions(self, number: int) -> list[str]:
        return self.captions_of[number]

    def fingerprint_lines(self) -> list[str]:
        """Which images there are, and what is said about them."""
        pairs = zip(self.items, self.captions_of, strict=True)
        return [f"{item.path}\0{item.stamp}\0{captions}\n" for item, captions in pairs]

    def block_ends(self) -> NDArray[np.int64]:
        """Where the parts end that are read at once."""
        return ends_of([item.block for item in self.items])

    def content_lines(self) -> list[str]:
        """The same, without times."""
        pairs = zip(self.items, self.captions_of, strict=True)
        return [f"{item.path}\0{size_in(item.stamp)}\0{captions}\n" for item, captions in pairs]


def _instead_of_captions(columns: Collection[str], classes: ClassColumn) -> str:
    """What to do about a source without captions."""
    if not columns:
        return "put a text file beside each image, or a caption column into a table"
    column = column_of("label", columns, classes) or min(columns)
    listed = f"it has the columns {', '.join(sorted(columns))}"
    return f'{listed}, of which --caption "a photo of a {{{column}}}" makes captions'


class IndexedItems(ShardIndex):
    """The items of very many shards, of which nothing is in memory. They have no labels."""

    def __init__(self, source: ShardSource, templates: Sequence[str], needs_captions: bool, classes: ClassColumn):
        super().__init__(source, needs_captions, templates, classes)

    def captions(self, number: int) -> list[str]:
        return captions_for(self.templates, self.item(number), self.classes)

    @property
    def columns(self) -> set[str]:
        """The columns of the first images."""
        first = [self.item(number) for number in range(min(len(self), LISTED))]
        return {name for item in first for name in (*item.metadata, *(["caption"] if item.captions else []))}

    def fingerprint_lines(self) -> list[str]:
        """The shards' names, sizes and times, which the names of their index files hold."""
        return [f"{file.name}\n{self.templates}\n" for file in self.files]

    def block_ends(self) -> NDArray[np.int64]:
        """Where the parts end that are read at once."""
        return np.concatenate([first + self.pieces(number) for number, first in enumerate(self.first[:-1])])

    def content_lines(self) -> list[str]:
        """The shards' names, sizes and numbers of images."""
        counts = np.diff(self.first).tolist()
        shards = zip(self.shards, counts, strict=True)
        return [f"{self.label(shard)}\0{shard.stat().st_size}\0{count}\n{self.templates}\n" for shard, count in shards]


def list_items(
    source: Source, templates: Sequence[str], needs_captions: bool, classes: ClassColumn
) -> ItemList | IndexedItems:
    """The items of a source, in memory unless it is very many shards."""
    if isinstance(source, ShardSource) and len(source.shards) > shard_index.MANY:
        return IndexedItems(source, templates, needs_captions, classes)
    return ItemList(source, templates, needs_captions, classes)
