"""The images themselves: files of their own, or bytes inside an archive, read through their source."""

import os
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from index.export.roots import source_root
from index.export.same_image import CHANGED, has_changed
from index.export.selection import ExportedImage, Selection
from training.data.folder import read_file
from training.data.remote import ADDRESS
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.models.errors import UserError
from training.models.file_names import long_path

ROOM = 20  # characters that the ending of a sidecar or of a kept copy adds to a path


@dataclass(frozen=True)
class Original:
    """An image's bytes. file: None if they lie inside an archive. read: may raise OSError."""

    file: Path | None
    read: Callable[[], bytes]


class Originals:
    """Where the images of a selection are now."""

    def __init__(self, selection: Selection):
        places, self._tables = selection.places, selection.collection.manifest.tables
        self._wanted: defaultdict[str, set[str]] = defaultdict(set)
        for source, path in places:
            self._wanted[source].add(path)
        self._inside: dict[str, dict[str, Callable[[], bytes]] | str] = {}

    def of(self, image: ExportedImage) -> Original | str:
        """An image's bytes, or why they cannot be had."""
        source, path = image.source, image.path
        file = original_file(source, path)
        if file is not None:
            try:
                return CHANGED if has_changed(file, image.built) else Original(file, lambda: read_file(file))
            except OSError as error:
                return f"it cannot be read: {error.strerror or error}"
        if source not in self._inside:
            self._inside[source] = self._listed(source)
        inside = self._inside[source]
        if isinstance(inside, str):
            return inside
        return Original(None, inside[path]) if path in inside else "its file is gone"

    def _listed(self, source: str) -> dict[str, Callable[[], bytes]] | str:
        """What reads each wanted image of a source that has no files of its own, or why it cannot be read."""
        if is_gone(source):
            return "its source is gone"
        wanted = self._wanted[source]
        try:
            opened = open_source(source, tables=TableOptions().over(self._tables.get(source, {})))
            return {item.path: item.read for item in opened if item.path in wanted}
        except (UserError, OSError) as error:
            return f"its source cannot be read: {str(error).rstrip('.')}"


def is_gone(source: str) -> bool:
    """Whether a source was a file or a folder of this computer and is not there now."""
    return ADDRESS not in source and "{" not in source and Path(source).is_absolute() and not Path(source).exists()


def original_file(source: str, path: str) -> Path | None:
    """The file of a place, None if it is gone or lies inside an archive."""
    root = source_root(source)
    if root is None:
        return None
    names = (path, _bytes_of(path)) if "\\x" in path else (path,)
    files = (long_path(root / name, ROOM) for name in names)
    return next((file for file in files if file.is_file()), None)


def _bytes_of(path: str) -> str:
    """A path whose bytes are not UTF-8, of which `printable` made path."""
    return os.fsdecode(re.sub(rb"\\x([0-9a-f]{2})", lambda code: bytes.fromhex(code[1].decode()), os.fsencode(path)))
