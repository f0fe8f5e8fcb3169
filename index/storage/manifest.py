"""The manifest: which encoder made a collection and which segments belong to it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from index.storage.layout import GENERATIONS, MANIFEST, NAME_IN_UTF8
from training.models.encoder import Encoder
from training.models.encoders import fingerprint_of, name_of
from training.models.errors import UserError
from training.models.file_names import check_utf8

FORMATS = (1, 2)  # 2 where the segments lie in a generation's folder, where versions that know none do not look
HOME = re.escape(GENERATIONS) + "/[0-9a-f]{12}"
OF_SOURCES = ("failed", "passed_over", "exclude", "include", "offline", "mounts", "tables", "max_megapixels")


@dataclass(frozen=True)
class Manifest:
    """What manifest.json says.

    segments: name and number of images of each, in row order. checksums: SHA-256 of a segment's files
    by its name and theirs. last_segment: the highest number given to a segment so far. A number is never
    given again, so what a segment's name stands for never changes under a reader. passed_over: the files of
    each source that gave no image, as dicts of `accounts.Group`. exclude, include: the globs of the last
    build, which the next one uses too. offline, mounts: of each source the folders that are out of reach, ""
    for all of it, and those in which another drive begins. tables: of each source what was said of its tables.
    max_megapixels: the limit of the last build, None for the usual one; the next one uses it too.
    home: the folder in the collection's that holds segments and what is derived from them, "" for itself; another one
    is of a generation. content: the revision in which the segments changed last; what is derived from them is of it.
    mirrors: the `key` of the manifest whose rows these are, one by one. came_from: the fingerprint of the encoder that
    was switched from.
    previews: how often thumbnails may have changed, a part of their addresses.
    """

    encoder: str
    fingerprint: str
    dim: int
    runtime: str
    precision: str
    revision: int
    segments: tuple[tuple[str, int], ...] = ()
    failed: int = 0
    last_segment: int = 0
    checksums: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    passed_over: Mapping[str, Sequence[Mapping[str, str | int]]] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    offline: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mounts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    max_megapixels: float | None = None
    home: str = ""
    content: int = 0
    mirrors: str = ""
    came_from: str = ""
    previews: int = 0

    @property
    def images(self) -> int:
        return sum(images for _, images in self.segments)

    @property
    def key(self) -> str:
        """What names these rows and no others."""
        return f"{self.fingerprint}@{self.content}"

    @property
    def of_sources(self) -> dict[str, Any]:
        """The fields that the last build found out about sources, whatever the encoder."""
        return {name: getattr(self, name) for name in OF_SOURCES}

    def as_json(self) -> bytes:
        segments = [
            {"name": name, "images": images, "sha256": dict(self.checksums.get(name, {}))}
            for name, images in self.segments
        ]
        fields = {k: v for k, v in vars(self).items() if k not in ("segments", "checksums")}
        version = 2 if self.home else 1
        return json.dumps({"format": version, **fields, "images": self.images, "segments": segments}, indent=1).encode()

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of the collection at folder; UserError that says what to do if there is none to trust."""
        check_utf8(folder, NAME_IN_UTF8)
        path = folder / MANIFEST
        try:
            stored = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            what = "is not a collection" if folder.is_dir() else "does not exist"
            raise UserError(f"{folder} {what}; make one with: python -m index build FOLDER --into {folder}") from error
        except (OSError, ValueError) as error:
            raise UserError(_corrupt(path, "it is not JSON")) from error
        if not isinstance(stored, dict):
            raise UserError(_corrupt(path, "it holds no fields"))
        try:
            version = stored["format"]
            if version not in FORMATS:
                raise UserError(
                    f"{folder} has format {version} and this Gelato reads {FORMATS[0]} to {FORMATS[-1]}; "
                    f"use the Gelato that made it, or build the collection again."
                )
            segments = tuple((s["name"], int(s["images"])) for s in stored["segments"])
            if not all(re.fullmatch(r"[0-9]{6,}", name) for name, _ in segments):
                raise ValueError("a segment's name is not a number")
            home = str(stored.get("home") or "")
            if home and not re.fullmatch(HOME, home):
                raise ValueError("the folder of its segments is no generation")
            names = ("encoder", "fingerprint", "dim", "runtime", "precision", "revision", "failed")
            stored["encoder"] = name_of(stored["encoder"], stored["fingerprint"])
            stored["fingerprint"] = fingerprint_of(stored["fingerprint"])
            return cls(
                **{name: stored[name] for name in names},
                segments=segments,
                last_segment=max([int(stored.get("last_segment", 0)), *(int(name) for name, _ in segments)]),
                checksums={s["name"]: dict(s.get("sha256") or {}) for s in stored["segments"]},
                passed_over=dict(stored.get("passed_over") or {}),
                exclude=tuple(map(str, stored.get("exclude") or ())),
                include=tuple(map(str, stored.get("include") or ())),
                offline=dict(stored.get("offline") or {}),
                mounts=dict(stored.get("mounts") or {}),
                tables={name: dict(options) for name, options in (stored.get("tables") or {}).items()},
                max_megapixels=float(stored["max_megapixels"]) if stored.get("max_megapixels") else None,
                home=home,
                content=int(stored.get("content") or stored["revision"]),
                mirrors=str(stored.get("mirrors") or ""),
                came_from=str(stored.get("came_from") or ""),
                previews=int(stored.get("previews") or 0),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(_corrupt(path, f"{error!s} is missing or wrong")) from error


def _corrupt(path: Path, why: str) -> str:
    return f"{path} is corrupt ({why}); move the folder away and build the collection again, or restore the file."


class MadeWithPrecision(Protocol):
    """What says in which precision its vectors were made: a manifest, or a database."""

    @property
    def precision(self) -> str: ...


def precision_of(manifest: MadeWithPrecision, wanted: str | None) -> str | None:
    """The precision to load a collection's encoder in: the one asked for, else eight bits where it was made in them.

    All others keep the vectors' direction, so that the fastest of them here will do: None.
    """
    return wanted or ("int8" if manifest.precision == "int8" else None)


def check_encoder(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    """UserError unless encoder made the vectors of the collection at path."""
    if encoder.fingerprint != manifest.fingerprint:
        other, way = encoder.name, f"use --encoder {manifest.encoder}, or embed its images again"
        if other == manifest.encoder:
            other, way = "other weights of that name", "embed its images again"
        raise UserError(
            f"{path} was made with {manifest.encoder} ({manifest.fingerprint[:8]}) and cannot be read with {other} "
            f"({encoder.fingerprint[:8]}); {way}: python -m index reencode {path} --encoder {encoder.name}"
        )


def check_precision(path: Path, manifest: Manifest, encoder: Encoder) -> None:
    """UserError if some vectors would be made in eight bits and others not: the two differ enough to disturb ranks."""
    if manifest.images and (manifest.precision == "int8") != (encoder.precision == "int8"):
        raise UserError(
            f"{path} was made in the precision {manifest.precision} and {encoder.precision} would not fit it; "
            f"leave --precision out, or build into another folder."
        )
