"""What has to be done to bring a collection up to date: what is new, changed, moved or gone."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd

from index.ingest.engine import LoadedImage, PlannedImage
from index.ingest.matching import Matched, StoredPlaces, match, seem_moved
from index.storage.accounts import grouped, passed_over_text, sources_beside
from index.storage.layout import FROM_PREVIEW
from index.storage.offline import EVERYTHING, folders_out_of_reach, offline_rows
from training.data.source import PassedOver, Source
from training.models.errors import UserError


class LosesImages(UserError):
    """A build would lose more than half of a source. what: that as a sentence, without how to go on."""

    def __init__(self, source: str, lost: int, known: int, how: str = "are gone; nothing was changed"):
        self.what = f"{lost:,} of the {known:,} images that came from {source} {how}."
        super().__init__(f"{self.what} If they were deleted, say so with --prune.")


@dataclass(frozen=True)
class Change:
    """What a file is to the collection. row: the stored row that it replaces, None if it replaces none.

    copy_of: a stored row with the same upright pixels, whose vector is used; None if the image was embedded.
    """

    kind: Literal["added", "updated", "moved", "unchanged"]
    row: int | None = None
    copy_of: int | None = None


class Plan:
    """The difference between sources and the rows that a collection holds of them.

    stored: the rows as they are. images: those that have to be read. gone: rows whose image is no longer in its
    source. unchanged: how many rows stay as they are. kept: rows that are out of reach. mounts: the
    folders of each source in which a drive begins; at first those of the last build. problems: a sentence for each
    source that gave no image.
    """

    def __init__(self, stored: pd.DataFrame, mounts: Mapping[str, Sequence[str]]):
        self.stored = stored
        self.images: list[PlannedImage] = []
        self.gone: set[int] = set()
        self.unchanged = 0
        self.sources: set[str] = set()
        self.passed_over: dict[str, Sequence[PassedOver]] = {}
        self.mounts: dict[str, Sequence[str]] = dict(mounts)
        self.seen: set[int] = set()
        self.planned: set[int] = set()  # rows of images
        self.kept: set[int] = set()
        self.away: dict[str, dict[str, str]] = {}  # by source, the folders that are out of reach, and why
        self.problems: list[str] = []
        self.said: list[str] = []  # by sources, of how they were read
        self.places = StoredPlaces(stored)
        self._movable: set[int] = set()
        self._half: dict[str, float] = {}  # of the images of each source, of which no more may become unreadable
        self._unreadable: dict[str, list[str]] = {}  # paths of images of each source that could be read once

    # Two tables of use where there is something to read, which a build of unchanged images has not.

    @cached_property
    def rows_by_content(self) -> dict[str, list[int]]:
        """Stored rows by file hash, and by pixel hash."""
        found: dict[str, list[int]] = {}
        for column in ("hash", "pixel_hash"):
            contents = self.stored[column].fillna("").tolist() if column in self.stored else []
            for row, (content, stamp) in enumerate(zip(contents, self.places.stamps, strict=False)):
                if content and stamp != FROM_PREVIEW:
                    found.setdefault(content, []).append(row)
        return found

    @cached_property
    def _row_at(self) -> dict[tuple[str, str], int]:
        places = zip(self.places.sources, self.places.paths, strict=True)
        return {place: row for row, place in enumerate(places)}

    def compare(self, source: Source, prune: bool, rehash: bool = False) -> None:
        """Add a source; one without an image any more is out of reach, and its rows stay.

        rehash: look at every file. UserError if it has no image and the collection none of it; LosesImages if it has
        lost over half of its images and prune is off.
        """
        found = match(source, self.places, rehash)
        self.said += [f"{source.name}: {note}." for note in source.notes]
        passed_over = [*source.passed_over, *source.beside]
        if not found.seen and not found.images and not source.unreadable:
            self._is_empty(source.name, found, passed_over)
            return
        away = folders_out_of_reach(source, self.mounts.get(source.name, ()))
        away |= {folder: "it cannot be read" for folder in source.unreadable}
        kept = offline_rows({source.name: list(away)}, self.places.sources, self.places.paths, found.gone)
        gone = found.gone - kept
        excluded = {one.path for one in passed_over if one.kind == "excluded"}
        folders = tuple(path for path in excluded if path.endswith("/"))
        paths = ((row, self.places.paths[row]) for row in gone)
        meant = {row for row, path in paths if path in excluded or path.startswith(folders)}
        if (len(gone) - len(meant)) * 2 > found.known and not prune:
            meant |= seem_moved(found, self.places)
        if (len(gone) - len(meant & gone)) * 2 > found.known and not prune:
            raise LosesImages(source.name, len(gone), found.known)
        self.sources.add(source.name)
        self._half[source.name] = float("inf") if prune else found.known / 2
        self.passed_over[source.name] = passed_over
        self.kept |= kept
        self.away[source.name] = away
        missing = {folder for folder in self.mounts.get(source.name, ()) if folder in away}
        self.mounts[source.name] = sorted({*source.mounts, *missing})
        self._add(source.name, found)
        self.gone |= gone

    def absent(self, name: str, why: str) -> None:
        """Note that a source is out of reach as a whole: its rows stay, and are offline. why: a sentence."""
        rows = set(self.places.of(name))
        self.away[name] = {EVERYTHING: why}
        self.kept |= rows
        self.problems.append(f"{why} Its {len(rows):,} images stay in the collection, marked as offline.")

    def _is_empty(self, name: str, found: Matched, passed_over: Sequence[PassedOver]) -> None:
        groups = grouped(passed_over)
        files = f": {passed_over_text(groups)}" if groups else ""
        now = "any more" if found.known else "in it"
        why = f"{name} has no images {now}{files}; nothing was changed. {sources_beside(groups)}".strip()
        if not self.places.of(name):
            raise UserError(why)
        self.absent(name, why)

    def offline(self) -> dict[str, dict[str, int]]:
        """How many rows are out of reach, by source and by the folder in it that they lie in."""
        found: dict[str, dict[str, int]] = {}
        for name, folders in self.away.items():
            paths = [self.places.paths[row] for row in self.kept if self.places.sources[row] == name]
            counts = {folder: sum(path.startswith(folder) for path in paths) for folder in folders}
            found[name] = {folder: count for folder, count in counts.items() if count}
        return found

    def notes(self, into: Path) -> list[str]:
        """What to tell of sources: how they were read, and which folders are out of reach. into: the collection."""
        return self.said + [
            f"{count:,} images in {folder} of {name} are offline and were kept: {self.away[name][folder]}. "
            f"If they were deleted: python -m index remove {into} --where 'offline == True'"
            for name, folders in self.offline().items()
            for folder, count in folders.items()
            if folder != EVERYTHING
        ]

    def _add(self, name: str, found: Matched) -> None:
        """Plan what a comparison found; what another source of this build has already is not planned again."""
        for item, row in found.images:
            if row is not None:
                if row in self.planned:
                    continue
                self.planned.add(row)
                self._row_at.setdefault((name, item.path), row)
            self.images.append(PlannedImage(name, item))
        self.unchanged += len(found.seen - self.seen - self.planned)
        self.seen |= found.seen

    def begin(self) -> int:
        """Call it once all sources are compared; the number of images to read."""
        # An image may turn up elsewhere if it is gone, or if the folder it came from was itself moved.
        names = set(self.places.names) - self.sources
        vanished = {name for name in names if os.path.isabs(name) and not os.path.exists(name)}
        self._movable = self.gone | self.kept | {row for name in vanished for row in self.places.of(name)}
        # What was known before is read first: a copy that was made of it meanwhile is then the copy, not the image.
        self.images.sort(key=lambda image: self.row_of(image) is None)
        return len(self.images)

    def drain(self) -> Iterator[PlannedImage]:
        """The images to read, in order; what was given is held no longer."""
        self.images.reverse()
        while self.images:
            yield self.images.pop()

    def row_of(self, image: PlannedImage) -> int | None:
        """The stored row of the same path in the same source."""
        return self._row_at.get((image.source, image.item.path))

    def change(self, image: PlannedImage, loaded: LoadedImage, embedded: bool) -> Change:
        """What a readable file is; a row that it moves from is no longer gone."""
        row = self.row_of(image)
        new_or_changed: Literal["added", "updated"] = "added" if row is None else "updated"
        if embedded:
            return Change(new_or_changed, row)
        contents = loaded.hash, str(loaded.pixel_hash)
        same = [found for content in contents for found in self.rows_by_content.get(content, ())]
        if row is not None and row in same:  # only its date changed, or what is said of it
            return Change("unchanged", row, copy_of=row)
        moved = next((r for r in same if r in self._movable), None) if row is None else None
        if moved is None:
            return Change(new_or_changed, row, copy_of=same[0])
        self._movable.discard(moved)
        self.gone.discard(moved)
        self.kept.discard(moved)
        return Change("moved", moved, copy_of=same[0])

    def fail(self, image: PlannedImage) -> None:
        """The image cannot be read; if it was one once, its row goes."""
        row = self.row_of(image)
        if row is not None:
            self.gone.add(row)
            self._unreadable.setdefault(image.source, []).append(image.item.path)

    def check_unreadable(self) -> None:
        """LosesImages if over half of a source's images cannot be read any more, as after a crash or in a cloud."""
        for name, paths in self._unreadable.items():
            if len(paths) > self._half.get(name, float("inf")):
                how = f"cannot be read any more and stay in the collection as they were, the first is {paths[0]}"
                raise LosesImages(name, len(paths), int(self._half[name] * 2), how)
