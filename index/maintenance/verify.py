"""The faults of a collection on disk, and how to repair them."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from index.storage.annotations import ANNOTATIONS, reading
from index.storage.generations import generation_home, manifest_of, other_generations
from index.storage.layout import (
    FAILURE_COLUMNS,
    FAILURES,
    ID,
    INDEX_FILE,
    INDEX_JSON,
    MANIFEST,
    NAME_IN_UTF8,
    REQUIRED_COLUMNS,
    STAMP,
    TEXT_INDEX,
    Place,
    thumbnail_path,
)
from index.storage.manifest import Manifest
from index.storage.mapping import mapped
from index.storage.segments import ITEMS, VECTORS, Segment
from training.models.errors import UserError
from training.models.file_names import check_utf8

LENGTH_TOLERANCE = 5e-3  # of a unit vector: ten times what rounding to float16 costs
CHUNK = 10_000  # vectors checked at a time
REPAIR = "build SOURCE --into {} --repair embeds its images again"
MOST_NAMED = 5  # ids that one line names


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. segment: the one that is lost with it; places: of the rows that are, where only some
    are."""

    kind: str
    where: str
    what: str
    repair: str
    segment: str = ""
    places: tuple[Place, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. To repair: {self.repair}."

    def as_dict(self) -> dict[str, Any]:
        """As `verify --json` prints it."""
        return {k: v for k, v in asdict(self).items() if k != "places"} | {"images": len(self.places)}


def find_faults(path: Path, progress: Callable[[int, int], object] = lambda done, total: None) -> list[Fault]:
    """Every fault of the collection at path; none where it is sound.

    Reads every file of every segment, so it finds what has changed on disk since it was written. A build
    may go on meanwhile. progress is called with images done and their total.
    """
    check_utf8(path, NAME_IN_UTF8)
    for _ in range(5):
        try:
            manifest = Manifest.read(path)
        except UserError as error:
            return [Fault("manifest", MANIFEST, str(error).rstrip("."), "as that says; the segments are left alone")]
        faults = _Check(path, manifest).run(progress)
        if not faults or Manifest.read(path).revision == manifest.revision:
            return faults + _in_generations(path)
    raise UserError(f"{path} is being changed faster than it can be checked; try again when its build has ended.")


def _in_generations(path: Path) -> list[Fault]:
    """The faults of the generations that do not serve; the collection is sound without them."""
    faults = []
    for manifest in other_generations(path):
        with suppress(UserError):  # it was deleted, or switched to, meanwhile
            name, revision = manifest.fingerprint, manifest.revision
            found = _Check(path, manifest).of_segments()
            if found and manifest_of(path, name).revision == revision:
                repair = f"generations {path} --delete {name[:8]}, then reencode {path} --encoder {manifest.encoder}"
                where = f"{generation_home(name)}: " if not manifest.home else f"{manifest.home}/"
                faults += [replace(one, where=where + one.where, repair=repair, segment="", places=()) for one in found]
    return faults


class _Check:
    """One pass over a collection as its manifest describes it."""

    def __init__(self, path: Path, manifest: Manifest):
        self.path, self.manifest, self.home = path, manifest, path / manifest.home
        self.repair = REPAIR.format(path)
        self.faults: list[Fault] = []
        self.places: set[Place] = set()
        self._ids: dict[str, str] = {}  # of images, by the hash of a file

    def run(self, progress: Callable[[int, int], object]) -> list[Fault]:
        self._annotations()
        done = 0
        for name, images in self.manifest.segments:
            frame = self._segment(name, images)
            if frame is not None:
                self._rows(name, frame)
            done += images
            progress(done, self.manifest.images)
        self._failures()
        self._search()
        return self.faults

    def of_segments(self) -> list[Fault]:
        """The faults of segments and of what is derived from them."""
        for name, images in self.manifest.segments:
            frame = self._segment(name, images)
            if frame is not None:
                self._rows(name, frame)
        self._search()
        return self.faults

    def _lost(self, kind: str, name: str, what: str, file: str = "") -> None:
        where = f"segments/{name}/{file}" if file else f"segments/{name}"
        self.faults.append(Fault(kind, where, what, self.repair, segment=name))

    def _segment(self, name: str, images: int) -> pd.DataFrame | None:
        """The rows that matter here, or None if the segment as a whole is damaged."""
        folder = self.home / "segments" / name
        sound = True
        for file in (VECTORS, ITEMS):
            try:
                expected = self.manifest.checksums.get(name, {}).get(file)
                if expected is not None and sha256(mapped(folder / file)).hexdigest() != expected:
                    self._lost("bit rot", name, "its bytes are not those that were written", file)
                    sound = False
                elif expected is None:
                    (folder / file).stat()
            except FileNotFoundError:
                self._lost("missing", name, "it is missing", file)
                sound = False
            except (OSError, ValueError) as error:
                self._lost("unreadable", name, f"it cannot be read ({error})", file)
                sound = False
        if not sound:
            return None
        try:
            segment = Segment(folder, images, self.manifest.dim)
            missing = [column for column in (*REQUIRED_COLUMNS, STAMP) if column not in segment.columns]
            if missing:
                raise ValueError(f"it has no column {', '.join(missing)}")
            frame = segment.frame(["id", "source", "path", "hash", "width"])
        except (OSError, ValueError) as error:
            self._lost("unreadable", name, f"it does not hold what the manifest says ({error})")
            return None
        self._vectors(segment, frame)
        return frame

    def _vectors(self, segment: Segment, rows: pd.DataFrame) -> None:
        finite, unit = np.ones(segment.images, bool), np.ones(segment.images, bool)
        for start in range(0, segment.images, CHUNK):
            part = np.asarray(segment.vectors[start : start + CHUNK], np.float32)
            finite[start : start + CHUNK] = np.isfinite(part).all(axis=1)
            length = np.linalg.norm(np.nan_to_num(part, posinf=0, neginf=0), axis=1)
            unit[start : start + CHUNK] = np.abs(length - 1) <= LENGTH_TOLERANCE
        where = f"segments/{segment.name}/{VECTORS}"
        self._some("not finite", where, "vectors that are not finite", rows[~finite])
        self._some("not unit", where, "vectors that are not of unit length", rows[finite & ~unit])

    def _some(self, kind: str, where: str, what: str, rows: pd.DataFrame) -> None:
        found = tuple(dict.fromkeys(str(id) for id in rows["id"]))
        if found:
            named = ", ".join(found[:MOST_NAMED]) + (", ..." if len(found) > MOST_NAMED else "")
            places = tuple(zip(rows["source"], rows["path"], strict=True))
            self.faults.append(Fault(kind, where, f"{len(rows):,} {what} ({named})", self.repair, places=places))

    def _rows(self, name: str, rows: pd.DataFrame) -> None:
        where = f"segments/{name}/{ITEMS}"
        is_id = rows["id"].astype(str).map(lambda id: bool(ID.fullmatch(id))).to_numpy(bool)
        self._some("wrong id", where, "ids that are not ids", rows[~is_id])
        pairs = zip(rows["hash"], rows["id"], strict=True)
        other = np.array([self._ids.get(content, id) != id for content, id in pairs], bool)
        self._some("wrong id", where, "ids of other images than their content's", rows[is_id & other])
        twice = []
        for place in zip(rows["source"], rows["path"], strict=True):
            twice.append(place in self.places)
            self.places.add(place)
        self._some("repeated image", where, "images that an earlier row has too", rows[np.array(twice, bool)])
        seen = rows[is_id & (rows["width"].to_numpy() > 0)]  # an imported row may be of an image that is elsewhere
        whole = {id: _is_whole_webp(thumbnail_path(self.path, id)) for id in seen["id"].unique()}
        missing = seen[~seen["id"].map(whole).to_numpy(bool)]
        self._some("thumbnail", "thumbnails", "thumbnails that are missing or cut short", missing)

    def _annotations(self) -> None:
        """Whether tags and corrections can be read; then also which image each file hash is of."""
        try:
            with reading(self.path) as connection:
                said = connection.execute("PRAGMA quick_check").fetchone()[0] if connection else "ok"
                self._ids = dict(connection.execute("SELECT hash, id FROM files")) if connection else {}
        except UserError as error:
            said = str(error).rstrip(".")
        if said != "ok":
            what, repair = f"tags and corrections cannot be read ({said})", f"restore {self.path} BACKUP"
            self.faults.append(Fault("annotations", ANNOTATIONS, what, f"{repair} brings back those of a backup"))

    def _failures(self) -> None:
        file = self.path / FAILURES
        try:
            columns = list(pd.read_csv(file, nrows=1).columns) if file.exists() else []
            known = (list(FAILURE_COLUMNS), ["source", "path", "reason"])  # the second as earlier versions wrote it
            sound = columns in known or (not columns and not self.manifest.failed)
        except (OSError, ValueError):
            sound = False
        if not sound:
            what = "the list of images that could not be read is missing or broken"
            self.faults.append(Fault("failures", FAILURES, what, f"build SOURCE --into {self.path} writes it again"))

    def _search(self) -> None:
        """What search reads, where it claims to be of this revision; a stale one is made again without asking."""
        self._text_index()
        from index.nearest import read_structure  # brings FAISS

        facts, index = self.home / INDEX_JSON, self.home / INDEX_FILE
        if not (facts.exists() and index.exists()):
            return
        try:
            if (stored := json.loads(facts.read_bytes()))["revision"] == self.manifest.content:
                held = read_structure(index, stored.get("kind", ""))
                if (held.ntotal, held.d) != (self.manifest.images, self.manifest.dim):
                    raise ValueError(f"it holds {held.ntotal:,} vectors of {held.d}")
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            what = f"the search structure cannot be read ({str(error).splitlines()[0][:200]})"
            repair = f"build SOURCE --into {self.path} --repair makes it again"
            self.faults.append(Fault("search", INDEX_FILE, what, repair))

    def _text_index(self) -> None:
        from index.retrieval.text_index import read_text_index

        try:
            if (self.home / TEXT_INDEX).exists():
                index = read_text_index(self.home, self.manifest.content, self.manifest.images)
                if index is not None and len(index.rows) and int(index.rows.max()) >= self.manifest.images:
                    raise ValueError("it names rows that are not there")
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            what = f"the text index cannot be read ({str(error).splitlines()[0][:200]})"
            repair = f"build SOURCE --into {self.path} --repair makes it again"
            self.faults.append(Fault("search", TEXT_INDEX, what, repair))


def _is_whole_webp(path: Path) -> bool:
    """Whether the file's own length field agrees with its length: what a power cut leaves does not."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            size = file.seek(0, 2)
    except OSError:
        return False
    return head[:4] == b"RIFF" and head[8:] == b"WEBP" and int.from_bytes(head[4:8], "little") + 8 == size
