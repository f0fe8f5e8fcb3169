"""Which image a file shows: one that the collection knows, or a new one.

A file is matched by its hash, then by its pixel hash, then by its place: if that held an image that looks nearly the
same, the file is a light edit of it. Anything else is a new image, so that a camera that uses a name again inherits
nothing. Ids are given once and stored; they survive moves, edits, removals and other encoders.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from types import TracebackType

import numpy as np
import pandas as pd
from PIL import Image

from index.ingest.perceptual import NEAR, perceptual_hash, similarity, turned
from index.storage.annotations import Connection, lookups, sentences, writing
from index.storage.known_images import adopt
from index.storage.layout import ID_LENGTH, Place, thumbnail_path


@dataclass(frozen=True)
class Sighting:
    """A file as it was seen.

    file: its SHA-256 in hex. coded: the coded part of its pixel hash, "" if that is not known. perceptual: its
    perceptual hash; empty where it was not decoded. copy_of: the id of an image of which the
    collection holds a file with this content, "" if there is none. before: id and coded part of the image that the
    file showed at the last build, where it was listed then, maybe by another name of its place.
    """

    place: Place
    file: str
    coded: str = ""
    perceptual: bytes = b""
    copy_of: str = ""
    before: tuple[str, str] | None = None


@dataclass
class _Pending:
    """What was learned and is not stored yet; it is looked up before what is stored."""

    images: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    pixels: dict[str, tuple[str, bytes | None]] = field(default_factory=dict)
    places: dict[Place, dict[str, str]] = field(default_factory=dict)  # coded parts by id


class Identities:
    """The images that the collection at folder knows; what `image_of` learns is written by `store`. Use it in a `with`.

    UserError if the annotations cannot be read or written.
    """

    def __init__(self, folder: Path, stored: pd.DataFrame | None = None):
        """stored: the rows of the collection; images among them that are not known, of earlier versions, become so."""
        self.folder = folder
        self._pending = _Pending()
        with writing(folder) as connection:
            if stored is not None:
                adopt(connection, stored)
        self._known: Connection = lookups(folder)

    def __enter__(self) -> "Identities":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._known.close()

    def image_of(self, seen: Sighting) -> str:
        """The id of the image that a file shows; it is known from now on."""
        with sentences(self.folder, "read"):
            id = self._by_file(seen.file) or self._by_pixels(seen.coded) or seen.copy_of or self._by_place(seen)
            if not id:
                id = self._free(seen.file)
            self._learn(seen, id)
            return id

    def store(self) -> None:
        """Write what was learned, in one transaction. Before a file is published its image must be known."""
        if not self._pending.files:
            return
        pending, now = self._pending, datetime.now(UTC).isoformat(timespec="seconds")
        places = [(*place, id, coded) for place, held in pending.places.items() for id, coded in held.items()]
        pixels = [(coded, id, perceptual) for coded, (id, perceptual) in pending.pixels.items()]
        with writing(self.folder) as connection:
            connection.executemany("INSERT OR IGNORE INTO images VALUES (?, ?)", [(id, now) for id in pending.images])
            connection.executemany("INSERT OR IGNORE INTO files VALUES (?, ?)", pending.files.items())
            connection.executemany("INSERT OR IGNORE INTO pixels VALUES (?, ?, ?)", pixels)
            connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?)", places)
        self._pending = _Pending()

    def _learn(self, seen: Sighting, id: str) -> None:
        self._pending.images.add(id)
        self._pending.files.setdefault(seen.file, id)
        if seen.coded:
            self._pending.pixels.setdefault(seen.coded, (id, seen.perceptual or None))
        self._pending.places.setdefault(seen.place, {})[id] = seen.coded

    def _by_file(self, file: str) -> str:
        return self._pending.files.get(file) or self._first("SELECT id FROM files WHERE hash = ?", file)

    def _by_pixels(self, coded: str) -> str:
        if not coded:
            return ""
        pending = self._pending.pixels.get(coded)
        return pending[0] if pending else self._first("SELECT id FROM pixels WHERE hash = ?", coded)

    def _by_place(self, seen: Sighting) -> str:
        """The image that the same place held and that looks most like it, if that is near enough."""
        if not seen.perceptual:
            return ""
        held = dict(self._known.execute("SELECT id, pixels FROM places WHERE source = ? AND path = ?", seen.place))
        held |= self._pending.places.get(seen.place, {}) | dict([seen.before] if seen.before else [])
        turns = list(turned(seen.perceptual)) if held else []
        best, found = NEAR, ""
        for id, coded in held.items():
            other = self._perceptual(id, coded)
            likeness = max(similarity(one, other) for one in turns) if other else 0.0
            if likeness >= best:
                best, found = likeness, id
        return found

    def _perceptual(self, id: str, coded: str) -> bytes | None:
        """How the image called id looked; by its thumbnail where the pixels were never hashed, by earlier versions."""
        pending = self._pending.pixels.get(coded)
        if pending and pending[1]:
            return pending[1]
        row = self._known.execute("SELECT perceptual FROM pixels WHERE hash = ?", (coded,)).fetchone()
        if row and row[0]:
            return bytes(row[0])
        with suppress(OSError, ValueError), Image.open(thumbnail_path(self.folder, id)) as thumbnail:
            return perceptual_hash(np.asarray(thumbnail.convert("RGB")))
        return None

    def _free(self, file: str) -> str:
        """The id of a new image: the beginning of its file's hash, or another if an image has that already."""
        for number in count():
            id = (sha256(f"{file} {number}".encode()).hexdigest() if number else file)[:ID_LENGTH]
            if id not in self._pending.images and not self._first("SELECT id FROM images WHERE id = ?", id):
                return id
        raise AssertionError("there is always a free one")

    def _first(self, query: str, value: str) -> str:
        row = self._known.execute(query, (value,)).fetchone()
        return str(row[0]) if row else ""
