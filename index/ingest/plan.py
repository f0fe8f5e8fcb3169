"""What has to be done to bring a collection up to date: what is new or changed, and what is gone."""

import os
from dataclasses import dataclass, field, replace

import pandas as pd

from training.data.source import Item, Source
from training.models.errors import UserError


@dataclass
class Plan:
    """The difference between sources and the rows a collection holds of them.

    stored: the rows as they are. todo: new or changed images, by the name of their source.
    gone: rows whose image is no longer in its source. unchanged: how many rows stay as they are.
    """

    stored: pd.DataFrame
    todo: list[tuple[str, Item]] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    unchanged: int = 0

    def __post_init__(self) -> None:
        stored = self.stored
        self.at = {key: row for row, key in enumerate(zip(stored["source"], stored["path"], strict=True))}
        self.by_hash: dict[str, list[int]] = {}
        for row, content in enumerate(stored["hash"]):
            self.by_hash.setdefault(content, []).append(row)
        self.sources: set[str] = set()

    def compare(self, source: Source, prune: bool) -> None:
        """Add a source. UserError if it is empty, or has lost over half of its images and prune is off."""
        known = {row for (name, _), row in self.at.items() if name == source.name}
        seen: set[int] = set()
        todo = []
        paths: dict[str, int] = {}
        for item in source:
            paths[item.path] = copy = paths.get(item.path, 0) + 1
            if copy > 1:  # a tar may hold a name twice; so may a folder, of names that are not UTF-8
                item = replace(item, path=f"{item.path} ({copy})")
            row = self.at.get((source.name, item.path))
            if row is not None:
                seen.add(row)
            if row is None or self.stored["stamp"].iat[row] != item.stamp:
                todo.append((source.name, item))
        gone = known - seen
        if source.unreadable:  # what cannot be looked at is not known to be gone
            kept = {row for row in gone if self.stored["path"].iat[row].startswith(source.unreadable)}
            gone -= kept
            seen |= kept
        if not seen and not todo:
            now = "any more" if known else "in it"
            raise UserError(f"{source.name} has no images {now}; nothing was changed.")
        if len(gone) * 2 > len(known) and not prune:
            raise UserError(
                f"{len(gone):,} of the {len(known):,} images that came from {source.name} are gone; "
                f"nothing was changed. If that is meant, say so with --prune."
            )
        self.sources.add(source.name)
        self.todo += todo
        self.gone |= gone
        self.unchanged += len(seen) - sum(1 for name, item in todo if (name, item.path) in self.at)

    def movable(self) -> set[int]:
        """Rows whose image may turn up elsewhere: it is gone, or the folder it came from was itself moved."""
        names = set(self.stored["source"]) - self.sources
        vanished = {name for name in names if os.path.isabs(name) and not os.path.exists(name)}
        return self.gone | {row for row, name in enumerate(self.stored["source"]) if name in vanished}
