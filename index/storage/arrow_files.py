"""Arrays that are made from a collection's segments, as an Arrow file beside them: of one format and one revision."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from training.models.atomic import write_file


def write_arrow(path: Path, columns: Mapping[str, pa.Array], format: int, revision: int) -> None:
    """Replace the file at path by these columns."""
    table = pa.table(columns).replace_schema_metadata(_facts(format, revision))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    write_file(path, lambda file: file.write(sink.getvalue()))


def read_arrow(buffer: pa.Buffer | bytes, format: int, revision: int) -> pa.Table | None:
    """The columns in the bytes of such a file; None if it is of another format or revision. ValueError if broken."""
    table = pa.ipc.open_file(buffer).read_all()
    known = {name.decode(): value.decode() for name, value in (table.schema.metadata or {}).items()}
    return table if known == _facts(format, revision) else None


def _facts(format: int, revision: int) -> dict[str, str]:
    return {"format": str(format), "revision": str(revision)}
