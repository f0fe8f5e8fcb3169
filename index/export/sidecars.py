"""Annotations as XMP: sidecars beside the originals or in a folder, or inside the originals where that was asked for.

A new sidecar of IMG_1.jpg is IMG_1.xmp, or IMG_1.jpg.xmp where another image has its stem or where that was asked for.
One that is there, under either name, is merged into.
"""

import os
import shutil
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from index.export.embedded import NotSafe, with_annotation
from index.export.names import Names, safe_parts
from index.export.originals import Original, Originals
from index.export.report import NotExported, Outcome, Renamed, Report
from index.export.selection import ExportedImage, Selection
from index.export.xmp import Annotation, is_marked, merged_xmp
from training.data.folder import read_file
from training.data.sidecars import sidecars_of
from training.models.atomic import flush_folder, replacement, write_file
from training.models.file_names import folded, long_path, safe_name
from training.models.formats import format_of

KEPT = "_original"  # behind the name of the copy that is kept of an original, as exiftool calls it


class Refused(Exception):
    """Why nothing is written for an image."""


@dataclass
class _Listing:
    """The files of one folder: the sidecars of each image, of how many images each is, and how many have a stem."""

    names: Sequence[str]
    sidecars: dict[str, tuple[str, ...]] = field(init=False)
    owners: Counter[str] = field(init=False)
    stems: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        self.sidecars = sidecars_of(self.names)
        self.owners = Counter(name for names in self.sidecars.values() for name in names)
        images = (n for n in self.names if n not in self.owners and (f := format_of(n)) and f.kind != "unsupported")
        self.stems = Counter(folded(PurePath(name).stem) for name in images)

    def sidecar(self, name: str, full: bool) -> tuple[str, bool]:
        """The sidecar of an image, and whether it is there."""
        for known in self.sidecars.get(name, ()):
            if known.lower().endswith(".xmp") and self.owners[known] == 1:
                return known, True
        return sidecar_name(name, full or self.stems[folded(PurePath(name).stem)] > 1), False


def sidecar_name(name: str, full: bool) -> str:
    """The name of an image's new sidecar."""
    return f"{name}.xmp" if full else f"{PurePath(name).stem}.xmp"


def export_xmp(
    selection: Selection, out: Path | None, report: Report, *, full_names: bool = False, into_originals: bool = False
) -> None:
    """Write what is said of each image: beside it, below out if that is given, or into it."""
    originals, listings, names = Originals(selection), dict[Path, _Listing](), Names()
    for image in selection:
        found = originals.of(image)
        try:
            if not image.annotation and not _has_ours(found, image, out, listings, full_names, into_originals):
                report.count("empty")
                continue
            if into_originals:
                target = _own_file(found)
                outcome = _write_original(target, image.annotation, report.dry_run)
            elif out is None:
                target, base = _beside(_own_file(found), listings, full_names)
                outcome = _write_sidecar(target, base, image.annotation, report.dry_run)
            else:
                target, base = _below(out, image, found, listings, names, full_names, report)
                outcome = _write_sidecar(target, base, image.annotation, report.dry_run)
        except Refused as refused:
            report.not_exported.append(NotExported(image.source, image.path, str(refused)))
        except OSError as error:
            reason = f"it cannot be read or written: {error.strerror or error}"
            report.not_exported.append(NotExported(image.source, image.path, reason))
        else:
            report.count(outcome, str(target) if out is None else _place(target, out))


def _place(target: Path, out: Path) -> str:
    """The path of an exported file below out. On Windows a long path has a prefix that a short one lacks."""
    above = long_path(out, room=len(str(target)))
    return target.relative_to(above if target.is_relative_to(above) else out).as_posix()


def _has_ours(
    found: Original | str,
    image: ExportedImage,
    out: Path | None,
    listings: dict[Path, _Listing],
    full: bool,
    into: bool,
) -> bool:
    """Whether keywords of an earlier export are where this one would write, so that they can be taken away."""
    if isinstance(found, str) or (found.file is None and out is None):
        return False
    if into and found.file is not None:
        return is_marked(read_file(found.file))
    beside = _beside(found.file, listings, full)[0] if found.file is not None else None
    *folders, name = safe_parts(image.path)
    last = safe_name(beside.name if beside else sidecar_name(name, full))
    place = beside if out is None else long_path(out.joinpath(*folders, last))
    return place is not None and place.is_file() and is_marked(read_file(place))


def _own_file(found: Original | str) -> Path:
    if isinstance(found, str):
        raise Refused(found)
    if found.file is None:
        raise Refused("it lies inside an archive, where nothing is written; give a folder with --to")
    return found.file


def _beside(file: Path, listings: dict[Path, _Listing], full: bool) -> tuple[Path, Path]:
    """The sidecar of an original, which is also what it is merged into."""
    if file.parent not in listings:
        listings[file.parent] = _Listing([entry.name for entry in os.scandir(file.parent) if entry.is_file()])
    name, _ = listings[file.parent].sidecar(file.name, full)
    return file.with_name(name), file.with_name(name)


def _below(
    out: Path,
    image: ExportedImage,
    found: Original | str,
    listings: dict[Path, _Listing],
    names: Names,
    full: bool,
    report: Report,
) -> tuple[Path, Path]:
    """The sidecar of an image below out, and what it is merged into: itself, or the one beside the original."""
    if isinstance(found, str):
        raise Refused(found)
    *folders, name = safe_parts(image.path)
    beside = _beside(found.file, listings, full)[0] if found.file is not None else None
    last = safe_name(beside.name if beside else sidecar_name(name, full))
    wanted = (*folders, last)
    parts = next(names.free(wanted, image.id))
    names.take(parts)
    if parts != wanted:
        report.renamed.append(Renamed(image.source, image.path, "/".join(parts)))
    target = long_path(out.joinpath(*parts))
    return target, beside if beside and beside.is_file() and not target.exists() else target


def _write_sidecar(target: Path, base: Path, annotation: Annotation, dry: bool) -> Outcome:
    """Write base with annotation to target."""
    there = os.path.lexists(target)
    old = read_file(base) if os.path.lexists(base) else b""
    try:
        new = merged_xmp(old, annotation)
    except ValueError as error:
        raise Refused(f"its sidecar {base.name} cannot be merged: {error}") from error
    if there and new == old:
        return "unchanged"
    if not dry:
        target.parent.mkdir(parents=True, exist_ok=True)
        real = target.resolve()  # a link stays one
        mode = stat.S_IMODE(real.stat().st_mode) if there else None
        write_file(real, new)
        if mode is not None:
            real.chmod(mode)
    return "updated" if there else "written"


def _write_original(file: Path, annotation: Annotation, dry: bool) -> Outcome:
    """Write annotation into an original; the file as it was stays under its name and KEPT."""
    file = file.resolve()  # a link stays one
    data = read_file(file)
    try:
        new = with_annotation(data, annotation)
    except NotSafe as reason:
        raise Refused(str(reason)) from reason
    if new == data:
        return "unchanged"
    if not dry:
        _keep(file)
        with replacement(file) as temporary, temporary.open("wb") as written:
            written.write(new)
            written.flush()
            shutil.copymode(file, temporary)
            os.fsync(written.fileno())
        flush_folder(file.parent)
    return "updated"


def _keep(file: Path) -> None:
    """Keep a copy of a file as it was before the first change. A hard link is one: the file itself is replaced."""
    kept = file.with_name(file.name + KEPT)
    if os.path.lexists(kept):
        return
    try:
        os.link(file, kept)
    except OSError:  # a drive without links
        with replacement(kept) as temporary:
            shutil.copy2(file, temporary)
            with temporary.open("rb") as copied:
                os.fsync(copied.fileno())
