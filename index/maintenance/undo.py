"""Undo the last action of a person on a collection: a tag given or taken away, images removed, copies moved."""

import io
import json
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.copies.returning import move_back
from index.retrieval.derived import save_derived
from index.storage.annotations import Connection, reading, writing
from index.storage.errors import write_errors
from index.storage.items import with_storable_types
from index.storage.known_images import all_of, know_again
from index.storage.layout import UNDO
from index.storage.segments import ITEMS, VECTORS
from index.storage.undo import MOVE, REMOVE, log_action
from index.storage.writer import Writer
from training.models.atomic import write_file
from training.models.errors import UserError

_MEANWHILE = "Something else was done meanwhile; look again."


def undo_last(path: Path, removals: bool = True, action_number: int | None = None) -> str:
    """Undo the last action on the collection at path; what was undone, as a sentence.

    removals: whether a removal or a move may be undone. action_number: of the action that is meant, any if None.
    UserError if there is nothing to undo, if the last action is another one, or while another process writes.
    """
    Collection.open(path)
    with reading(path) as connection:
        last = _last(connection) if connection else None
    if last is None or (last[1] in (REMOVE, MOVE) and not removals):
        raise UserError("There is nothing to undo.")
    number, action, what = last
    if action_number not in (None, number):
        raise UserError(_MEANWHILE if number > (action_number or 0) else "That was undone already.")
    if action == REMOVE:
        return _bring_back(path, number, what)
    if action == MOVE:
        return move_back(path, what["journal"], what)
    with writing(path) as connection:
        if (now := _last(connection)) != last:
            raise UserError(_MEANWHILE if now else "There is nothing to undo.")
        pairs = [(id, what["name"]) for id in what["ids"]]
        if action == "tag":
            connection.executemany("DELETE FROM tags WHERE id = ? AND name = ?", pairs)
        else:
            connection.executemany("INSERT OR IGNORE INTO tags (id, name) VALUES (?, ?)", pairs)
        connection.execute("DELETE FROM undo WHERE number = ?", (number,))
    done = "taken from" if action == "tag" else "given back to"
    return f"The tag “{what['name']}” was {done} {len(pairs):,} image{'s' * (len(pairs) != 1)}."


def keep_removed(writer: Writer, rows: NDArray[np.intp], forgotten: Iterable[str]) -> None:
    """Before rows are removed, keep them for undo_last, and all that is known of the images forgotten with them.

    Only the last removal can be undone: what an earlier one kept is deleted.
    """
    before, folder = writer.before, writer.path / UNDO / secrets.token_hex(6)
    items, vectors = io.BytesIO(), io.BytesIO()
    with_storable_types(before.stored.iloc[rows]).to_parquet(items, index=False)
    np.save(vectors, before.vectors[rows])
    with write_errors(writer.path):
        folder.mkdir(parents=True)
        write_file(folder / ITEMS, items.getvalue())
        write_file(folder / VECTORS, vectors.getvalue())
    with writing(writer.path) as connection:
        known = all_of(connection, forgotten)
        what = {"folder": folder.name, "images": len(rows), "fingerprint": before.fingerprint, "forgotten": known}
        number = log_action(connection, REMOVE, what)
        connection.execute("DELETE FROM undo WHERE action = ? AND number < ?", (REMOVE, number))
    _delete_kept(writer, folder.name)


def _delete_kept(writer: Writer, but: str = "") -> None:
    """Delete rows that were kept, and the thumbnails of images that only they show."""
    folder = writer.path / UNDO
    for kept in folder.iterdir() if folder.is_dir() else ():
        if kept.name == but:
            continue
        try:
            gone = pd.read_parquet(kept / ITEMS, columns=["id"])["id"]
            writer.forget_thumbnails(gone, Collection.open(writer.path).column("id"))
        except (OSError, ValueError):
            pass  # a removal that was cut off
        shutil.rmtree(kept, ignore_errors=True)


def _bring_back(path: Path, number: int, what: dict[str, Any]) -> str:
    with Writer(path) as writer:
        before = writer.before
        with writing(path) as connection:
            if what["fingerprint"] != before.fingerprint:
                connection.execute("DELETE FROM undo WHERE number = ?", (number,))
        if what["fingerprint"] != before.fingerprint:
            raise UserError("The removed images were of another encoder; build the collection to bring them back.")
        try:
            items = pd.read_parquet(path / UNDO / what["folder"] / ITEMS)
            vectors = np.load(path / UNDO / what["folder"] / VECTORS, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UserError("What was removed is not kept any more; build the collection to bring it back.") from error
        there = set(before.frame(["source", "path"]).itertuples(index=False, name=None))
        back = np.array([place not in there for place in zip(items["source"], items["path"], strict=True)], bool)
        with writing(path) as connection:
            know_again(connection, what["forgotten"])
        rows = items[back]
        writer.publish([dict(row) for row in rows.to_dict("records")], vectors[back])
        with writing(path) as connection:
            connection.execute("DELETE FROM undo WHERE number = ?", (number,))
        shutil.rmtree(path / UNDO / what["folder"], ignore_errors=True)
        with write_errors(path):
            save_derived(Collection.open(path))
    return f"{len(rows):,} image{'s' * (len(rows) != 1)} came back into the collection."


def _last(connection: Connection) -> tuple[int, str, dict[str, Any]] | None:
    row = connection.execute("SELECT number, action, what FROM undo ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else (row[0], row[1], json.loads(row[2]))
