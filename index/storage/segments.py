"""One segment as a reader holds it, and the vectors of many segments as one array.

Files are mapped into memory, so that they are read as they are touched, stay readable after a build
has replaced them, and cost no open file each: a process may have about a thousand of those, and a
collection more segments.
"""

import io
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import DTypeLike, NDArray

from index.storage.layout import BUILD_COLUMNS, ID_LENGTH
from index.storage.mapping import AROUND, PageCount, give_back, mapped
from training.models.lru_cache import LRUCache

VECTORS, ITEMS = "vectors.npy", "items.parquet"
ROW_GROUP = 10_000  # rows that are read together to show one of them


class Segment:
    """The rows of one segment. OSError or ValueError if its files are not what the manifest says."""

    def __init__(self, folder: Path, images: int, dim: int):
        self.name, self.images = folder.name, images
        self._vectors = mapped(folder / VECTORS)
        self.vectors = npy(self._vectors)
        if self.vectors.shape != (images, dim) or self.vectors.dtype != np.float16:
            found = f"{self.vectors.dtype} {list(self.vectors.shape)}"
            raise ValueError(f"segment {self.name} holds {found}, the manifest says float16 {[images, dim]}")
        self._items = mapped(folder / ITEMS)
        self._token = object()  # stands for this segment in the cache of row groups, which then does not keep it open

    def give_back(self) -> None:
        """Give back the memory that the vectors read so far take."""
        give_back(self._vectors)

    def parquet(self) -> pq.ParquetFile:
        """The rows, unread; a reader of its own for each call, since one may not be shared by threads."""
        return pq.ParquetFile(pa.BufferReader(self._items), metadata=self._facts)

    @cached_property
    def _facts(self) -> pq.FileMetaData:
        """What the file says about itself. ValueError if it is broken or of another length."""
        facts = pq.read_metadata(pa.BufferReader(self._items))
        if facts.num_rows != self.images:
            raise ValueError(f"segment {self.name} has {facts.num_rows} rows for {self.images} vectors")
        return facts

    @property
    def schema(self) -> pa.Schema:
        """Its columns and their kinds."""
        return self._facts.schema.to_arrow_schema()

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self.schema.names)

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """Those of columns that this segment has, every row."""
        have = set(self.columns)
        return _with_image_ids(self.parquet().read([name for name in columns if name in have])).to_pandas()

    def record(self, row: int, build_columns: bool = False) -> dict[str, Any]:
        """One row with every column of this segment; with those that only builds need if build_columns."""
        group = 0
        while row >= (rows := self._facts.row_group(group).num_rows):
            row, group = row - rows, group + 1
        columns = _row_groups.get_or_make((self._token, group), lambda: self._read_group(group, BUILD_COLUMNS, False))
        if build_columns:
            columns = columns | self._read_group(group, BUILD_COLUMNS, True)
        return {name: _plain(column.iat[row]) for name, column in columns.items()}

    def _read_group(self, group: int, names: Sequence[str], only: bool) -> dict[str, pd.Series]:
        """The columns of a row group that are among names, or all others."""
        wanted = [name for name in self.columns if (name in names) == only]
        return dict(_with_image_ids(self.parquet().read_row_group(group, wanted)).to_pandas().items())


# Rows that were read last, by column: neighbours are often shown together. What only builds need is not held: it can
# take as much memory as all the rest.
_row_groups: LRUCache[tuple[object, int], dict[str, pd.Series]] = LRUCache(64)


def _with_image_ids(rows: pa.Table) -> pa.Table:
    """rows with the ids of their images: earlier versions gave the copies of one ids that end in -2, -3, ..."""
    at = rows.schema.get_field_index("id")
    if at < 0 or not (pa.types.is_string(kind := rows.schema.field(at).type) or pa.types.is_large_string(kind)):
        return rows
    return rows.set_column(at, "id", pc.utf8_slice_codeunits(rows.column(at), 0, ID_LENGTH))


def _plain(value: object) -> object:
    """A cell as Python's own number, where NumPy has it."""
    return value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value


class Vectors:
    """The vectors of several segments as one array [N, dim] of float16, read as they are touched.

    Takes an index, a slice, rows or a mask and gives an array; np.asarray gives all of it, in memory.
    """

    dtype = np.dtype(np.float16)
    ndim = 2

    def __init__(
        self, parts: Sequence[NDArray[np.float16]], dim: int, give_back: Callable[[int], None] = lambda part: None
    ):
        """give_back: of the memory of what was read of a part, by its number, if they are mapped files."""
        self.parts, self._pages = list(parts), PageCount(give_back, len(parts))
        self.starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        self.shape = (int(self.starts[-1]), dim)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[np.floating]:
        return np.asarray(self[:], dtype)

    def astype(self, dtype: DTypeLike) -> NDArray[np.floating]:
        """All of it, in memory."""
        return np.asarray(self, dtype)

    def __getitem__(self, key: int | np.integer | slice | Sequence[int] | NDArray[Any]) -> NDArray[np.float16]:
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            if step == 1:
                return self._between(first, max(first, last))
            key = np.arange(first, last, step)
        if isinstance(key, int | np.integer):
            return self[np.array([key])][0]
        rows = np.asarray(key)
        if rows.dtype == bool:
            if rows.shape != (len(self),):
                raise IndexError(f"the mask is {list(rows.shape)} for {len(self)} vectors")
            rows = np.flatnonzero(rows)
        rows = np.where(rows < 0, rows + len(self), rows).astype(np.int64)
        if rows.ndim != 1 or (len(rows) and (rows.min() < 0 or rows.max() >= len(self))):
            raise IndexError(f"there are {len(self)} vectors")
        found = np.empty((len(rows), self.shape[1]), np.float16)
        order = np.argsort(rows, kind="stable")
        ends = np.searchsorted(rows[order], self.starts)
        for part in np.flatnonzero(np.diff(ends)).tolist():  # only segments that hold some
            here = order[ends[part] : ends[part + 1]]
            self._pages.touched(part, min(len(here) * AROUND, self.parts[part].nbytes))
            found[here] = self.parts[part][rows[here] - self.starts[part]]
        return found

    def rest(self) -> None:
        """Give back the memory of what was read, unless something was read since this was called last."""
        self._pages.rest()

    def _between(self, first: int, last: int) -> NDArray[np.float16]:
        """Rows first to last; a view where one segment holds them all."""
        pieces = []
        for number, (start, part) in enumerate(zip(self.starts.tolist(), self.parts, strict=False)):
            if start < last and start + len(part) > first:
                pieces.append(part[max(first - start, 0) : last - start])
                self._pages.touched(number, pieces[-1].nbytes)
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.zeros((0, self.shape[1]), np.float16)


def npy(buffer: pa.Buffer) -> NDArray[np.floating]:
    """The array of a .npy file, without copying it. ValueError if it is broken."""
    head = io.BytesIO(buffer.slice(0, min(len(buffer), 4096)).to_pybytes())
    if np.lib.format.read_magic(head) != (1, 0):
        raise ValueError("it is not a .npy file of version 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(head)
    if fortran or dtype.hasobject:
        raise ValueError("it is not a plain array by rows")
    return np.frombuffer(buffer, dtype, int(np.prod(shape)), head.tell()).reshape(shape)
