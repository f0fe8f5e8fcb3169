"""Copies of what people said of a collection's images: tags, corrections, and by what each image is known again.

The vectors are not among them: a build makes them again from the images.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from index.collection import Collection
from index.storage.annotations import ANNOTATIONS, BEFORE_RESTORE, copied_from, counts, is_ours, reading, writing
from index.storage.before_manifest import may_be_filled
from index.storage.json_files import CORRECTIONS_FILE, TAGS_FILE
from index.storage.known_images import adopt
from index.storage.layout import MANIFEST
from training.models.atomic import flush_folder, replacement
from training.models.errors import UserError


def back_up(path: Path, file: Path) -> dict[str, Any]:
    """Copy the annotations of the collection at path to file, which must not exist, as they are at one instant.

    Others may write meanwhile. Returns how many tags and corrections there are. UserError if it cannot be written.
    """
    Collection.open(path)
    if file.exists():
        raise UserError(f"{file} exists; name a new file.")
    if any((path / name).exists() for name in (TAGS_FILE, CORRECTIONS_FILE)) or not (path / ANNOTATIONS).exists():
        with writing(path):
            pass  # takes them over
    try:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        with replacement(file.absolute()) as temporary:
            with reading(path) as source, closing(sqlite3.connect(temporary)) as target:
                assert source is not None
                source.backup(target)
                found = counts(target)
        flush_folder(file.absolute().parent)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}.") from error
    return found


def restore(path: Path, file: Path) -> dict[str, Any]:
    """Replace the annotations of the collection at path by those of a backup, in one step for others.

    path may be a new folder: a build into it then knows the images again. What was there is kept beside it. Returns
    how many tags and corrections there are. UserError if file is no backup, or path is something else.
    """
    if not file.is_file() or not is_ours(file):
        raise UserError(f"{file} is not a backup of annotations; make one with: python -m index backup DIR FILE")
    if path.exists() and not (path / MANIFEST).exists() and not may_be_filled(path):
        raise UserError(f"{path} exists and is not a collection.")
    path.mkdir(parents=True, exist_ok=True)
    with writing(path):
        pass  # makes the file, and takes over what earlier versions stored, so that it does not come back later
    (path / BEFORE_RESTORE).unlink(missing_ok=True)
    with reading(path) as source, closing(sqlite3.connect(path / BEFORE_RESTORE)) as target:
        assert source is not None
        source.backup(target)
    copied_from(file, path)
    if (path / MANIFEST).exists():
        stored = Collection.open(path).stored
        with writing(path) as connection:
            adopt(connection, stored)
    with reading(path) as connection:
        assert connection is not None
        return counts(connection)
