"""One collection on disk, as a reader sees it: manifest, segments, rows, thumbnails.

    manifest.json            what the collection is: encoder, segments, counts; replaced atomically
    segments/000001/         vectors.npy (float16 [n, dim]), items.parquet (one row an image)
    search.faiss, search.json   made from the segments, see nearest.py
    thumbnails/ab/abcd….webp by content, so that copies of an image share one
    failures.csv             every image that could not be read, with the reason

The manifest alone decides what belongs to the collection; a folder it does not name is left over
from a killed build and of no account. An open collection stays as it was when it was opened.
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.storage.segments import Segment, Vectors
from index.storage.tables import plain
from training.models.cache import cache_dir
from training.models.encoder import Encoder
from training.models.errors import UserError

T = TypeVar("T")

FORMAT = 1
FACTS = ("id", "source", "path", "width", "height", "bytes", "modified", "hash", "caption")  # every row has these
LOCAL_COLUMNS = ("source",)  # say where on this computer images lie
HIDDEN = ("stamp",)  # for the next build, of no interest to people
ID = re.compile(r"[0-9a-f]{16}(-[1-9][0-9]*)?")
MANIFEST, FAILURES = "manifest.json", "failures.csv"
FAISS_FILE, FACTS_FILE = "search.faiss", "search.json"


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says.

    segments: name and number of images of each, in row order. checksums: SHA-256 of a segment's files
    by its name and theirs. last_segment: the highest number given to a segment so far. A number is never
    given again, so what a segment's name stands for never changes under a reader.
    """

    encoder: str
    fingerprint: str
    dim: int
    runtime: str
    precision: str
    revision: int
    segments: tuple[tuple[str, int], ...] = ()
    failed: int = 0
    last_segment: int = 0
    checksums: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def images(self) -> int:
        return sum(images for _, images in self.segments)

    def as_json(self) -> bytes:
        segments = [
            {"name": name, "images": images, "sha256": dict(self.checksums.get(name, {}))}
            for name, images in self.segments
        ]
        fields = {k: v for k, v in vars(self).items() if k not in ("segments", "checksums")}
        return json.dumps({"format": FORMAT, **fields, "images": self.images, "segments": segments}, indent=1).encode()

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of the collection at folder; UserError that says what to do if there is none to trust."""
        path = folder / MANIFEST
        try:
            stored = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            what = "is not a collection" if folder.is_dir() else "does not exist"
            raise UserError(f"{folder} {what}; make one with: python -m index build FOLDER --into {folder}") from error
        except (OSError, ValueError) as error:
            raise UserError(_corrupt(path, "it is not JSON")) from error
        if not isinstance(stored, dict):
            raise UserError(_corrupt(path, "it holds no fields"))
        try:
            version = stored["format"]
            if version != FORMAT:
                raise UserError(
                    f"{folder} has format {version} and this Gelato reads {FORMAT}; "
                    f"use the Gelato that made it, or build the collection again."
                )
            segments = tuple((s["name"], int(s["images"])) for s in stored["segments"])
            if not all(re.fullmatch(r"[0-9]{6,}", name) for name, _ in segments):
                raise ValueError("a segment's name is not a number")
            names = ("encoder", "fingerprint", "dim", "runtime", "precision", "revision", "failed")
            return cls(
                **{name: stored[name] for name in names},
                segments=segments,
                last_segment=max([int(stored.get("last_segment", 0)), *(int(name) for name, _ in segments)]),
                checksums={s["name"]: dict(s.get("sha256") or {}) for s in stored["segments"]},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(_corrupt(path, f"{error!s} is missing or wrong")) from error


def _corrupt(path: Path, why: str) -> str:
    return f"{path} is corrupt ({why}); move the folder away and build the collection again, or restore the file."


def damaged(path: Path, error: Exception) -> str:
    """What to say of a segment that is not what was published."""
    return (
        f"{path} has lost or damaged a segment ({str(error).splitlines()[0]}). To mend it from its images: "
        f"python -m index build SOURCE --into {path} --repair"
    )


def _head(id: str) -> int:
    """The number that an id begins with; 0 for what is no id."""
    try:
        return int(id[:16], 16)
    except ValueError:
        return 0


class Collection:
    """A collection as it was when opened. Row i of `items` is the image of `vectors[i]`."""

    def __init__(self, path: Path, manifest: Manifest):
        self.path, self.manifest = path, manifest
        name = path.resolve().name
        self.name = name.removesuffix(".gelato") or name
        self.encoder_name, self.fingerprint, self.dim = manifest.encoder, manifest.fingerprint, manifest.dim
        self.revision = manifest.revision
        # A build may replace segments while we read them: what is opened now stays readable.
        self._segments = [Segment(path / "segments" / name, images, self.dim) for name, images in manifest.segments]
        self._columns: dict[str, pd.Series] = {}
        self._derived: dict[str, Any] = {}
        self._deriving = threading.RLock()

    @classmethod
    def open(cls, path: Path | str) -> "Collection":
        """The collection at path. UserError if there is none, or it is corrupt or of another format."""
        path = Path(path).expanduser()
        for _ in range(5):
            manifest = Manifest.read(path)
            try:
                return cls(path, manifest)
            except (OSError, ValueError) as error:
                if Manifest.read(path).revision == manifest.revision:  # not just replaced under our hands
                    raise UserError(damaged(path, error)) from error
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
        return Vectors(self.parts, self.dim)

    @cached_property
    def stored(self) -> pd.DataFrame:
        """Every column of every row, those that only builds need included."""
        return self.frame(self._all_columns)

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row an image: FACTS, then the columns that its source had. For a few columns, frame is lighter."""
        return self.frame(self.columns)

    @property
    def columns(self) -> list[str]:
        """The names of the columns of items, which need not be loaded for it."""
        return [name for name in self._all_columns if name not in HIDDEN]

    @cached_property
    def _all_columns(self) -> list[str]:
        with self._whole():
            names = [name for segment in self._segments if segment.images for name in segment.columns]
        return list(dict.fromkeys(names)) or list(FACTS + HIDDEN)

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some columns of every row; what a segment does not have is missing there."""
        with self._whole():
            frames = [segment.frame(columns) for segment in self._segments if segment.images]
        if not frames:
            return pd.DataFrame({name: [] for name in columns}, dtype=object)
        return pd.concat(frames, ignore_index=True).reindex(columns=list(columns))

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

    def record(self, row: int) -> dict[str, Any]:
        """The columns of one image, those that only builds need left out; reads no other columns into memory."""
        part = int(np.searchsorted(self.vectors.starts, row, side="right")) - 1
        with self._whole():
            found = self._segments[part].record(int(row - self.vectors.starts[part]))
        return {name: found.get(name) for name in self.columns}

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
            raise UserError(damaged(self.path, error)) from error

    @cached_property
    def _by_id(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """The number that each id begins with, sorted, and its row: 16 bytes an image."""
        heads = np.fromiter((_head(id) for id in self.column("id")), np.uint64, len(self))
        order = np.argsort(heads, kind="stable")
        return heads[order], order

    def row(self, id: str) -> int:
        """The row of the image called id; KeyError if there is none."""
        heads, order = self._by_id
        head = np.uint64(_head(id))
        for row in order[np.searchsorted(heads, head) : np.searchsorted(heads, head, side="right")]:
            if self.column("id").iat[row] == id:
                return int(row)
        raise KeyError(id)

    def vector(self, id: str) -> NDArray[np.float32]:
        """[dim], unit length; KeyError if there is no such image."""
        return np.asarray(self.vectors[self.row(id)], np.float32)

    def thumbnail(self, id: str) -> Path | None:
        """The preview of the image called id, or None. The path comes from our own table, never from id."""
        try:
            path = thumbnail_path(self.path, self.column("id").iat[self.row(id)])
        except KeyError:
            return None
        return path if path.is_file() else None

    @cached_property
    def failures(self) -> pd.DataFrame:
        """source, path and reason of every image that could not be read."""
        return read_failures(self.path)

    def refreshed(self) -> "Collection":
        """This collection if nothing was published since it was opened, else the newer one."""
        return self if Manifest.read(self.path).revision == self.revision else Collection.open(self.path)

    def check_encoder(self, encoder: Encoder) -> None:
        """UserError unless encoder is the one that made these vectors."""
        check_encoder(self.path, self.manifest, encoder)

    def info(self) -> dict[str, Any]:
        """What `python -m index info --json` answers, without the search structure."""
        files = [path for path in self.path.rglob("*") if path.is_file()]
        return {
            "name": self.name,
            "images": len(self),
            "failed": self.manifest.failed,
            "dim": self.dim,
            "encoder": self.encoder_name,
            "fingerprint": self.fingerprint,
            "runtime": self.manifest.runtime,
            "precision": self.manifest.precision,
            "segments": len(self.manifest.segments),
            "bytes": sum(path.stat().st_size for path in files),
            "columns": self.columns,
        }


def file_name(path: str) -> str:
    """The last part of a path or of a shard's member."""
    return path.replace("\\", "/").rpartition("/")[2]


def precision_of(manifest: Manifest, asked: str | None) -> str | None:
    """The precision to load a collection's encoder in: the one asked for, else eight bits where it was made in them.

    All others keep the vectors' direction, so that the fastest of them here will do: None.
    """
    return asked or ("int8" if manifest.precision == "int8" else None)


def check_encoder(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    """UserError unless encoder made the vectors of the collection at path."""
    if encoder.fingerprint != manifest.fingerprint:
        other, way = encoder.name, f"use --encoder {manifest.encoder}, or build"
        if other == manifest.encoder:
            other, way = "other weights of that name", "build"
        raise UserError(
            f"{path} was made with {manifest.encoder} ({manifest.fingerprint[:8]}) and cannot be read with {other} "
            f"({encoder.fingerprint[:8]}); {way} into another folder."
        )


def thumbnail_path(folder: Path, id: str) -> Path:
    """Where the preview of the image called id lies; copies share one."""
    if not ID.fullmatch(id):
        raise ValueError(f"{id!r} is not an id")
    content = id.partition("-")[0]
    return folder / "thumbnails" / content[:2] / f"{content}.webp"


def read_failures(folder: Path) -> pd.DataFrame:
    """failures.csv, or no rows where there is none."""
    try:
        return pd.read_csv(folder / FAILURES, dtype=str, keep_default_na=False).map(plain)
    except (OSError, ValueError):
        return pd.DataFrame({"source": [], "path": [], "reason": []}, dtype=str)


def cached_collection(name: str, source: Path, encoder_name: str) -> Path:
    """Where the collection made of source lives in the cache: one for each source and encoder."""
    mark = hashlib.sha256(f"{source.resolve()}\n{encoder_name}".encode()).hexdigest()[:8]
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "images"
    return cache_dir("collections") / f"{safe[:60]}-{mark}.gelato"
