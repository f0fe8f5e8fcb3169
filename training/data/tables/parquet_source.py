"""Parquet files and folders of them, with the images inside or by their paths."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from training.data.remote import RemotePath, path_within
from training.data.source import Item, Source, unreadable_item
from training.data.tables.options import TableOptions
from training.data.tables.parquet_rows import ParquetRows
from training.models.errors import UserError

SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test", "valid": "validation"}
SPLITS |= dict.fromkeys(("validation", "val", "dev"), "validation")


class ParquetSource(Source):
    """A parquet file, or files in the folder path and below, with a path column or image bytes.

    Bytes are wherever the content of a column, or Hugging Face's description of it, says so: in a column, a struct of
    bytes and path, or a list, of which each image is an item. Files of a split (train/0.parquet, or
    test-00000-of-00001.parquet) get the column `split`, unless they have one.
    """

    reads_whole_blocks = True
    is_table = True

    def __init__(
        self, path: Path | RemotePath, files: Sequence[Path | RemotePath] = (), options: TableOptions | None = None
    ):
        self.path = path.resolve()
        self.name = str(self.path)
        self.files = files or [self.path]
        self.options = options or TableOptions()

    def __iter__(self) -> Iterator[Item]:
        without = 0
        broken: list[str] = []
        notes: dict[str, None] = {}  # each sentence once, however many files it is true of
        for file in self.files:
            name = path_within(file, self.path) or file.name
            prefix = f"{name}/" if file != self.path else ""
            try:
                rows = ParquetRows(file, prefix, self.options, split_of(name) if prefix else None)
                yield from rows
                notes |= dict.fromkeys(rows.notes)
                without += rows.path_items.without_path
            except UserError as error:
                if not prefix:
                    raise
                broken.append(prefix)
                yield unreadable_item(name, str(error))
            except (pa.ArrowException, OSError, ValueError) as error:
                broken.append(prefix)
                yield unreadable_item(name, f"the file is damaged: {str(error).splitlines()[0]}")
        self.unreadable, self.notes, self.without_image = tuple(broken), tuple(notes), without


def split_of(relative: str) -> str | None:
    """The part of a data set that a file belongs to by the folders above it, or by its own name."""
    *folders, name = relative.lower().split("/")
    words = [*reversed(folders), re.split(r"[-_.]", name)[0]]
    return next((SPLITS[word] for word in words if word in SPLITS), None)
