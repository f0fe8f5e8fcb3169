"""Labels that a person gave or confirmed, stored with the collection in a file of their own beside the segments.

    corrections.json    [{"id": "9f3c…", "label": "cat"}, …], oldest first; replaced atomically

A build does not change it: ids follow the content of an image, so corrections survive a move and a rebuild. The
label "" means that the image shows none of the classes.
"""

import json
import threading
from pathlib import Path

from index.collection import Collection
from training.models.atomic import write_file
from training.models.errors import UserError

CORRECTIONS_FILE = "corrections.json"
MOST = 100_000

_writing = threading.Lock()


def read_corrections(folder: Path) -> dict[str, str]:
    """Labels by id, oldest first; none where there is no file. UserError if the file is not what this wrote."""
    path = folder / CORRECTIONS_FILE
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as corrections ({error}); move it away to start afresh.") from error
    try:
        return {str(one["id"]): str(one["label"]) for one in stored}
    except (TypeError, KeyError) as error:
        raise UserError(f"{path} does not hold labels by id; move it away to start afresh.") from error


def correct(collection: Collection, id: str, label: str | None) -> str | None:
    """Store label for the image called id, or delete it if label is None; returns what was stored before.

    UserError for an image that is not there, and for a folder that cannot be written to.
    """
    try:
        collection.row(id)
    except KeyError as error:
        raise UserError("That image is not in the collection any more; label it again.") from error
    with _writing:
        stored = read_corrections(collection.path)
        before = stored.pop(id, None)
        if label is not None:
            stored[id] = label  # last: the newest
        if len(stored) > MOST:
            raise UserError(f"A collection stores at most {MOST:,} corrections.")
        rows = [{"id": id, "label": label} for id, label in stored.items()]
        try:
            write_file(collection.path / CORRECTIONS_FILE, json.dumps(rows, ensure_ascii=False, indent=0).encode())
        except OSError as error:
            raise UserError(
                f"The collection cannot be written to ({error.strerror}), so corrections cannot be stored; "
                f"make {collection.path} writable, or copy it to a place that is."
            ) from error
    return before
