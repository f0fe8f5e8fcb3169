"""The files that the cells of a table name, in whatever way programs write paths."""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote
from urllib.request import url2pathname

from training.data.folder import read_file
from training.data.remote import ADDRESS, RemotePath
from training.models.file_names import folded, long_path
from training.models.formats import IMAGES
from training.models.lru_cache import LRUCache

FILE_URL = re.compile(r"file:(//(localhost)?(?=/)|(?=/[^/]))", re.IGNORECASE)
UNSEEN = " \t\u00a0\u200b\u200e\u200f\u202a\u202c\u2060\ufeff"  # spaces, direction marks
FOLDERS = 4096  # whose names are remembered at once
NOT_FETCHED = "is a web address, which is not fetched: download the images first, for example with img2dataset"


class FoundFile(NamedTuple):
    """A file that a cell names. path: relative to the table where it lies below it. respelt: not as the cell has it."""

    path: str
    place: str | RemotePath
    size: int
    modified_ns: int
    respelt: bool = False

    def read(self) -> bytes:
        """Its bytes. OSError if it cannot be read."""
        return self.place.read_bytes() if isinstance(self.place, RemotePath) else read_file(Path(self.place))


class FileFinder:
    """Finds files by cells of a table that lies in base. It only finds what ends as an image does: a table is text
    that may come from others, and must not make us open any file that it names."""

    def __init__(self, base: Path | RemotePath):
        self.base = base
        self.root = "" if isinstance(base, RemotePath) else os.path.join(base, "")
        self._names: LRUCache[str, dict[str, list[str]]] = LRUCache(FOLDERS)

    def refusal(self, cell: str) -> str | None:
        """Why a cell names no file that could be opened, or None."""
        if ADDRESS in cell and not FILE_URL.match(cell):
            return NOT_FETCHED
        if "\0" in cell:
            return "is no file's name: it holds a zero byte"
        if not names_image(cell):
            return f"does not end as an image does ({', '.join(IMAGES[:5])}, ...)"
        return None

    def find(self, cell: str) -> FoundFile | None:
        """The file that a cell names, None if there is none.

        Tried are the path as it stands, with / for \\, of a file: address, with ~, with %20 decoded, and then names
        that differ in case or in their Unicode form only, as long as just one does.
        """
        if isinstance(self.base, RemotePath):
            return self._at_address(self.base, cell)
        found = self._stat(os.path.join(self.root, cell), respelt=False)  # as nearly all are
        if found is not None:
            return found
        for spelling in spellings(cell):
            found = self._stat(os.path.join(self.root, spelling), respelt=True)
            if found is not None:
                return found
        for spelling in spellings(cell):
            place = self._in_another_case(os.path.join(self.root, spelling))
            if place is not None:
                return self._stat(place, respelt=True)
        return None

    def _stat(self, place: str, respelt: bool) -> FoundFile | None:
        try:
            facts = os.stat(long_path(place))
        except (OSError, ValueError):
            return None
        path = os.path.normpath(place) if os.sep != "/" or "/." in place or "//" in place else place
        path = path[len(self.root) :] if path.startswith(self.root) else path
        path = path if os.sep == "/" else path.replace(os.sep, "/")
        return FoundFile(path, place, facts.st_size, facts.st_mtime_ns, respelt)

    def _at_address(self, base: RemotePath, cell: str) -> FoundFile | None:
        for number, spelling in enumerate(spellings(cell)):
            place = base / spelling  # an OSError if it leads out of the table's folder
            try:
                facts = place.stat()
            except OSError:
                continue
            return FoundFile(spelling, place, facts.st_size, facts.st_mtime_ns, number > 0)
        return None

    def _in_another_case(self, place: str) -> str | None:
        """The one existing path that differs from place in case or Unicode form only."""
        head, name = os.path.split(place)
        if not name:
            return place if os.path.isdir(place) else None
        if not os.path.isdir(head):
            if head == place or (above := self._in_another_case(head)) is None:
                return None
            head = above
        names = self._names.get_or_make(head, lambda: _names_in(head)).get(folded(name), [])
        alike = [one for one in names if _composed(one) == _composed(name)] or names
        return os.path.join(head, alike[0]) if len(alike) == 1 else None


def spellings(cell: str) -> Iterator[str]:
    """The paths that a cell may mean, the likeliest first."""
    url = FILE_URL.match(cell)
    if url:
        yield url2pathname(cell[url.end() :])
        return
    ways = [cell, *([bare(cell)] if bare(cell) != cell else [])]
    if cell.startswith("~"):
        ways.append(os.path.expanduser(cell))
    ways += [way.replace("\\", "/") for way in ways]
    ways += [unquote(way) for way in ways if "%" in way]
    yield from dict.fromkeys(ways)


def names_image(cell: str) -> bool:
    """Whether a cell ends as an image file does."""
    return bare(cell).lower().endswith(IMAGES)


def bare(cell: str) -> str:
    """A cell without what is put round a path: quotes and unseen characters of spreadsheets and file managers, and the
    number of a caption, as Flickr8k has it: a.jpg#0."""
    bared = cell.strip(UNSEEN)
    quoted = len(bared) > 1 and bared[0] == bared[-1] and bared[0] in "\"'"
    bared = bared[1:-1] if quoted else bared
    name, mark, number = bared.rpartition("#")
    return name if mark and number.isdigit() and name.lower().endswith(IMAGES) else bared


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _names_in(folder: str) -> dict[str, list[str]]:
    """The names in a folder by their folded form."""
    found: dict[str, list[str]] = {}
    try:
        for name in os.listdir(folder):
            found.setdefault(folded(name), []).append(name)
    except OSError:
        pass
    return found
