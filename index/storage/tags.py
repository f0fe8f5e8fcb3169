"""Tags that people give to images. They stay with the collection, in a file of their own beside the segments.

    tags.json    {"9f3c…": ["beach", "print"], …} by id; replaced atomically

A build never touches it: ids follow an image's content, so tags survive a move and a rebuild.
"""

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from training.models.atomic import write_file
from training.models.errors import UserError

TAGS_FILE = "tags.json"
LONGEST = 64  # characters of a tag
MOST = 1000  # different tags of a collection

_writing = threading.Lock()


def read_tags(folder: Path) -> dict[str, list[str]]:
    """Tags by id; none where there is no file. UserError if the file is not what this wrote."""
    path = folder / TAGS_FILE
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as tags ({error}); move it away to start without tags.") from error
    if not isinstance(stored, dict) or not all(isinstance(tags, list) for tags in stored.values()):
        raise UserError(f"{path} does not hold tags by id; move it away to start without tags.")
    return {str(id): [str(tag) for tag in tags] for id, tags in stored.items()}


def tag(collection: Collection, ids: Sequence[str], name: str, on: bool = True) -> dict[str, list[str]]:
    """Give the tag called name to images, or take it away; returns the tags of the collection.

    UserError for a name that is empty or too long, an image that is not there, or a folder that cannot be
    written to.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise UserError(f"A tag is 1 to {LONGEST} characters long; this one has {len(name)}.")
    for id in ids:
        try:
            collection.row(id)
        except KeyError as error:
            raise UserError("One of these images is not in the collection any more; search again.") from error
    with _writing:
        tags = read_tags(collection.path)
        if (
            on
            and name not in {t for of in tags.values() for t in of}
            and len({t for o in tags.values() for t in o}) >= MOST
        ):
            raise UserError(f"A collection has at most {MOST} different tags; take one away first.")
        for id in ids:
            others = [other for other in tags.get(id, []) if other != name]
            tags[id] = [*others, name] if on else others
        tags = {id: given for id, given in tags.items() if given}
        try:
            write_file(collection.path / TAGS_FILE, json.dumps(tags, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise UserError(f"Tags cannot be written to {collection.path}: {error.strerror}.") from error
    return tags


def rows_by_tag(collection: Collection, tags: Mapping[str, Sequence[str]]) -> dict[str, NDArray[np.intp]]:
    """The rows of each tag, of tags by id; images that are gone are left out."""
    rows: dict[str, list[int]] = {}
    for id, names in tags.items():
        try:
            row = collection.row(id)
        except KeyError:
            continue
        for name in names:
            rows.setdefault(name, []).append(row)
    return {name: np.array(of_tag) for name, of_tag in rows.items()}
