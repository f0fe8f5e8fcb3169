"""Put files back that were moved as copies."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from index.copies.journal import FOLDER, Taken, journals, put_back, read_journal
from index.storage.annotations import Connection, reading, writing
from index.storage.undo import MOVE
from index.storage.writer import Writer
from training.models.errors import UserError

NAMED = 5  # files that a sentence names


def undo_move(path: Path) -> str:
    """Put back what the last `duplicates --move` of the collection at path moved, whatever was done since.

    UserError if nothing was moved, or nothing could be put back.
    """
    there = journals(path)
    if not there:
        raise UserError("Nothing was moved, or it was put back already.")
    with reading(path) as connection:
        found = _logged(connection) if connection else {}
    return move_back(path, there[-1], found.get(there[-1], {}))


def move_back(path: Path, journal: str, what: Mapping[str, Any]) -> str:
    """Put back the files of a journal, and take away what was said of the copies that stayed; a sentence about it.

    what: as the log has it. Files whose old place is taken stay where they are and are named. If some cannot be put
    back now, the journal stays, so that another call goes on. UserError if none can.
    """
    with Writer(path):
        back, taken, failed, folders = 0, [], [], set()
        for entry in reversed(read_journal(path, journal)):
            folders.add(Path(entry.new).parent)
            try:
                back += put_back(entry)
            except Taken:
                taken.append(entry.new)
            except FileNotFoundError:
                failed.append(f"{entry.new} (it is not there)")
            except OSError as error:
                failed.append(f"{entry.new} ({error.strerror or error})")
        if failed and not back:
            raise UserError(f"Nothing could be put back: {_named(failed)}.")
        if not failed:
            _close(path, journal, what)
            _clear(Path(str(what.get("folder", ""))), folders, journal)
    were = f"{back:,} files were" if back != 1 else "1 file was"
    text = f"{were} put back; the next build adds their images again."
    if taken:
        text += f" Another file is at the old place of {len(taken):,}, which stay: {_named(taken)}."
    if failed:
        text += f" {len(failed):,} could not be put back: {_named(failed)}; call it again when they can."
    return text


def _logged(connection: Connection) -> dict[str, dict[str, Any]]:
    rows = connection.execute("SELECT what FROM undo WHERE action = ?", (MOVE,))
    return {what["journal"]: what for what in (json.loads(text) for (text,) in rows)}


def _close(path: Path, journal: str, what: Mapping[str, Any]) -> None:
    """Take back what was said, and forget the journal."""
    given = what.get("given", {})
    with writing(path) as connection:
        connection.executemany("DELETE FROM tags WHERE id = ? AND name = ?", given.get("tags", ()))
        connection.executemany("DELETE FROM corrections WHERE id = ? AND label = ?", given.get("corrections", ()))
        rows = connection.execute("SELECT number, what FROM undo WHERE action = ?", (MOVE,)).fetchall()
        gone = [(number,) for number, text in rows if json.loads(text)["journal"] == journal]
        connection.executemany("DELETE FROM undo WHERE number = ?", gone)
    (path / FOLDER / journal).unlink(missing_ok=True)
    with suppress(OSError):
        (path / FOLDER).rmdir()


def _clear(folder: Path, folders: set[Path], journal: str) -> None:
    """Delete the table of what was moved, and the folders that are empty now."""
    with suppress(OSError):
        (folder / f"moved-{journal.removesuffix('.json')}.csv").unlink()
    above = {parent for place in folders for parent in (place, *place.parents) if parent.is_relative_to(folder)}
    for place in sorted(above, reverse=True):
        with suppress(OSError):  # something else is in it
            place.rmdir()


def _named(paths: list[str]) -> str:
    return ", ".join(paths[:NAMED]) + (", ..." if len(paths) > NAMED else "")
