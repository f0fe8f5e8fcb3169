"""The one writer of a collection: what it publishes is whole, whenever it is killed."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.storage.before_manifest import may_be_filled
from index.storage.errors import damaged_segment, write_errors
from index.storage.failures import read_failures
from index.storage.generations import generation_home, sweep
from index.storage.layout import FAILURES, LONGEST_INSIDE, MANIFEST, Place, thumbnail_path
from index.storage.manifest import Manifest, check_encoder, check_precision
from index.storage.new_segments import NewSegments, rows_that_stay
from index.storage.segments import ITEMS, VECTORS
from index.storage.tables import csv_of
from training.models.atomic import is_abandoned, replace_file, write_file
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.file_lock import lock_folder
from training.models.file_names import long_path

BUSY = "{} is being written by another process; wait for it to end, or stop it (stopping is safe)."


class Writer:
    """Holds the collection at path for writing; a second writer is refused. Use it in a `with`.

    encoder: what makes the vectors; None where none will be made, and the collection must exist.
    generation: the fingerprint of an encoder: then only its generation is held and written, beside the one that serves.
    UserError if path holds something else, was made by another encoder, or cannot be written.
    """

    def __init__(self, path: Path, encoder: Encoder | None = None, generation: str = ""):
        self.path = path = long_path(path, LONGEST_INSIDE)
        self.place = place = path / generation_home(generation) if generation else path  # of the manifest and the lock
        if encoder is None:
            Manifest.read(place)
        elif not generation and path.exists() and not (path / MANIFEST).exists() and not may_be_filled(path):
            raise UserError(f"{path} exists and is not a collection; give --into a new name.")
        self.made = not place.exists()
        self._overwrote = False  # a thumbnail, since the last publication
        with write_errors(path):
            (place / "segments").mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(place, BUSY.format(place))
        try:
            if encoder is None or (place / MANIFEST).exists():
                self.manifest = Manifest.read(place)
                if encoder is not None:
                    check_encoder(path, self.manifest, encoder)
                    check_precision(path, self.manifest, encoder)
            else:
                made_by = encoder.name, encoder.fingerprint, encoder.dim, encoder.runtime, encoder.precision
                self.manifest = Manifest(*made_by, 0, home=generation_home(generation) if generation else "")
            self.home = path / self.manifest.home
            (self.home / "segments").mkdir(parents=True, exist_ok=True)
            self._sweep()
        except BaseException:
            self.close()
            raise

    @cached_property
    def before(self) -> Collection:
        """The collection as it was when the writer came to it, or last looked again."""
        # Until the first publication there is no manifest, and so no collection.
        return Collection(self.path, self.manifest) if self.manifest.revision == 0 else self.now()

    def now(self) -> Collection:
        """The collection, or the generation, as it is."""
        return Collection.open(self.path, "" if self.place == self.path else self.manifest.fingerprint)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the next writer in; of a collection that came to nothing, nothing stays."""
        if self.made and (not hasattr(self, "manifest") or self.manifest.revision == 0):
            shutil.rmtree(self.place, ignore_errors=True)
        self._lock.release()

    def publish(
        self,
        rows: Sequence[dict[str, Any]],
        vectors: NDArray[np.floating],
        dropped: Iterable[Place] = (),
        failures: pd.DataFrame | None = None,
        **facts: Any,
    ) -> None:
        """In one step for every reader: rows and their vectors [n, dim] come, those at the places dropped go.

        failures: the new failures.csv. facts: fields of the manifest that change in the same step.
        """
        with write_errors(self.path):
            self._publish(list(rows), vectors, set(dropped), failures, facts)

    def _publish(
        self,
        rows: list[dict[str, Any]],
        vectors: NDArray[np.floating],
        gone: set[Place],
        failures: pd.DataFrame | None,
        facts: dict[str, Any],
    ) -> None:
        now = self.manifest
        written = NewSegments(self.home / "segments", now)
        segments: list[tuple[str, int]] = []
        replaced: list[str] = []
        for name, images in now.segments:
            kept = self._rows_that_stay(name, gone) if gone else None
            if kept is None:
                segments.append((name, images))
                continue
            replaced.append(name)
            if len(kept[0]):
                segments.append(written.write(*kept))
        if rows:
            segments.append(written.write(pd.DataFrame(rows), vectors))
        if failures is not None:
            write_file(self.place / FAILURES, csv_of(failures))
            facts = {**facts, "failed": int((failures["kind"] == "unreadable").sum())}
        changed = any(getattr(now, name) != value for name, value in facts.items())
        if rows or replaced or now.revision == 0 or changed:
            self._replace_manifest(written, segments, facts, replaced)

    def _rows_that_stay(self, name: str, gone: set[Place]) -> tuple[pd.DataFrame, NDArray[np.floating]] | None:
        try:
            return rows_that_stay(self.home / "segments" / name, gone)
        except ValueError as error:
            raise damaged_segment(self.path, error) from error

    def rewrite(self, parts: Iterable[tuple[pd.DataFrame, NDArray[np.floating]]], **facts: Any) -> None:
        """In one step for every reader: these rows with their vectors, a segment a part, take the place of all."""
        written = NewSegments(self.home / "segments", self.manifest)
        with write_errors(self.path):
            segments = [written.write(items, vectors) for items, vectors in parts]
            self._replace_manifest(written, segments, facts, [name for name, _ in self.manifest.segments])

    def discard(self, names: Iterable[str]) -> None:
        """Take whole segments out of the collection without reading them: they are damaged."""
        broken = set(names)
        written = NewSegments(self.home / "segments", self.manifest)
        with write_errors(self.path):
            kept = [segment for segment in self.manifest.segments if segment[0] not in broken]
            self._replace_manifest(written, kept, {}, sorted(broken))

    def rename_source(self, old: str, new: str) -> int:
        """Let the images of one source be those of another, with the same paths, in one step; how many they are."""
        now, renamed = self.manifest, 0
        written = NewSegments(self.home / "segments", now)
        segments: list[tuple[str, int]] = []
        replaced: list[str] = []
        with write_errors(self.path):
            for name, images in now.segments:
                folder = self.home / "segments" / name
                items = pd.read_parquet(folder / ITEMS)
                theirs = items["source"] == old
                if not theirs.any():
                    segments.append((name, images))
                    continue
                renamed += int(theirs.sum())
                items.loc[theirs, "source"] = new
                replaced.append(name)
                segments.append(written.write(items, np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)))
            facts = {
                field: {new if name == old else name: value for name, value in getattr(now, field).items()}
                for field in ("passed_over", "offline", "mounts", "tables")
            }
            failures = read_failures(self.path)
            failures["source"] = failures["source"].replace(old, new)
            write_file(self.path / FAILURES, csv_of(failures))
            self._replace_manifest(written, segments, facts, replaced)
        return renamed

    def look_again(self) -> None:
        """Let `before` be the collection as it is now."""
        self.__dict__.pop("before", None)

    def _replace_manifest(
        self, written: NewSegments, segments: list[tuple[str, int]], facts: dict[str, Any], replaced: Sequence[str]
    ) -> None:
        """The step that every reader sees at once."""
        named, now = {name for name, _ in segments}, self.manifest
        revision = now.revision + 1
        manifest = replace(
            now,
            revision=revision,
            content=now.content if now.revision and tuple(segments) == now.segments else revision,
            segments=tuple(segments),
            last_segment=written.last,
            checksums={name: sums for name, sums in written.checksums.items() if name in named},
            previews=now.previews + (self._overwrote or bool(replaced)),
            **facts,
        )
        write_file(self.place / MANIFEST, manifest.as_json())
        self.manifest = manifest  # only now: what was not written does not hold
        self._overwrote = False
        for name in replaced:
            shutil.rmtree(self.home / "segments" / name, ignore_errors=True)

    def thumbnail(self, id: str, webp: bytes) -> None:
        """Keep a thumbnail. It can be made again, so it is renamed into place but not forced to disk one by one."""
        path = thumbnail_path(self.path, id)
        beside = path.with_name(f".{path.name}.tmp")
        self._overwrote |= path.exists()
        with write_errors(self.path):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(webp)
            replace_file(beside, path)

    def forget_thumbnails(self, ids: Iterable[str], kept: Iterable[str]) -> None:
        """Remove the thumbnails of ids that are not among kept."""
        for id in set(ids).difference(kept):
            with suppress(PermissionError):  # Windows removes none that is being sent; then it stays, and no row has it
                thumbnail_path(self.path, id).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a killed build left behind."""
        named = {name for name, _ in self.manifest.segments}
        for entry in (self.home / "segments").iterdir():
            if entry.name not in named:
                shutil.rmtree(entry, ignore_errors=True)
        if self.place == self.path:
            sweep(self.path, self.manifest)
        for entry in self.place.glob(".*.tmp"):
            if is_abandoned(entry):  # a page may be writing another file of the collection just now
                entry.unlink(missing_ok=True)
