"""Tags and corrections as earlier versions stored them, in files of JSON.

    tags.json           {"9f3c…": ["beach", "print"], …} by id
    corrections.json    [{"id": "9f3c…", "label": "cat"}, …], oldest first

They are read as they are until something is written; then `annotations.sqlite` takes them over, and the files are
renamed to end in .migrated. Copies of an image had ids of their own then, "9f3c…-2"; they are one image now.
"""

import json
import sqlite3
from hashlib import sha256
from pathlib import Path

from training.models.errors import UserError

TAGS_FILE, CORRECTIONS_FILE = "tags.json", "corrections.json"
MIGRATED = ".migrated"  # added to the name of a file whose content annotations.sqlite has


def read_json_tags(folder: Path) -> dict[str, list[str]]:
    """Tags by image id; none where there is no file. UserError if the file is not what was written."""
    path = folder / TAGS_FILE
    stored = _read(path, "tags")
    if stored is None:
        return {}
    if not isinstance(stored, dict) or not all(isinstance(tags, list) for tags in stored.values()):
        raise UserError(f"{path} does not hold tags by id; move it away to start without tags.")
    found: dict[str, list[str]] = {}
    for id, tags in stored.items():
        of_image = found.setdefault(image_id(str(id)), [])
        of_image += [str(tag) for tag in tags if str(tag) not in of_image]
    return found


def read_json_corrections(folder: Path) -> dict[str, str]:
    """Labels by image id, oldest first; the newest of an image's copies counts. UserError as of read_json_tags."""
    path = folder / CORRECTIONS_FILE
    stored = _read(path, "corrections")
    found: dict[str, str] = {}
    try:
        for one in stored or ():  # type: ignore[attr-defined]
            id = image_id(str(one["id"]))
            found.pop(id, None)
            found[id] = str(one["label"])
    except (TypeError, KeyError) as error:
        raise UserError(f"{path} does not hold labels by id; move it away to start afresh.") from error
    return found


def image_id(id: str) -> str:
    """The id of the image of which id, maybe of a collection of earlier versions, names a copy."""
    return id.partition("-")[0]


def import_json_files(folder: Path, connection: sqlite3.Connection) -> list[Path]:
    """Store what the files hold, once; the files that can be renamed when the transaction is over."""
    imported = []
    for name, what in ((TAGS_FILE, _import_tags), (CORRECTIONS_FILE, _import_corrections)):
        path = folder / name
        try:
            content = sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            continue
        # A file that could not be renamed is not taken over a second time: tags may have been taken away since.
        known = connection.execute("SELECT value FROM facts WHERE name = ?", (f"imported {name}",)).fetchone()
        if known is None or known[0] != content:
            what(folder, connection)
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (f"imported {name}", content))
        imported.append(path)
    return imported


def _import_tags(folder: Path, connection: sqlite3.Connection) -> None:
    pairs = [(id, name) for id, names in read_json_tags(folder).items() for name in names]
    connection.executemany("INSERT OR IGNORE INTO tags (id, name) VALUES (?, ?)", pairs)


def _import_corrections(folder: Path, connection: sqlite3.Connection) -> None:
    labels = read_json_corrections(folder).items()
    connection.executemany("INSERT OR IGNORE INTO corrections (id, label) VALUES (?, ?)", labels)


def _read(path: Path, what: str) -> object:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as {what} ({error}); move it away to start without {what}.") from error
