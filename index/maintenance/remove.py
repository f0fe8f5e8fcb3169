"""Take images out of a collection; the files that they were made from stay where they are."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from index.collection import Collection
from index.retrieval.derived import save_derived
from index.search import rows_where
from index.storage.errors import write_errors
from index.storage.writer import Writer
from training.models.errors import UserError


@dataclass(frozen=True)
class Removed:
    """What a removal did, in images. images: those that are left."""

    removed: int
    images: int
    paths: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """As `remove --json` prints it."""
        return asdict(self)


def remove_images(path: Path, ids: Iterable[str] = (), where: str | None = None, *, dry: bool = False) -> Removed:
    """Remove the images called ids and those that the filter where holds for, in one step for every reader.

    dry: only say which. A later build of a source that still has them brings them back. UserError for an
    id that is not there, a filter that makes no sense, or while another process writes.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted and where is None:
        raise UserError("Say which images to remove: with --id, or with --where.")
    if dry:
        return _result(Collection.open(path), _rows(Collection.open(path), wanted, where))
    with Writer(path) as writer:
        before = writer.before
        rows = _rows(before, wanted, where)
        if len(rows):
            gone = before.column("id").iloc[rows].tolist()
            writer.publish([], np.zeros((0, before.dim), np.float16), gone)
            now = Collection.open(path)
            writer.forget_thumbnails(gone, now.column("id"))
            with write_errors(path):
                save_derived(now)
        return _result(before, rows)


def _rows(collection: Collection, ids: list[str], where: str | None) -> list[int]:
    rows = set(rows_where(collection, where).tolist()) if where is not None else set()
    for id in ids:
        try:
            rows.add(collection.row(id))
        except KeyError as error:
            raise UserError(f"There is no image {id} in {collection.name}; nothing was removed.") from error
    return sorted(rows)


def _result(collection: Collection, rows: list[int]) -> Removed:
    paths = tuple(str(path) for path in collection.column("path").iloc[rows])
    return Removed(len(rows), len(collection) - len(rows), paths)
