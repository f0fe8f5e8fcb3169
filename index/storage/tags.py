"""Tags that people give to images. They are stored by image, so that they survive whatever happens to its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.collection import Collection
from index.storage.annotation_cache import AnnotationCache
from index.storage.annotations import reading, writing
from index.storage.json_files import image_id, read_json_tags
from index.storage.undo import log_action
from training.models.errors import UserError

LONGEST = 64  # characters of a tag
MOST = 1000  # different tags of a collection


def read_tags(folder: Path) -> Mapping[str, Sequence[str]]:
    """Tags by image id, those of images that are absent included; none where nothing was tagged.

    UserError if the file is not what this wrote.
    """
    return _cached(folder)


def _read(folder: Path) -> dict[str, list[str]]:
    with reading(folder) as connection:
        if connection is None:
            return read_json_tags(folder)
        tags: dict[str, list[str]] = {}
        for id, name in connection.execute("SELECT id, name FROM tags ORDER BY number"):
            tags.setdefault(id, []).append(name)
        return tags


_cached = AnnotationCache(_read)


@dataclass(frozen=True)
class Tagged:
    """What tagging did. name: the tag as it is stored. changed: how many images got or lost it.

    action: its number in the undo log, None where nothing changed.
    """

    name: str
    changed: int
    action: int | None


def tag(collection: Collection, ids: Sequence[str], name: str, on: bool = True) -> Mapping[str, Sequence[str]]:
    """Give the tag called name to images, or take it away; returns the tags of the collection. Raises as tag_images."""
    tag_images(collection, ids, name, on)
    return read_tags(collection.path)


def tag_images(collection: Collection, ids: Sequence[str], name: str, on: bool = True) -> Tagged:
    """Give the tag called name to images, or take it away. `undo` undoes it.

    UserError for a name that is empty or too long, an image that is not there, or a folder that cannot be
    written to.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST:
        raise UserError(f"A tag is 1 to {LONGEST} characters long; this one has {len(name)}.")
    there = set(map(str, collection.column("id").to_numpy()[collection.rows(ids)]))
    ids = list(dict.fromkeys(map(image_id, ids)))
    if not there.issuperset(ids):
        raise UserError("One of these images is not in the collection any more; search again.")
    with writing(collection.path) as connection:
        names = {found for (found,) in connection.execute("SELECT DISTINCT name FROM tags")}
        if on and name not in names and len(names) >= MOST:
            raise UserError(f"A collection has at most {MOST:,} different tags; take one away first.")
        have = {id for (id,) in connection.execute("SELECT id FROM tags WHERE name = ?", (name,))}
        changed = [id for id in ids if (id in have) != on]
        if on:
            connection.executemany("INSERT INTO tags (id, name) VALUES (?, ?)", [(id, name) for id in changed])
        else:
            connection.executemany("DELETE FROM tags WHERE id = ? AND name = ?", [(id, name) for id in changed])
        action = log_action(connection, "tag" if on else "untag", {"name": name, "ids": changed}) if changed else None
    return Tagged(name, len(changed), action)


def rows_by_tag(collection: Collection, tags: Mapping[str, Sequence[str]]) -> dict[str, NDArray[np.intp]]:
    """The rows of each tag, of tags by id, every copy of an image among them; images that are gone are left out."""
    by_name: dict[str, list[str]] = {}
    for id, names in tags.items():
        for name in names:
            by_name.setdefault(name, []).append(id)
    rows = {name: collection.rows(ids) for name, ids in by_name.items()}
    return {name: found for name, found in rows.items() if len(found)}
