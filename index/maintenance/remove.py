"""Take images out of a collection; the files that they were made from stay where they are."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.maintenance.dropping import drop_rows
from index.maintenance.undo import keep_removed
from index.search import rows_where
from index.storage.annotations import reading, writing
from index.storage.json_files import image_id
from index.storage.known_images import forget, is_known
from index.storage.writer import Writer
from training.models.errors import UserError


@dataclass(frozen=True)
class Removed:
    """What a removal did, in rows, one a file. images: those that are left. forgotten: images of which nothing is
    known any more."""

    removed: int
    images: int
    paths: tuple[str, ...]
    forgotten: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As `remove --json` prints it."""
        return asdict(self)


def remove_images(
    path: Path, ids: Iterable[str] = (), where: str | None = None, *, dry: bool = False, forgetting: bool = False
) -> Removed:
    """Remove the images called ids, every copy, and the rows that the filter where holds for, in one step for readers.

    Their tags and corrections wait for their return: a later build of a source that still has them brings them back,
    and so does `undo_last`. forgetting: delete tags and corrections too, also of an image of ids that was removed
    before. dry: only say which. UserError for an id that is not there, a filter that makes no sense, or while another
    process writes.
    """
    wanted = list(dict.fromkeys(map(image_id, ids)))
    if not wanted and where is None:
        raise UserError("Say which images to remove: with --id, or with --where.")
    if dry:
        collection = Collection.open(path)
        return _result(collection, _rows(collection, wanted, where, forgetting), 0)
    with Writer(path) as writer:
        before = writer.before
        rows = _rows(before, wanted, where, forgetting)
        held = before.column("id").drop(index=rows)
        gone = {*before.column("id").iloc[rows], *wanted} - set(held)
        if len(rows) or (gone and forgetting):
            keep_removed(writer, rows, gone if forgetting else ())
        if len(rows):
            drop_rows(writer, rows)
        if forgetting and gone:
            with writing(path) as connection:
                forget(connection, gone)
        return _result(before, rows, len(gone) if forgetting else 0)


def _rows(collection: Collection, ids: list[str], where: str | None, forgetting: bool) -> NDArray[np.intp]:
    rows = collection.rows(ids)
    missing = set(ids) - set(collection.column("id").iloc[rows])
    if missing and forgetting:
        with reading(collection.path) as connection:
            missing = {id for id in missing if connection is None or not is_known(connection, id)}
    if missing:
        raise UserError(f"There is no image {min(missing)} in {collection.name}; nothing was removed.")
    return rows if where is None else np.union1d(rows, rows_where(collection, where))


def _result(collection: Collection, rows: NDArray[np.intp], forgotten: int) -> Removed:
    paths = tuple(str(path) for path in collection.column("path").iloc[rows])
    return Removed(len(rows), len(collection) - len(rows), paths, forgotten)
