"""metadata.csv, with which Hugging Face's `imagefolder` reads a folder: file_name, label, text, tags, id."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from index.export.selection import ExportedImage
from index.export.tables import LIST_SEPARATOR
from index.storage.tables import csv_text, plain
from training.models.errors import UserError

METADATA = "metadata.csv"
Rows = dict[str, dict[str, str]]  # by file_name


def metadata_row(image: ExportedImage, name: Sequence[str], labelled: bool) -> dict[str, str]:
    """The row of an image whose file is called name, in parts."""
    label = {"label": image.label} if labelled else {}
    rest = {"text": image.caption, "tags": LIST_SEPARATOR.join(image.tags), "id": image.id}
    return {"file_name": "/".join(name), **label, **rest}


def read_metadata(path: Path) -> Rows:
    """The rows of a metadata.csv that is there, none if there is none. UserError for a file of another kind."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}. Export to another folder.") from error
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if not rows:
        return {}
    if "file_name" not in rows[0] or any(None in row for row in rows):
        raise UserError(f"{path} has no column file_name, so another program wrote it; export to another folder.")
    return {str(plain(row["file_name"])): {k: str(plain(v or "")) for k, v in row.items()} for row in rows}


def metadata_csv(rows: Rows) -> bytes:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    return csv_text(columns, ([row.get(name, "") for name in columns] for row in rows.values())).encode()
