"""What has to be done to bring a collection up to date: what is new, changed, moved or gone."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from index.ingest.engine import PlannedImage
from index.storage.accounts import grouped, passed_over_text, sources_beside
from training.data.source import PassedOver, Source
from training.models.errors import UserError


@dataclass(frozen=True)
class Change:
    """What an image is to the collection. row: the stored row that it replaces, None if it replaces none.

    keeps_id: whether it goes on under that row's id. copy_of: a stored row with the same content, whose vector is
    used; None if the image was embedded.
    """

    kind: Literal["added", "updated", "moved", "unchanged"]
    row: int | None = None
    keeps_id: bool = False
    copy_of: int | None = None


class Plan:
    """The difference between sources and the rows that a collection holds of them.

    stored: the rows as they are. images: those that have to be read. gone: rows whose image is no longer in its
    source. unchanged: how many rows stay as they are.
    """

    def __init__(self, stored: pd.DataFrame):
        self.stored = stored
        self.images: list[PlannedImage] = []
        self.gone: set[int] = set()
        self.unchanged = 0
        self.sources: set[str] = set()
        self.passed_over: dict[str, Sequence[PassedOver]] = {}
        self.rows_by_hash: dict[str, list[int]] = {}
        for row, content in enumerate(stored["hash"]):
            self.rows_by_hash.setdefault(content, []).append(row)
        self._row_at = {key: row for row, key in enumerate(zip(stored["source"], stored["path"], strict=True))}
        self._movable: set[int] = set()

    def compare(self, source: Source, prune: bool) -> None:
        """Add a source. UserError if it is empty, or has lost over half of its images and prune is off."""
        known = {row for (name, _), row in self._row_at.items() if name == source.name}
        seen: set[int] = set()
        images = []
        paths: dict[str, int] = {}
        for item in source:
            paths[item.path] = copy = paths.get(item.path, 0) + 1
            if copy > 1:  # a tar may hold a name twice; so may a folder, of names that are not UTF-8
                item = replace(item, path=f"{item.path} ({copy})")
            row = self._row_at.get((source.name, item.path))
            if row is not None:
                seen.add(row)
            if row is None or self.stored["stamp"].iat[row] != item.stamp:
                images.append(PlannedImage(source.name, item))
        gone = known - seen
        if source.unreadable:  # what cannot be looked at is not known to be gone
            kept = {row for row in gone if self.stored["path"].iat[row].startswith(source.unreadable)}
            gone -= kept
            seen |= kept
        if not seen and not images:
            now = "any more" if known else "in it"
            groups = grouped([*source.passed_over, *source.beside])
            files = f": {passed_over_text(groups)}" if groups else ""
            raise UserError(
                " ".join(
                    f"{source.name} has no images {now}{files}; nothing was changed. {sources_beside(groups)}".split()
                )
            )
        if len(gone) * 2 > len(known) and not prune:
            raise UserError(
                f"{len(gone):,} of the {len(known):,} images that came from {source.name} are gone; "
                f"nothing was changed. If that is meant, say so with --prune."
            )
        self.sources.add(source.name)
        self.passed_over[source.name] = [*source.passed_over, *source.beside]
        self.images += images
        self.gone |= gone
        self.unchanged += len(seen) - sum(self.row_of(image) is not None for image in images)

    def begin(self) -> int:
        """Call it once all sources are compared; the number of images to read."""
        # An image may turn up elsewhere if it is gone, or if the folder it came from was itself moved.
        names = set(self.stored["source"]) - self.sources
        vanished = {name for name in names if os.path.isabs(name) and not os.path.exists(name)}
        self._movable = self.gone | {row for row, name in enumerate(self.stored["source"]) if name in vanished}
        return len(self.images)

    def drain(self) -> Iterator[PlannedImage]:
        """The images to read, in order; what was given is held no longer."""
        self.images.reverse()
        while self.images:
            yield self.images.pop()

    def row_of(self, image: PlannedImage) -> int | None:
        """The stored row of the same path in the same source."""
        return self._row_at.get((image.source, image.item.path))

    def change(self, image: PlannedImage, content: str, embedded: bool) -> Change:
        """What a readable image with this content hash is; a row that it moves from is no longer gone."""
        row = self.row_of(image)
        new_or_changed: Literal["added", "updated"] = "added" if row is None else "updated"
        if embedded:
            return Change(new_or_changed, row)
        same = self.rows_by_hash[content]
        if row is not None and row in same:  # only its date changed, or what is said of it
            return Change("unchanged", row, keeps_id=True, copy_of=same[0])
        moved = next((r for r in same if r in self._movable), None) if row is None else None
        if moved is None:
            return Change(new_or_changed, row, copy_of=same[0])
        self._movable.discard(moved)
        self.gone.discard(moved)
        return Change("moved", moved, keeps_id=True, copy_of=same[0])

    def fail(self, image: PlannedImage) -> None:
        """The image cannot be read; if it was one once, its row goes."""
        row = self.row_of(image)
        if row is not None:
            self.gone.add(row)
