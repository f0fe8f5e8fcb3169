"""Where a vector database lies, the package that reads it, imported when it is first used, and its facts."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.models.errors import UserError

IMAGES, FACTS = "images", "gelato"  # the tables: a row a file of the collection, and one cell of JSON about them all
COLLAPSED = re.compile(r"([a-z][a-z0-9+.-]+):/(?!/)")
RAISED_AT = re.compile(r",? \S+\.rs:\d+.*")  # the place in the source of LanceDB, which is written in Rust


def address_of(place: Path | str) -> str:
    """A folder, or an address such as s3://bucket/photos, of which a Path has dropped a slash."""
    return COLLAPSED.sub(r"\1://", str(place), count=1) if COLLAPSED.match(str(place)) else str(place)


def is_address(place: Path | str) -> bool:
    """Whether a place is no folder of this machine."""
    return "://" in address_of(place)


def is_database(place: Path | str) -> bool:
    """Whether a vector database lies there; what is at an address can be nothing else."""
    return is_address(place) or (Path(place).expanduser() / f"{IMAGES}.lance").is_dir()


def connect(place: Path | str) -> Any:
    """The database at a place. UserError if the package is missing, or the place cannot be reached."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # its warnings are notes of its authors to themselves
    try:
        import lancedb
    except ImportError as error:
        raise UserError("LanceDB is not installed: pip install -r requirements-database.txt.") from error
    address = address_of(place)
    try:
        return lancedb.connect(address if is_address(place) else str(Path(address).expanduser()))
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"The database {address} cannot be reached: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """What an error says, without where in the source of a library it was raised."""
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    return RAISED_AT.sub("", said)[:300]


def read_facts(database: Any) -> dict[str, Any]:
    """What the database holds vectors of, and how it is searched."""
    stored: dict[str, Any] = json.loads(database.open_table(FACTS).to_arrow()["json"][0].as_py())
    return stored


def write_facts(database: Any, facts: Mapping[str, Any]) -> None:
    """Store them, in one step for every reader."""
    database.create_table(FACTS, [{"json": json.dumps(facts)}], mode="overwrite")
