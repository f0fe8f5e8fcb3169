"""Labels that a person gave or confirmed, stored by image. "" means that the image shows none of the classes."""

from collections.abc import Mapping
from pathlib import Path

from index.collection import Collection
from index.storage.annotation_cache import AnnotationCache
from index.storage.annotations import reading, writing
from index.storage.json_files import read_json_corrections
from training.models.errors import UserError

MOST = 100_000
PART = 500  # parameters of a statement: SQLite may take no more than 999


def read_corrections(folder: Path) -> Mapping[str, str]:
    """Labels by image id, oldest first; none where there are none. UserError if the file is not what this wrote."""
    return _cached(folder)


def _read(folder: Path) -> dict[str, str]:
    with reading(folder) as connection:
        if connection is None:
            return read_json_corrections(folder)
        return dict(connection.execute("SELECT id, label FROM corrections ORDER BY number"))


_cached = AnnotationCache(_read)


def correct(collection: Collection, id: str, label: str | None) -> str | None:
    """Store label for the image called id, or delete it if label is None; returns what was stored before."""
    return next(iter(correct_images(collection, {id: label}).values()))


def correct_images(collection: Collection, labels: Mapping[str, str | None]) -> dict[str, str | None]:
    """Store a label for each image by its id, or delete what is stored where the label is None; all or none of them.

    Returns what was stored before, by the ids as the collection has them. UserError for an image that is not there,
    and for a folder that cannot be written to.
    """
    rows = collection.rows_of_each(list(labels))
    if not all(map(len, rows)):
        raise UserError("That image is not in the collection any more; label it again.")
    names = collection.column("id")
    stored = {str(names.iat[of[0]]): label for of, label in zip(rows, labels.values(), strict=True)}
    with writing(collection.path) as connection:
        before: dict[str, str | None] = dict.fromkeys(stored)
        for start in range(0, len(stored), PART):
            part = list(stored)[start : start + PART]
            marks = ",".join("?" * len(part))
            before |= dict(connection.execute(f"SELECT id, label FROM corrections WHERE id IN ({marks})", part))
            connection.execute(f"DELETE FROM corrections WHERE id IN ({marks})", part)
        count, last = connection.execute("SELECT count(*), ifnull(max(number), 0) FROM corrections").fetchone()
        new = [(id, label) for id, label in stored.items() if label is not None]
        if count + len(new) > MOST:
            raise UserError(f"A collection stores at most {MOST:,} corrections.")
        numbered = [(number, *one) for number, one in enumerate(new, last + 1)]
        connection.executemany("INSERT INTO corrections VALUES (?, ?, ?)", numbered)
    return before
