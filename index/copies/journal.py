"""What was moved from where to where: written before the first file moves, so that it can be undone after a kill.

    moves/20260102T030405-1f2e.json   in the collection: every file of one call, with its size and SHA-256

Whether a file has moved is seen on the disk: it is at its old place, at its new one, or, if the process was killed
between the two steps of a move, whole at both.
"""

import errno
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path

from training.models.atomic import flush_folder, temporary_name, write_file
from training.models.errors import UserError

FOLDER = "moves"


@dataclass(frozen=True)
class Entry:
    """A file that moves. of: the path of the image that it belongs to; itself, if it is no sidecar."""

    old: str
    new: str
    of: str


class Taken(Exception):
    """There is a file where one should go."""


def write_journal(collection: Path, name: str, entries: Sequence[Entry]) -> None:
    """Store what is about to move. OSError if it cannot be written."""
    path = collection / FOLDER / name
    path.parent.mkdir(exist_ok=True)
    write_file(path, json.dumps([asdict(entry) for entry in entries], indent=1).encode())
    flush_folder(collection)


def read_journal(collection: Path, name: str) -> list[Entry]:
    """UserError if it is gone or broken."""
    try:
        return [Entry(**entry) for entry in json.loads((collection / FOLDER / name).read_bytes())]
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{collection / FOLDER / name} cannot be read, so the files stay where they are.") from error


def journals(collection: Path) -> list[str]:
    """The journals of moves that were not undone, the last one last."""
    return sorted(path.name for path in (collection / FOLDER).glob("*.json"))


def move_file(old: Path, new: Path) -> None:
    """Move a file to a place where none is; at every moment it is whole at one of the two places.

    Taken if something is at new. Another drive gets a copy, which is compared before old is deleted. OSError if that
    cannot be done; then the file is at old alone.
    """
    new.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(old, new)
    except FileExistsError as error:
        raise Taken(str(new)) from error
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        _copy(old, new)  # another drive, or one without links
    flush_folder(new.parent)
    try:
        old.unlink()
    except OSError:
        new.unlink()
        raise
    flush_folder(old.parent)


def put_back(entry: Entry) -> bool:
    """Undo the move of one file; whether there was something to undo.

    Taken if another file is at its old place. FileNotFoundError if it is at neither place.
    """
    old, new = Path(entry.old), Path(entry.new)
    if not os.path.lexists(new):
        if os.path.lexists(old):
            return False
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), entry.new)
    if os.path.lexists(old):  # killed between the two steps, or something else came
        if not (old.is_file() and (old.samefile(new) or _content(old) == _content(new))):
            raise Taken(str(old))
        new.unlink()
        return True
    move_file(new, old)
    return True


def _copy(old: Path, new: Path) -> None:
    temporary = temporary_name(new)
    try:
        shutil.copy2(old, temporary)
        with temporary.open("rb") as copied:
            os.fsync(copied.fileno())
        if _content(temporary) != _content(old):
            raise OSError(errno.EIO, "the copy differs from the file")
        try:
            os.link(temporary, new)
        except FileExistsError as error:
            raise Taken(str(new)) from error
        except OSError:  # a drive without links, on which nothing but a look says whether a name is free
            if os.path.lexists(new):
                raise Taken(str(new)) from None
            os.rename(temporary, new)
    finally:
        temporary.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, "sha256").digest()
