"""Write a collection into a vector database, and bring one up to date that is there.

What a segment holds never changes, so that a later export adds the segments that are new, deletes those that are gone,
and mends the tags that changed. Each of these steps is one version of the database's table: an export that was killed
leaves a table that can be searched, and the next one finishes it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from index.collection import Collection
from index.database.conditions import any_of
from index.database.connecting import FACTS, IMAGES, address_of, connect, first_line, read_facts, write_facts
from index.database.effort import index_vectors
from index.database.tables import COPIED, SEGMENT, batches, columns_of, schema_of
from index.export.report import Report
from index.export.selection import Selection
from index.retrieval.facets import TAGS
from training.models.errors import UserError

MOST = 500  # texts of one condition


def export_database(selection: Selection, out: Path, report: Report) -> None:
    """Bring the database at out up to date with a whole collection. UserError if another encoder made what it holds."""
    collection = selection.collection
    database = connect(out)
    try:
        table = _opened(database, collection, out)
        counts = _segments(table) if table is not None else Counter[str]()
        held = {name for name, count in collection.manifest.segments if counts[name] == count}
        report.unchanged = sum(count for name, count in collection.manifest.segments if name in held)
        report.written = report.images - report.unchanged
        if not report.dry_run:
            _update(database, table, selection, set(counts) - held, report)
    except UserError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"{address_of(out)} cannot be written: {first_line(error)}") from error


def _opened(database: Any, collection: Collection, out: Path) -> Any:
    """The table of images that is there, None if there is none."""
    names = set(database.list_tables().tables)
    if FACTS not in names:
        if names:
            raise UserError(f"{address_of(out)} holds a database of another program; name a new folder.")
        return None
    facts = read_facts(database)
    if facts["fingerprint"] != collection.fingerprint:
        raise UserError(
            f"{address_of(out)} was exported with {facts['encoder']}, and {collection.name} was made with "
            f"{collection.encoder_name}; name a new folder."
        )
    if IMAGES not in names:
        return None
    table = database.open_table(IMAGES)
    if set(table.schema.names) == set(schema_of(collection).names):
        return table
    return None  # a column came or went: the table is written anew


def _update(database: Any, table: Any, selection: Selection, gone: set[str], report: Report) -> None:
    """gone: the segments whose rows are deleted; those that a killed export left in part are among them."""
    collection = selection.collection
    tags = {id: list(names) for id, names in selection.tags.items()}
    copied = {id for id, count in Counter(collection.column("id")).items() if count > 1}
    schema = schema_of(collection)
    write_facts(database, _facts(collection, {}))  # first: a killed export is known for what it is
    if table is None:
        table = database.create_table(IMAGES, schema=schema, mode="overwrite")
    for some in _some(sorted(gone)):
        table.delete(any_of(SEGMENT, some))
    held = set(_segments(table))
    if gone:
        report.notes.append(f"Rows of {len(gone):,} segments that are gone or were replaced are deleted.")
    new = [name for name, _ in collection.manifest.segments if name not in held]
    for rows in batches(collection, new, tags, copied, schema):
        table.add(rows)
    report.updated = _mend(table, TAGS, f"array_length({TAGS}) > 0", tags, [])
    _mend(table, COPIED, COPIED, dict.fromkeys(copied, True), False)
    report.unchanged -= report.updated
    renamed = [f"The column {old} is called {name}." for old, name in columns_of(collection).items() if old != name]
    report.notes += renamed
    write_facts(database, _facts(collection, index_vectors(table, collection)))


def _segments(table: Any) -> Counter[str]:
    """How many rows of each segment the table has."""
    rows = table.search().select([SEGMENT]).limit(None).to_arrow()[SEGMENT]
    return Counter({pair["values"]: pair["counts"] for pair in rows.value_counts().to_pylist()})


def _mend(table: Any, column: str, has: str, now: Mapping[str, Any], nothing: Any) -> int:
    """Let a column say what is known now of each image, by its id; how many rows changed.

    has: the condition for rows that say something. nothing: what the others say.
    """
    rows = table.search().where(has).select(["id", column]).limit(None).to_arrow().to_pydict()
    said = dict(zip(rows["id"], rows[column], strict=True))
    changed = [id for id in {*said, *now} if said.get(id, nothing) != now.get(id, nothing)]
    by_value: dict[str, list[str]] = {}
    for id in changed:
        by_value.setdefault(json.dumps(now.get(id, nothing)), []).append(id)
    done = 0
    for value, ids in by_value.items():
        for some in _some(sorted(ids)):
            done += table.update(where=any_of("id", some), values={column: json.loads(value)}).rows_updated
    return done


def _some(texts: list[str]) -> Iterable[list[str]]:
    return (texts[start : start + MOST] for start in range(0, len(texts), MOST))


def _facts(collection: Collection, search: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": collection.name,
        "encoder": collection.encoder_name,
        "fingerprint": collection.fingerprint,
        "dim": collection.dim,
        "precision": collection.manifest.precision,
        "max_megapixels": collection.manifest.max_megapixels,
        "search": dict(search),
    }
