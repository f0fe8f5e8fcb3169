"""What people say of images, and by what each image is known again: one SQLite file in a collection's folder.

    annotations.sqlite       tags, corrections, when each image was first seen, hashes and places of its files, undo log

Every change is one transaction with a rollback journal and `synchronous=FULL`, so that it is there whole or not at
all after a kill or a power cut; several processes may write in turn. (No write-ahead log: it does not work on network
drives.) On media that cannot be written the file is only read. Images are named by their ids; what is said of an
image that is absent waits here until it returns.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path, PurePath
from typing import TypeAlias
from urllib.parse import quote_from_bytes

from index.storage.json_files import MIGRATED, import_json_files
from training.models.errors import UserError

ANNOTATIONS = "annotations.sqlite"
BEFORE_RESTORE = "annotations-before-restore.sqlite"
JOURNAL = f"{ANNOTATIONS}-journal"  # undoes a transaction that was cut off; never to be deleted by hand
TIMEOUT = 30.0  # seconds that a transaction waits for that of another process
APPLICATION = 0x47454C41  # in the file's header, so that no other SQLite file is taken for one of ours
VERSION = 1
CUT_OFF = ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY")

Connection: TypeAlias = sqlite3.Connection

SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE images (id TEXT PRIMARY KEY, first_seen TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE files (hash TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pixels (hash TEXT PRIMARY KEY, id TEXT NOT NULL, perceptual BLOB) WITHOUT ROWID;
CREATE TABLE places (source TEXT, path TEXT, id TEXT, pixels TEXT NOT NULL, PRIMARY KEY (source, path, id))
    WITHOUT ROWID;
CREATE TABLE tags (number INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (id, name));
CREATE TABLE corrections (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, label TEXT NOT NULL);
CREATE TABLE undo (number INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, action TEXT NOT NULL,
    what TEXT NOT NULL);
CREATE INDEX files_by_id ON files (id);
CREATE INDEX pixels_by_id ON pixels (id);
CREATE INDEX places_by_id ON places (id);
"""


@contextmanager
def reading(folder: Path) -> Iterator[Connection | None]:
    """The annotations of the collection at folder, as they are at one instant; None before the first was written.

    UserError if the file is not what this wrote.
    """
    path = folder / ANNOTATIONS
    if not path.exists():
        yield None
        return
    with sentences(folder, "read"), ExitStack() as stack:
        try:
            connection = stack.enter_context(closing(_open(path)))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in CUT_OFF:
                raise
            # A transaction was cut off, and here it cannot be undone: that is done to a copy.
            spare = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for name in (ANNOTATIONS, JOURNAL):
                shutil.copyfile(folder / name, spare / name)
            connection = stack.enter_context(closing(_open(spare / ANNOTATIONS)))
        connection.execute("BEGIN")
        yield connection if _is_made(connection, path) else None


@contextmanager
def writing(folder: Path) -> Iterator[Connection]:
    """One transaction over the annotations of the collection at folder; an error in the block undoes all of it.

    Makes the file, and takes over tags.json and corrections.json of earlier versions. UserError if the file cannot be
    written or is not what this wrote.
    """
    path = folder / ANNOTATIONS
    with sentences(folder, "written"), closing(_open(path, create=True)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            if not _is_made(connection, path):
                for statement in SCHEMA.split(";")[:-1]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id={APPLICATION}")
                connection.execute(f"PRAGMA user_version={VERSION}")
            imported = import_json_files(folder, connection)
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
    for file in imported:
        with suppress(OSError):
            file.replace(file.with_name(file.name + MIGRATED))


def lookups(folder: Path) -> Connection:
    """A connection for many queries, each as of its moment, so that none keeps others from writing; close it."""
    with sentences(folder, "read"):
        return _open(folder / ANNOTATIONS)


def is_ours(file: Path) -> bool:
    """Whether a file holds annotations, of this version."""
    try:
        with closing(sqlite3.connect(sqlite_address(file.absolute(), "ro"), uri=True)) as connection:
            return _is_made(connection, file)
    except (sqlite3.Error, UserError):
        return False


def copied_from(file: Path, folder: Path) -> None:
    """Replace the annotations of the collection at folder by those in file, in one transaction."""
    with sentences(folder, "written"), closing(_open(folder / ANNOTATIONS)) as target:
        target.execute("PRAGMA synchronous=FULL")
        with closing(sqlite3.connect(sqlite_address(file.absolute(), "ro"), uri=True)) as source:
            source.backup(target)


def counts(connection: Connection) -> dict[str, int]:
    """How many images have a tag, tags there are in all, and images have a correction."""
    names = {"tagged": "count(DISTINCT id) FROM tags", "tags": "count(*) FROM tags"}
    names |= {"corrections": "count(*) FROM corrections", "images": "count(*) FROM images"}
    return {name: int(connection.execute(f"SELECT {what}").fetchone()[0]) for name, what in names.items()}


def first_seen(folder: Path, id: str) -> str:
    """When a build first saw the image called id, ISO 8601 in UTC; "" if that is not known."""
    with reading(folder) as connection:
        found = connection and connection.execute("SELECT first_seen FROM images WHERE id = ?", (id,)).fetchone()
    return str(found[0]) if found else ""


def _open(path: Path, create: bool = False) -> Connection:
    """A connection in which transactions are begun and ended by hand; read-only where the file is."""
    mode = "rwc" if create else "rw"  # SQLite itself opens read-only what cannot be written
    address = sqlite_address(path.absolute(), mode)
    connection = sqlite3.connect(address, uri=True, timeout=TIMEOUT, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")  # reads the file, and undoes what was cut off
    except BaseException:
        connection.close()
        raise
    return connection


def sqlite_address(file: PurePath, mode: str) -> str:
    r"""A whole path as SQLite's address: file:////nas/share/x for \\nas\share\x, since it takes no machine's name."""
    path = file.as_posix()
    return f"file://{'' if path.startswith('/') else '/'}{quote_from_bytes(os.fsencode(path), '/:')}?mode={mode}"


def _is_made(connection: Connection, path: Path) -> bool:
    """Whether the schema is there; UserError for a file of something else or of a later version."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application == APPLICATION and version > VERSION:
        raise UserError(f"{path} was written by a later Gelato; use that one, or a newer one.")
    if application == APPLICATION:
        return True
    if connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
        return False  # made a moment ago by a process that has not committed, or was killed before it did
    raise UserError(f"{path} is not a file of annotations; move it away, or restore a backup.")


@contextmanager
def sentences(folder: Path, done: str) -> Iterator[None]:
    """SQLite's errors as sentences. done: what cannot be done, read or written."""
    path = folder / ANNOTATIONS
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise UserError(
                f"{path} is damaged ({error}). Restore a backup: python -m index restore {folder} FILE; "
                f"or move it away to start without tags and corrections."
            ) from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise UserError(
                f"{path} is being written by another process; try again when that is done. If there is none, its drive "
                f"does not lock files: mount it with locks, or copy the collection to another drive."
            ) from error
        raise UserError(f"{path} cannot be {done}: {_reason(name, error)}. {_REMEDY}") from error


_REMEDY = "What was stored stays; make room or make it writable, or copy the collection to a place that is."


def _reason(name: str, error: sqlite3.Error) -> str:
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return "the folder may not be written to"
    if name.startswith("SQLITE_IOERR_LOCK"):
        return "its drive does not lock files"
    return "the disk is full" if name.startswith("SQLITE_FULL") else str(error)
