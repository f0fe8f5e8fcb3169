"""The rows of one parquet file as items; image bytes are read a row group at a time."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from training.data.blocks import HELD, in_pieces
from training.data.remote import RemotePath
from training.data.source import Item, texts_of
from training.data.tables.columns import called, choose_caption_column, choose_path_column, no_paths
from training.data.tables.mistaken import what_else
from training.data.tables.options import TableOptions
from training.data.tables.parquet_cells import is_index, plain_cells, texts_in_bytes
from training.data.tables.parquet_schema import BUFFER, ImageColumn, Step, bytes_of, image_columns, value_at
from training.data.tables.path_items import PathItems, PathRow
from training.models.errors import UserError

HEAD = 50  # rows by which columns of paths are judged


@dataclass
class RowGroup:
    """The image bytes of one row group, and which of its images have not been read yet."""

    images: pa.ChunkedArray
    unread: set[tuple[int, int]]


class ParquetRows:
    """The items of one file. prefix: of their paths. split: the value of a column of that name.

    notes: sentences on what was chosen, complete once the items have been listed. UserError if it holds no images.
    """

    def __init__(
        self, file: Path | RemotePath, prefix: str, options: TableOptions | None = None, split: str | None = None
    ):
        self.file, self.prefix, self.split = file, prefix, split
        self.options = options or TableOptions()
        self.stat = file.stat()
        self.lock = Lock()
        self.notes: list[str] = []
        try:
            self.parquet = self._open()
            self.schema = self.parquet.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise UserError(_no_parquet(file)) from error
        twice = next((name for name, count in Counter(self.schema.names).items() if count > 1), None)
        if twice is not None:
            raise UserError(f"{file} has several columns called {twice!r}, so that none can be read by its name.")
        self.names = [field.name for field in self.schema if not is_index(field)]
        self.texts_in_bytes = texts_in_bytes(self.parquet, self.schema)
        self.path_items = PathItems(file.parent)
        self.image, self.path_column = self._choose()
        others = [name for name in self.names if name != (self.image.column if self.image else self.path_column)]
        self.caption = choose_caption_column(others, self.options.caption_column)
        self.others = others

    def _open(self, **how: Any) -> pq.ParquetFile:
        return pq.ParquetFile(self.file if isinstance(self.file, Path) else self.file.open(), **how)

    def __reduce__(self) -> tuple[Any, ...]:
        """Items travel to other processes with the file that they read from: it is opened again there."""
        return ParquetRows, (self.file, self.prefix, self.options, self.split)

    def _choose(self) -> tuple[ImageColumn | None, str | None]:
        """The column of the images, or that of their paths."""
        if self.options.path_column is not None:
            wanted = called(self.names, self.options.path_column)
            holding, other = image_columns(self._open(buffer_size=BUFFER), self.schema)
            image = next((one for one in (*holding, *other) if one.column == wanted), None)
            return image, None if image else wanted
        holding, other = image_columns(self._open(buffer_size=BUFFER), self.schema)
        if holding:
            if len(holding) > 1:
                rest = ", ".join(one.label for one in holding[1:])
                self.notes.append(f"the images are taken from the column {holding[0].label}; {rest} hold images too")
            return holding[0], None
        bytes_only = {one.column for one in other} - self.texts_in_bytes
        texts = [name for name in self.names if name not in bytes_only]
        path, chosen = choose_path_column(texts, self._head, self.path_items.is_file, None)
        if path is not None:
            self.notes += [chosen] if chosen else []
            return None, path
        if bytes_only:  # reading them will say what they are not
            return next(one for one in other if one.column in bytes_only), None
        raise no_paths(self.file, self.names, self._head)

    def _head(self, name: str) -> Sequence[str]:
        batch = next(self.parquet.iter_batches(HEAD, columns=[name]), None)
        cells = plain_cells(batch.column(0), self.schema, name, name in self.texts_in_bytes) if batch else []
        return [cell for cell in cells if isinstance(cell, str) and cell]

    def __iter__(self) -> Iterator[Item]:
        notes = list(self.notes)
        if self.image is None:
            yield from self.path_items(self._path_rows(), self.prefix)
            notes += self.path_items.notes
        else:
            yield from self._images(self.image)
        self.notes = notes

    def _path_rows(self) -> Iterator[PathRow]:
        assert self.path_column is not None
        number = 0
        for rows in self._groups([self.path_column, *self.others]):
            for row in rows:
                number += 1
                cell = str(row.pop(self.path_column, None) or "").strip()
                captions = texts_of(row.pop(self.caption, None)) if self.caption else []
                yield PathRow(number, cell, captions, row)

    def _images(self, image: ImageColumn) -> Iterator[Item]:
        names = self._names(image)
        number = 0
        for group, rows in enumerate(self._groups(self.others)):
            counts = self._counts(image, group)
            for i, row in enumerate(rows):
                captions = tuple(texts_of(row.pop(self.caption, None))) if self.caption else ()
                name = names[number] if names else f"{number:06d}"
                for k in range(counts[i] if counts else 1):
                    yield Item(
                        path=f"{self.prefix}{name}" + (f"/{k}" if image.is_list else ""),
                        stamp=f"{self.stat.st_size}:{self.stat.st_mtime_ns}:{number}" + (f":{k}" if counts else ""),
                        modified=self.stat.st_mtime,
                        read=partial(self._bytes, group, i, k),
                        captions=captions,
                        metadata=row,
                        block=(str(self.file), group),
                    )
                number += 1

    def _groups(self, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
        """The rows of each row group, without missing cells."""
        extra = {"split": self.split} if self.split and "split" not in self.names else {}
        for group in range(self.parquet.num_row_groups):
            rows = self.parquet.metadata.row_group(group).num_rows
            if not columns:
                yield [dict(extra) for _ in range(rows)]
                continue
            with self.lock:
                read = self.parquet.read_row_group(group, columns=columns)
            cells = [plain_cells(read.column(name), self.schema, name, name in self.texts_in_bytes) for name in columns]
            yield [
                extra | {name: cell for name, cell in zip(columns, row, strict=True) if cell is not None}
                for row in zip(*cells, strict=True)
            ]

    def _names(self, image: ImageColumn) -> list[str] | None:
        """The paths stored beside the bytes, if every row has one of its own."""
        if image.is_list or not image.path_leaf:
            return None
        rows = self.parquet.read(columns=[image.path_leaf]).to_pylist()
        names = [value_at(row, image.path_steps)[0] for row in rows]
        return names if all(names) and len(set(names)) == len(names) else None

    def _counts(self, image: ImageColumn, group: int) -> list[int] | None:
        """How many images each row of a group has; None if it is one each. A row without one counts one that fails."""
        if not image.is_list:
            return None
        steps, leaf = (image.path_steps, image.path_leaf) if image.path_leaf else (image.steps, image.leaf)
        with self.lock:
            return _counts_in(self.parquet.read_row_group(group, columns=[leaf]).column(0), steps)

    def _bytes(self, group: int, row: int, k: int = 0) -> bytes:
        image = self.image
        assert image is not None
        key = str(self.file), group
        held: RowGroup = HELD.get_or_make(key, lambda: self._read_group(image, group))
        values = {image.column: held.images[row].as_py()}
        with self.lock:
            held.unread.discard((row, k))
            if not held.unread and not in_pieces():
                HELD.remove(key)
        found = value_at(values, image.steps)
        data = bytes_of(found[k]) if k < len(found) else None
        if data is not None:
            return data
        paths = value_at(values, image.path_steps) if image.path_steps else []
        if k < len(paths) and paths[k]:
            return self._beside(str(paths[k]))
        raise OSError("the row holds no image")

    def _read_group(self, image: ImageColumn, group: int) -> RowGroup:
        """A row group's images, read by a handle of its own: other threads read other groups meanwhile."""
        leaves = [image.leaf, *([image.path_leaf] if image.path_leaf else [])]
        with self._open(metadata=self.parquet.metadata) as file:
            column = file.read_row_group(group, columns=leaves).column(0)
        counts = _counts_in(column, image.steps) if image.is_list else [1] * len(column)
        return RowGroup(column, {(i, j) for i, count in enumerate(counts) for j in range(count)})

    def _beside(self, cell: str) -> bytes:
        """The bytes of the file that a row names instead of holding it."""
        reason = self.path_items.finder.refusal(cell)
        file = None if reason else self.path_items.finder.find(cell)
        if file is None:
            raise OSError(reason or f"the row holds no bytes, and there is no file {cell} below {self.file.parent}")
        return file.read()


def _no_parquet(file: Path | RemotePath) -> str:
    """The sentence on a file that cannot be read as parquet."""
    try:
        with file.open("rb") as opened:
            start = opened.read(BUFFER)
    except OSError as error:
        return f"{file} cannot be read: {error.strerror or error}."
    if start.startswith(b"PAR1"):
        return f"{file} is a damaged parquet file, perhaps one that was not copied to its end."
    kind, remedy = what_else(start) or ("text", "if it is a table, give its name the ending .csv")
    return f"{file} is no parquet file but {kind}; {remedy}." if start else f"{file} is empty."


def _counts_in(column: pa.ChunkedArray, steps: Sequence[Step]) -> list[int]:
    """How many images each row has, one for a row without any: reading it will say so. steps: within the column."""
    return [max(1, len(value_at({steps[0]: row.as_py()}, steps))) for row in column]
