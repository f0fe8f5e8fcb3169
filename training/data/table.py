"""Tables of images: CSV, TSV and parquet, by path or with the bytes inside."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.folder import read_file
from training.data.remote import RemotePath, path_within
from training.data.source import (
    CAPTION_COLUMNS,
    PATH_COLUMNS,
    Item,
    Source,
    first_column,
    refuse,
    texts_of,
    unreadable_item,
)
from training.models.errors import UserError
from training.models.formats import IMAGES


class ParquetSource(Source):
    """A parquet file, or files in the folder path and below, with a path column or image bytes.

    Bytes are a binary column or, as Hugging Face datasets store them, a struct of bytes and path.
    """

    def __init__(self, path: Path | RemotePath, files: Sequence[Path | RemotePath] = ()):
        self.path = path.resolve()
        self.name = str(self.path)
        self.files = files or [self.path]

    def __iter__(self) -> Iterator[Item]:
        broken = []
        for file in self.files:
            name = path_within(file, self.path) or file.name
            prefix = f"{name}/" if file != self.path else ""
            try:
                yield from ParquetRows(file, prefix)
            except UserError:
                raise
            except (pa.ArrowException, OSError, ValueError) as error:
                broken.append(prefix)
                yield unreadable_item(name, f"the file is damaged: {str(error).splitlines()[0]}")
        self.unreadable = tuple(broken)


@dataclass
class RowGroup:
    """The image bytes of one row group, and which of its rows have not been read yet."""

    number: int
    images: pa.Array
    unread: set[int]


class ParquetRows:
    """The rows of one parquet file as items; image bytes are read a row group at a time."""

    def __init__(self, file: Path | RemotePath, prefix: str):
        self.file, self.prefix = file, prefix
        self.stat = file.stat()
        self.lock = Lock()
        self.held: RowGroup | None = None  # the one read last, until all of its rows have been read
        try:
            self.parquet = pq.ParquetFile(file if isinstance(file, Path) else file.open())
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{file} cannot be read as parquet: {str(error).splitlines()[0]}.") from error
        self.schema = self.parquet.schema_arrow
        self.image = next((f.name for f in self.schema if self._holds_bytes(f.type)), None)

    def __reduce__(self) -> tuple[Any, ...]:
        """Items travel to other processes with the file that they read from: it is opened again there."""
        return ParquetRows, (self.file, self.prefix)

    def _holds_bytes(self, kind: pa.DataType) -> bool:
        if pa.types.is_struct(kind):
            return any(field.name == "bytes" for field in kind)
        return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)

    def __iter__(self) -> Iterator[Item]:
        others = [name for name in self.schema.names if name != self.image]
        caption = first_column(CAPTION_COLUMNS, others)
        if self.image is None:
            column = path_column(self.file, others)
            flat = (row for group in self._groups(others) for row in group)
            for named in unique_rows(flat, column, caption):
                yield path_item(self.file.parent, named, column, caption, self.prefix)
            return
        names = self._names()
        row_number = 0
        for group, rows in enumerate(self._groups(others)):
            for i, row in enumerate(rows):
                yield Item(
                    path=self.prefix + (names[row_number] if names else f"{row_number:06d}"),
                    stamp=f"{self.stat.st_size}:{self.stat.st_mtime_ns}:{row_number}",
                    modified=self.stat.st_mtime,
                    read=partial(self._bytes, group, i),
                    captions=tuple(texts_of(row[caption])) if caption else (),
                    metadata={name: value for name, value in row.items() if name != caption},
                )
                row_number += 1

    def _groups(self, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
        for group in range(self.parquet.num_row_groups):
            rows = self.parquet.metadata.row_group(group).num_rows
            with self.lock:
                read = self.parquet.read_row_group(group, columns=columns).to_pylist() if columns else [{}] * rows
            yield read

    def _names(self) -> list[str] | None:
        """The paths stored beside the bytes, if every row has one of its own."""
        kind = self.schema.field(self.image).type
        if not (pa.types.is_struct(kind) and any(field.name == "path" for field in kind)):
            return None
        names = self.parquet.read(columns=[f"{self.image}.path"]).column(0).combine_chunks().field("path").to_pylist()
        return names if all(names) and len(set(names)) == len(names) else None

    def _bytes(self, group: int, row: int) -> bytes:
        with self.lock:
            if self.held is None or self.held.number != group:
                column = self.parquet.read_row_group(group, columns=[self.image]).column(0).combine_chunks()
                if pa.types.is_struct(column.type):
                    column = column.field("bytes")
                self.held = RowGroup(group, column, set(range(len(column))))
            data = self.held.images[row].as_py()
            self.held.unread.discard(row)
            if not self.held.unread:  # or a folder of many files would end in memory, a group of each
                self.held = None
        if data is None:
            raise OSError("the row holds no bytes")
        return data


def path_column(table: Path | RemotePath, columns: list[str]) -> str:
    """The column that names the images; UserError that lists the columns if there is none."""
    column = first_column(PATH_COLUMNS, columns)
    if column is None:
        raise UserError(
            f"{table} has no column of paths: its columns are {', '.join(columns) or 'none'}; "
            f"call the one with the paths 'path'."
        )
    return column


def unique_rows(rows: Iterable[dict[str, Any]], column: str, caption: str | None) -> Iterator[dict[str, Any]]:
    """Rows by image: those that name one image become one, with all their captions in a list."""
    first: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = str(row[column] or "")
        if name and name not in first:
            first[name] = row
        elif name and caption:
            before = first[name]
            before[caption] = [*texts_of(before[caption]), *texts_of(row[caption])]
    yield from first.values()


def path_item(base: Path | RemotePath, row: dict[str, Any], column: str, caption: str | None, prefix: str = "") -> Item:
    """A row of a table whose image is a file."""
    name = str(row[column])
    read: Callable[[], bytes]
    stamp, modified = "missing", 0.0
    if "://" in name:
        read = partial(refuse, "is a web address: fetch the images first, for example with img2dataset")
    elif "\0" in name:
        read = partial(refuse, "is no file's name: it holds a zero byte")
    elif not name.lower().endswith(IMAGES):
        # A table is text that may come from others: it must not make us open any file it likes.
        read = partial(refuse, f"does not end as an image does ({', '.join(IMAGES[:5])}, ...)")
    else:
        read = partial(_read_beside, base, name)
        try:
            stat = (base / name).stat()
            stamp, modified = f"{stat.st_size}:{stat.st_mtime_ns}", stat.st_mtime
        except OSError:
            pass  # reading it will say that it is not there
    metadata = {name: value for name, value in row.items() if name not in (column, caption)}
    captions = tuple(texts_of(row[caption])) if caption else ()
    stamp += ":" + json.dumps([captions[0] if captions else "", metadata], default=str)
    return Item(
        path=prefix + name,
        stamp=stamp,
        modified=modified,
        read=read,
        captions=captions,
        metadata=metadata,
    )


def _read_beside(base: Path | RemotePath, name: str) -> bytes:
    place = base / name
    return place.read_bytes() if isinstance(place, RemotePath) else read_file(place)
