"""One collection on disk, as a reader sees it: manifest, segments, rows, thumbnails.

    manifest.json            what the collection is: encoder, segments, counts; replaced atomically
    segments/000001/         vectors.npy (float16 [n, dim]), items.parquet (one row a file; copies share an image's id)
    annotations.sqlite       tags, corrections, and by what each image is known again, see storage/annotations.py
    search.faiss, search.json   made from the segments, see nearest.py
    text.arrow               made from them too, see retrieval/text_index.py
    copies.arrow, similar.arrow   which images are copies of one another, see copies/groups.py
    thumbnails/ab/abcd….webp by image id, so that copies of an image share one
    failures.csv             the files of its sources that gave no image, with the reason
    generations/             the same images by other encoders, see storage/generations.py

The manifest alone decides what belongs to the collection; a folder that it does not name is left over
from a killed build and ignored. An open collection stays as it was when it was opened.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from index.storage.accounts import Groups, groups_of, merged
from index.storage.errors import damaged_segment
from index.storage.failures import read_failures
from index.storage.generations import manifest_of
from index.storage.layout import (
    BUILD_COLUMNS,
    LONGEST_INSIDE,
    OFFLINE,
    REQUIRED_COLUMNS,
    thumbnail_path,
)
from index.storage.manifest import Manifest, check_encoder
from index.storage.offline import offline_rows
from index.storage.row_ids import RowsById
from index.storage.segments import Segment, Vectors
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.file_names import file_name, long_path

T = TypeVar("T")


class Collection:
    """A collection as it was when opened. Row i of `items` is the image of `vectors[i]`.

    home: the folder of its segments and of what is made from them; path unless a generation is open.
    """

    def __init__(self, path: Path, manifest: Manifest):
        self.path, self.manifest = path, manifest
        name = path.resolve().name
        self.name = name.removesuffix(".gelato") or name
        self.encoder_name, self.fingerprint, self.dim = manifest.encoder, manifest.fingerprint, manifest.dim
        self.revision, self.content = manifest.revision, manifest.content
        self.home = path / manifest.home
        # A build may replace segments while we read them: what is opened now stays readable.
        self._segments = [
            Segment(self.home / "segments" / name, images, self.dim) for name, images in manifest.segments
        ]
        self._columns: dict[str, pd.Series] = {}
        self._derived: dict[str, Any] = {}
        self._deriving = threading.RLock()

    @classmethod
    def open(cls, path: Path | str, generation: str = "") -> "Collection":
        """The collection at path. generation: the fingerprint of an encoder that it was also embedded with.

        UserError if there is none, or it is corrupt or of another format.
        """
        path = long_path(Path(path).expanduser(), LONGEST_INSIDE)
        for _ in range(5):
            manifest = manifest_of(path, generation)
            try:
                return cls(path, manifest)
            except (OSError, ValueError) as error:
                if manifest_of(path, generation).revision == manifest.revision:  # not just replaced under our hands
                    raise damaged_segment(path, error) from error
        raise UserError(f"{path} is being rebuilt faster than it can be read; try again in a moment.")

    def __len__(self) -> int:
        return self.manifest.images

    @property
    def parts(self) -> list[NDArray[np.float16]]:
        """The vectors of each segment, in row order, on disk until they are read: for what passes over all once."""
        return [segment.vectors for segment in self._segments]

    @cached_property
    def vectors(self) -> Vectors:
        """[N, dim] rows of unit length, to the precision of float16; on disk until they are touched."""
        return Vectors(self.parts, self.dim, self._give_back)

    def _give_back(self, part: int) -> None:
        self._segments[part].give_back()

    @cached_property
    def stored(self) -> pd.DataFrame:
        """Every column of every row, those that only builds need included."""
        return self.frame(self.all_columns)

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row a file: REQUIRED_COLUMNS, then the columns of its source. For a few columns, frame is lighter."""
        return self.frame(self.columns)

    @property
    def columns(self) -> list[str]:
        """The names of the columns of items, which need not be loaded for it; `offline` where some images are."""
        names = [name for name in self.all_columns if name not in BUILD_COLUMNS]
        return names + ([OFFLINE] if self.manifest.offline else [])

    @cached_property
    def all_columns(self) -> list[str]:
        """The names of all columns, those that only builds need included."""
        with self._whole():
            names = [name for segment in self._segments if segment.images for name in segment.columns]
        return list(dict.fromkeys(names)) or list(REQUIRED_COLUMNS + BUILD_COLUMNS)

    @property
    def schemas(self) -> list[pa.Schema]:
        """The columns of each segment and their kinds, in row order."""
        with self._whole():
            return [segment.schema for segment in self._segments if segment.images]

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of every row; what a segment does not have is missing there."""
        if "stored" in self.__dict__:  # all of them are in memory already
            frames = [self.stored]
        else:
            with self._whole():
                frames = [segment.frame(columns) for segment in self._segments if segment.images]
        if not frames:
            return pd.DataFrame({name: [] for name in columns}, dtype=object)
        frame = pd.concat(frames, ignore_index=True).reindex(columns=list(columns))
        return frame.assign(offline=self.offline) if OFFLINE in columns else frame

    def segment_frames(self) -> Iterator[pd.DataFrame]:
        """Every column of the rows of each segment, in row order."""
        for segment in self._segments:
            with self._whole():
                yield segment.frame(segment.columns)

    def column(self, name: str) -> pd.Series:
        """One column of every row, kept once it is read."""
        if name not in self._columns:
            self._columns[name] = self.frame([name])[name]
        return self._columns[name]

    def derived(self, key: str, make: Callable[[], T]) -> T:
        """make(), called once for this open collection and released with it. Safe from any thread."""
        with self._deriving:
            if key not in self._derived:
                self._derived[key] = make()
            return cast(T, self._derived[key])

    def record(self, row: int, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """Columns of one image, all but those that only builds need if None; keeps no other rows in memory for long."""
        part = int(np.searchsorted(self.vectors.starts, row, side="right")) - 1
        with self._whole():
            build_columns = any(name in BUILD_COLUMNS for name in columns or ())
            found = self._segments[part].record(int(row - self.vectors.starts[part]), build_columns)
        return {
            name: bool(self.offline[row]) if name == OFFLINE else found.get(name) for name in columns or self.columns
        }

    def records(self, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
        """What record gives for each of many rows: every segment is read once, and its rows are in memory meanwhile."""
        parts = np.searchsorted(self.vectors.starts, rows, side="right") - 1
        found: list[dict[str, Any]] = [{}] * len(rows)
        for part in np.unique(parts).tolist():
            segment, places = self._segments[part], np.flatnonzero(parts == part)
            with self._whole():
                frame = segment.frame(segment.columns).iloc[rows[places] - self.vectors.starts[part]]
            for at, record in zip(places.tolist(), frame.to_dict("records"), strict=True):
                found[at] = {name: record.get(name) for name in self.columns}
                if OFFLINE in found[at]:
                    found[at][OFFLINE] = bool(self.offline[rows[at]])
        return found

    def display_name(self, row: int) -> str:
        """The caption of an image, or the name of its file."""
        return str(self.column("caption").iat[row]) or file_name(str(self.column("path").iat[row]))

    def spread_rows(self, count: int) -> list[int]:
        """At most count rows, in order, from all over the collection."""
        last, count = len(self) - 1, min(count, len(self))
        return [i * last // max(1, count - 1) for i in range(count)]

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """What is wrong with a segment's rows, as a sentence."""
        try:
            yield
        except (OSError, ValueError) as error:  # pyarrow's are both
            raise damaged_segment(self.path, error) from error

    def row(self, id: str) -> int:
        """The row of the image called id, the first one of its copies; KeyError if there is none."""
        rows = self.rows([id])
        if not len(rows):
            raise KeyError(id)
        return int(rows[0])

    def rows(self, ids: Iterable[str]) -> NDArray[np.intp]:
        """Every row of the images called ids, in row order: one a file, so that copies are among them."""
        return self._by_id.rows(ids)

    def rows_of_each(self, ids: Sequence[str]) -> list[NDArray[np.intp]]:
        """The rows of each of the images called ids, in the order of ids; none for one that is not there."""
        return self._by_id.rows_of_each(ids)

    @cached_property
    def _by_id(self) -> RowsById:
        known = self._columns.get("id")  # else it is not kept: it takes more memory than the numbers
        return RowsById(self.frame(["id"])["id"] if known is None else known)

    def vector(self, id: str) -> NDArray[np.float32]:
        """[dim], unit length; KeyError if there is no such image."""
        return np.asarray(self.vectors[self.row(id)], np.float32)

    def thumbnail(self, id: str) -> Path | None:
        """The thumbnail of the image called id, or None. The path comes from our own table, never from id."""
        try:
            path = thumbnail_path(self.path, self.column("id").iat[self.row(id)])
        except KeyError:
            return None
        return path if path.is_file() else None

    @cached_property
    def failures(self) -> pd.DataFrame:
        """source, path, kind and reason of the files that gave no image, sidecars left out."""
        return read_failures(self.path)

    @cached_property
    def offline(self) -> NDArray[np.bool_]:
        """Which rows were out of reach when their source was last built, [N]."""
        rows = np.zeros(len(self), bool)
        if self.manifest.offline:
            sources, paths = self.column("source").tolist(), self.column("path").tolist()
            rows[list(offline_rows(self.manifest.offline, sources, paths, range(len(self))))] = True
        return rows

    @property
    def passed_over(self) -> Groups:
        """The files of all sources that gave no image, by kind and reason, as of their last builds."""
        return merged({source: groups_of(groups) for source, groups in self.manifest.passed_over.items()})

    def refreshed(self, generation: str = "") -> "Collection":
        """This collection if nothing was published since it was opened, else the newer one.

        generation: as it was opened with.
        """
        now = manifest_of(self.path, generation)
        same = (now.fingerprint, now.revision) == (self.fingerprint, self.revision)
        return self if same else Collection.open(self.path, generation)

    @property
    def thumbnails(self) -> str:
        """A part of the addresses of its thumbnails, which changes whenever one of them may have changed."""
        return f"{self.fingerprint[:6]}-{self.manifest.previews}"

    @property
    def max_megapixels(self) -> float:
        """The limit under which its images are decoded."""
        from training.models.decoding import MOST_MEGAPIXELS  # a query of text alone needs no decoder

        return self.manifest.max_megapixels or MOST_MEGAPIXELS

    def check_encoder(self, encoder: Encoder) -> None:
        """UserError unless encoder is the one that made these vectors."""
        check_encoder(self.path, self.manifest, encoder)
