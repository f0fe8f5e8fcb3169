"""The images that a collection's annotations know: made known with the rows of earlier versions, or forgotten."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import pandas as pd

from index.storage.annotations import Connection

COLUMNS = {  # of each table with a column id, those to be stored again
    "images": "id, first_seen",
    "files": "hash, id",
    "pixels": "hash, id, perceptual",
    "places": "source, path, id, pixels",
    "tags": "id, name",
    "corrections": "id, label",
}


def adopt(connection: Connection, rows: pd.DataFrame) -> None:
    """Make the images of rows known that are not: of rows of earlier versions, or such as a restored backup lacks.

    rows: all of a collection. What is known of the content of such a row under another id, which a backup of another
    collection has, is copied to it, and forgotten where that id has no row.
    """
    known = {id for (id,) in connection.execute("SELECT id FROM images")}
    ids = rows["id"].tolist()
    if known.issuperset(ids):
        return
    fresh = rows[[id not in known for id in ids]]
    coded = [str(text).partition("/")[0] for text in fresh["pixel_hash"].fillna("")] if "pixel_hash" in fresh else None
    coded = coded or [""] * len(fresh)
    now, here = datetime.now(UTC).isoformat(timespec="seconds"), set(rows["id"])
    others: set[str] = set()
    for id, file, pixels in zip(fresh["id"], fresh["hash"], coded, strict=True):
        for table, value in (("files", file), ("pixels", pixels)) if known else ():
            found = connection.execute(f"SELECT id FROM {table} WHERE hash = ?", (value,)).fetchone()
            if found and found[0] != id:
                others.add(found[0])
                _copy(connection, found[0], id)
    connection.executemany("INSERT OR IGNORE INTO images VALUES (?, ?)", [(id, now) for id in fresh["id"].unique()])
    files = zip(fresh["hash"], fresh["id"], strict=True)
    connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?)", list(files))
    connection.executemany(
        "INSERT INTO pixels VALUES (?, ?, NULL) ON CONFLICT (hash) DO UPDATE SET id = excluded.id",
        [(pixels, id) for pixels, id in zip(coded, fresh["id"], strict=True) if pixels],
    )
    places = zip(fresh["source"], fresh["path"], fresh["id"], coded, strict=True)
    connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", list(places))
    forget(connection, others - here)


def forget(connection: Connection, ids: Iterable[str]) -> None:
    """Delete all that is known and said of images; should they return, they are new."""
    gone = [(id,) for id in ids]
    for table in COLUMNS:
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", gone)


def all_of(connection: Connection, ids: Iterable[str]) -> dict[str, list[list[str | None]]]:
    """All that is known and said of images, by table, as `know_again` takes it and JSON holds it."""
    found: dict[str, list[list[str | None]]] = {table: [] for table in COLUMNS}
    for id in ids:
        for table, columns in COLUMNS.items():
            order = " ORDER BY number" if table in ("tags", "corrections") else ""
            rows = connection.execute(f"SELECT {columns} FROM {table} WHERE id = ?{order}", (id,))
            found[table] += [[cell.hex() if isinstance(cell, bytes) else cell for cell in row] for row in rows]
    return found


def know_again(connection: Connection, known: Mapping[str, Sequence[Sequence[str | None]]]) -> None:
    """Store what all_of gave; what was said meanwhile stays."""
    for table, columns in COLUMNS.items():
        rows: list[list[str | bytes | None]] = [list(row) for row in known[table]]
        if table == "pixels":
            rows = [[hash, id, bytes.fromhex(str(code)) if code else None] for hash, id, code in known[table]]
        marks = ", ".join("?" * len(columns.split(",")))
        connection.executemany(f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})", rows)


def is_known(connection: Connection, id: str) -> bool:
    """Whether anything is known or said of the image called id."""
    query = " UNION ".join(f"SELECT id FROM {table} WHERE id = ?1" for table in ("images", "tags", "corrections"))
    return connection.execute(query, (id,)).fetchone() is not None


def last_places(connection: Connection, ids: Iterable[str]) -> dict[str, str]:
    """A path at which each of these images lay, by id; none for those of which no place is known."""
    found = {}
    for id in ids:
        row = connection.execute("SELECT path FROM places WHERE id = ? LIMIT 1", (id,)).fetchone()
        if row is not None:
            found[id] = str(row[0])
    return found


def unattached(connection: Connection, ids: Iterable[str]) -> list[str]:
    """The images with a tag or a correction that are none of ids."""
    said = {id for (id,) in connection.execute("SELECT id FROM tags UNION SELECT id FROM corrections")}
    return sorted(said - set(ids))


def _copy(connection: Connection, one: str, other: str) -> None:
    """What is said of one, and when it was first seen, also of other."""
    connection.execute("INSERT OR IGNORE INTO images SELECT ?, first_seen FROM images WHERE id = ?", (other, one))
    connection.execute(
        "INSERT OR IGNORE INTO tags (id, name) SELECT ?, name FROM tags WHERE id = ? ORDER BY number", (other, one)
    )
    connection.execute(
        "INSERT OR IGNORE INTO corrections (id, label) SELECT ?, label FROM corrections WHERE id = ?", (other, one)
    )
