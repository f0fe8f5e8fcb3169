"""Labels that a person gave or confirmed, stored by image. "" means that the image shows none of the classes."""

from collections.abc import Mapping
from pathlib import Path

from index.collection import Collection
from index.storage.annotation_cache import AnnotationCache
from index.storage.annotations import reading, writing
from index.storage.json_files import read_json_corrections
from training.models.errors import UserError

MOST = 100_000


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
    """Store label for the image called id, or delete it if label is None; returns what was stored before.

    UserError for an image that is not there, and for a folder that cannot be written to.
    """
    try:
        id = str(collection.column("id").iat[collection.row(id)])
    except KeyError as error:
        raise UserError("That image is not in the collection any more; label it again.") from error
    with writing(collection.path) as connection:
        found = connection.execute("SELECT label FROM corrections WHERE id = ?", (id,)).fetchone()
        connection.execute("DELETE FROM corrections WHERE id = ?", (id,))
        if label is not None:
            (count,) = connection.execute("SELECT count(*) FROM corrections").fetchone()
            if count >= MOST:
                raise UserError(f"A collection stores at most {MOST:,} corrections.")
            number = connection.execute("SELECT ifnull(max(number), 0) + 1 FROM corrections").fetchone()[0]
            connection.execute("INSERT INTO corrections VALUES (?, ?, ?)", (number, id, label))
    return None if found is None else str(found[0])
