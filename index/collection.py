"""One collection on disk, as a reader sees it: manifest, segments, rows, thumbnails.

    manifest.json            what the collection is: encoder, segments, counts; replaced atomically
    segments/000001/         vectors.npy (float16 [n, dim]), items.parquet (one row a picture)
    search.faiss, search.json   made from the segments, see nearest.py
    thumbnails/ab/abcd….webp by content, so that copies of a picture share one
    failures.csv             every picture that could not be read, with the reason

The manifest alone decides what belongs to the collection; a folder it does not name is left over
from a killed build and of no account. An open collection stays as it was when it was opened.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.models.cache import cache_dir
from training.models.encoder import Encoder
from training.models.errors import UserError

FORMAT = 1
FACTS = ("id", "source", "path", "width", "height", "bytes", "modified", "hash", "caption")  # every row has these
HIDDEN = ("stamp",)  # for the next build, of no interest to people
ID = re.compile(r"[0-9a-f]{16}(-[1-9][0-9]*)?")
MANIFEST, FAILURES = "manifest.json", "failures.csv"


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says. segments: name and number of pictures of each, in row order."""

    encoder: str
    fingerprint: str
    dim: int
    runtime: str
    precision: str
    revision: int
    segments: tuple[tuple[str, int], ...] = ()
    failed: int = 0

    @property
    def images(self) -> int:
        return sum(images for _, images in self.segments)

    def as_json(self) -> bytes:
        segments = [{"name": name, "images": images} for name, images in self.segments]
        fields = {k: v for k, v in vars(self).items() if k != "segments"}
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
            return cls(**{name: stored[name] for name in names}, segments=segments)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(_corrupt(path, f"{error!s} is missing or wrong")) from error


def _corrupt(path: Path, why: str) -> str:
    return f"{path} is corrupt ({why}); move the folder away and build the collection again, or restore the file."


class Collection:
    """A collection as it was when opened. Row i of `items` is the picture of `vectors[i]`."""

    def __init__(self, path: Path, manifest: Manifest):
        self.path, self.manifest = path, manifest
        name = path.resolve().name
        self.name = name.removesuffix(".gelato") or name
        self.encoder_name, self.fingerprint, self.dim = manifest.encoder, manifest.fingerprint, manifest.dim
        self.revision = manifest.revision
        # A build may replace segments while we read them: what is opened now stays readable.
        self._vectors = [self._open(name, images) for name, images in manifest.segments]
        self._items = [pd.read_parquet(path / "segments" / name / "items.parquet") for name, _ in manifest.segments]

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
                    raise UserError(
                        f"{path} has lost or damaged a segment ({error}); build it again from its pictures."
                    ) from error
        raise UserError(f"{path} is being rebuilt faster than it can be read; try again in a moment.")

    def _open(self, name: str, images: int) -> NDArray[np.float16]:
        vectors = np.load(self.path / "segments" / name / "vectors.npy", mmap_mode="r", allow_pickle=False)
        if vectors.shape != (images, self.dim):
            raise ValueError(f"segment {name} holds {vectors.shape}, the manifest says {(images, self.dim)}")
        return vectors

    def __len__(self) -> int:
        return self.manifest.images

    @property
    def parts(self) -> list[NDArray[np.float16]]:
        """The vectors of each segment, in row order, on disk until they are read: for what passes over all once."""
        return list(self._vectors)

    @cached_property
    def vectors(self) -> NDArray[np.float16]:
        """[N, dim] rows of unit length, to the precision of float16."""
        return np.concatenate(self._vectors) if self._vectors else np.zeros((0, self.dim), np.float16)

    @cached_property
    def stored(self) -> pd.DataFrame:
        """Every column of every row, those that only builds need included."""
        frames = [frame for frame in self._items if len(frame)]
        columns = list(FACTS + HIDDEN)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({c: [] for c in columns}, dtype=object)

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row a picture: FACTS, then the columns that its source had."""
        return self.stored.drop(columns=list(HIDDEN))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self.stored["id"])}

    def row(self, id: str) -> int:
        """The row of the picture called id; KeyError if there is none."""
        return self._rows[id]

    def vector(self, id: str) -> NDArray[np.float32]:
        """[dim], unit length; KeyError if there is no such picture."""
        return np.asarray(self.vectors[self.row(id)], np.float32)

    def thumbnail(self, id: str) -> Path | None:
        """The preview of the picture called id, or None. The path comes from our own table, never from id."""
        if id not in self._rows:
            return None
        path = thumbnail_path(self.path, self.stored["id"].iat[self.row(id)])
        return path if path.is_file() else None

    @cached_property
    def failures(self) -> pd.DataFrame:
        """source, path and reason of every picture that could not be read."""
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
            "columns": list(self.items.columns),
        }


def check_encoder(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    """UserError unless encoder made the vectors of the collection at path."""
    if encoder.fingerprint != manifest.fingerprint:
        other = "other weights of that name" if encoder.name == manifest.encoder else encoder.name
        raise UserError(
            f"{path} was made with {manifest.encoder} ({manifest.fingerprint[:8]}) and cannot be read with {other} "
            f"({encoder.fingerprint[:8]}); use --encoder {manifest.encoder}, or build into another folder."
        )


def thumbnail_path(folder: Path, id: str) -> Path:
    """Where the preview of the picture called id lies; copies share one."""
    if not ID.fullmatch(id):
        raise ValueError(f"{id!r} is not an id")
    content = id.partition("-")[0]
    return folder / "thumbnails" / content[:2] / f"{content}.webp"


def read_failures(folder: Path) -> pd.DataFrame:
    """failures.csv, or no rows where there is none."""
    try:
        return pd.read_csv(folder / FAILURES, dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        return pd.DataFrame({"source": [], "path": [], "reason": []}, dtype=str)


def cached_collection(name: str, source: Path, encoder_name: str) -> Path:
    """Where the collection made of source lives in the cache: one for each source and encoder."""
    mark = hashlib.sha256(f"{source.resolve()}\n{encoder_name}".encode()).hexdigest()[:8]
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "pictures"
    return cache_dir("collections") / f"{safe[:60]}-{mark}.gelato"
