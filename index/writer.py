"""The one writer of a collection: what it publishes is whole, whatever the moment it is killed."""

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import (
    FACTS,
    FAILURES,
    HIDDEN,
    MANIFEST,
    Collection,
    Manifest,
    check_encoder,
    thumbnail_path,
)
from training.models.atomic import flush_folder, write_file
from training.models.encoder import Encoder
from training.models.errors import UserError


class Writer:
    """Holds the collection at path for writing; a second writer is refused. Use it in a `with`.

    UserError if path holds something else, or was made by another encoder.
    """

    def __init__(self, path: Path, encoder: Encoder):
        self.path = path
        if path.exists() and not (path / MANIFEST).exists() and not _is_ours(path):
            raise UserError(f"{path} exists and is not a collection; give --into a new name.")
        self.made = not path.exists()
        try:
            (path / "segments").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}.") from error
        self._lock = _lock(path)
        try:
            if (path / MANIFEST).exists():
                self.manifest = Manifest.read(path)
                check_encoder(path, self.manifest, encoder)
            else:
                self.manifest = Manifest(
                    encoder.name, encoder.fingerprint, encoder.dim, encoder.runtime, encoder.precision, 0
                )
            self._sweep()
            # Until the first publication there is no manifest, and so no collection.
            self.before = Collection.open(path) if self.manifest.revision else Collection(path, self.manifest)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the next writer in; of a collection that came to nothing, nothing stays."""
        if self.made and self.manifest.revision == 0:
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    def publish(
        self,
        rows: Sequence[dict[str, Any]],
        vectors: NDArray,
        dropped: Iterable[str] = (),
        failures: pd.DataFrame | None = None,
    ) -> None:
        """In one step for every reader: rows and their vectors [n, dim] come, pictures called dropped go."""
        gone = set(dropped)
        segments: list[tuple[str, int]] = []
        replaced: list[str] = []
        for name, images in self.manifest.segments:
            kept = self._without(name, gone) if gone else None
            if kept is None:
                segments.append((name, images))
                continue
            replaced.append(name)
            if len(kept[0]):
                segments.append(self._write(*kept))
        if rows:
            segments.append(self._write(pd.DataFrame(list(rows)), vectors))
        failed = self.manifest.failed
        if failures is not None:
            write_file(self.path / FAILURES, failures.to_csv(index=False).encode())
            failed = len(failures)
        first = self.manifest.revision == 0
        if not (rows or replaced or first or failed != self.manifest.failed):
            return
        revision = self.manifest.revision + 1
        self.manifest = replace(self.manifest, revision=revision, segments=tuple(segments), failed=failed)
        write_file(self.path / MANIFEST, self.manifest.as_json())
        for name in replaced:
            shutil.rmtree(self.path / "segments" / name, ignore_errors=True)

    def thumbnail(self, id: str, webp: bytes) -> None:
        """Keep a preview. It can be made again, so it is renamed into place but not forced to disk one by one."""
        path = thumbnail_path(self.path, id)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.tmp")
        beside.write_bytes(webp)
        os.replace(beside, path)

    def forget_thumbnails(self, ids: Iterable[str], kept: Iterable[str]) -> None:
        """Remove the previews of ids whose content no picture in kept shares."""
        still = {id.partition("-")[0] for id in kept}
        for id in ids:
            if id.partition("-")[0] not in still:
                thumbnail_path(self.path, id).unlink(missing_ok=True)

    def _without(self, name: str, gone: set[str]) -> tuple[pd.DataFrame, NDArray] | None:
        """The rows and vectors of a segment that stay, or None if all do."""
        folder = self.path / "segments" / name
        items = pd.read_parquet(folder / "items.parquet")
        keep = ~items["id"].isin(gone).to_numpy()
        if keep.all():
            return None
        return items[keep], np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)[keep]

    def _write(self, items: pd.DataFrame, vectors: NDArray) -> tuple[str, int]:
        """A new segment, under a name that nothing refers to yet."""
        taken = [int(entry.name) for entry in (self.path / "segments").iterdir() if entry.name.isdigit()]
        name = f"{max(taken, default=0) + 1:06d}"
        folder = self.path / "segments" / name
        folder.mkdir()
        write_file(folder / "vectors.npy", lambda file: np.save(file, np.asarray(vectors, np.float16)))
        write_file(folder / "items.parquet", lambda file: storable(items).to_parquet(file, index=False))
        flush_folder(folder.parent)
        return name, len(items)

    def _sweep(self) -> None:
        """Remove what a killed build left behind."""
        named = {name for name, _ in self.manifest.segments}
        for entry in (self.path / "segments").iterdir():
            if entry.name not in named:
                shutil.rmtree(entry, ignore_errors=True)
        for entry in self.path.glob(".*.tmp"):
            entry.unlink(missing_ok=True)


def storable(items: pd.DataFrame) -> pd.DataFrame:
    """items with every column of one kind: what mixes kinds, or nests, becomes text."""
    first = [c for c in FACTS + HIDDEN if c in items]
    items = items[first + [c for c in items.columns if c not in first]].reset_index(drop=True)
    for column in items.columns:
        if items[column].dtype == object:
            present = items[column].dropna()
            kinds = {type(value) for value in present}
            if not kinds <= {str} and not kinds <= {bool} and not kinds <= {int, float}:
                items[column] = present.map(str).reindex(items.index)
    return items


def _is_ours(path: Path) -> bool:
    """Whether the folder at path may be filled: it is empty, or a build died before its first manifest."""
    return path.is_dir() and all(entry.name in (".lock", "segments") for entry in path.iterdir())


def _lock(path: Path) -> int:
    """An open handle that keeps other writers out until it is closed or the process ends."""
    handle = os.open(path / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows: no second writer is noticed there
        pass
    except OSError as error:
        os.close(handle)
        raise UserError(
            f"{path} is being written by another process; wait for it to end, or stop it (stopping is safe)."
        ) from error
    return handle
