"""Originals as one zip file, made as it is sent: no more than a piece of it is in memory."""

import time
import zipfile
from collections.abc import Iterator

from index.export.folders import Layout
from index.export.imagefolder import METADATA, metadata_csv, metadata_row
from index.export.originals import Original, Originals
from index.export.report import NotExported, Renamed, Report
from index.export.selection import ExportedImage, Selection
from index.storage.tables import csv_text

PIECE = 1 << 20  # bytes
NOT_EXPORTED = "not-exported.csv"
EARLIEST = 315_619_200.0  # 1980-01-02, before which zip files know no time


class Pipe:
    """What a zip file is written to: it cannot be read or rewound."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""

    def taken(self) -> bytes:
        held, self._held = bytes(self._held), bytearray()
        return held


def zip_pieces(selection: Selection, report: Report) -> Iterator[bytes]:
    """The zip file of a selection's originals, with metadata.csv and, if some are missing, not-exported.csv."""
    layout, originals = (
        Layout(selection, metadata=True),
        Originals(selection),
    )
    layout.names.take((NOT_EXPORTED,))
    rows: dict[str, dict[str, str]] = {}
    pipe = Pipe()
    modified = selection.collection.column("modified")
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as packed:
        for image in selection:
            found = originals.of(image)
            name = _name(layout, image, found)
            try:
                if isinstance(found, str) or name is None:
                    raise OSError(found)
                for _ in _pack(packed, found, "/".join(name), _seconds(modified.iat[image.row])):
                    yield pipe.taken()
            except OSError as error:
                reason = found if isinstance(found, str) else f"it cannot be read: {error.strerror or error}"
                report.not_exported.append(NotExported(image.source, image.path, reason))
                continue
            layout.names.take(name)
            report.count("written")
            if layout.is_renamed(image, name):
                report.renamed.append(Renamed(image.source, image.path, "/".join(name)))
            row = metadata_row(image, name, layout.labelled)
            rows[row["file_name"]] = row
        packed.writestr(_info(METADATA, EARLIEST), metadata_csv(rows))
        if report.not_exported:
            missing = [(one.path, one.reason) for one in report.not_exported]
            packed.writestr(_info(NOT_EXPORTED, EARLIEST), csv_text(("path", "reason"), missing))
    yield pipe.taken()


def _name(layout: Layout, image: ExportedImage, found: Original | str) -> tuple[str, ...] | None:
    if isinstance(found, str):
        return None
    return next(layout.names.free(layout.wanted(image, found), image.id))


def _pack(packed: zipfile.ZipFile, original: Original, name: str, modified: float) -> Iterator[None]:
    """Add one file, a piece at a time. An OSError before the first piece adds nothing."""
    info = _info(name, modified)
    if original.file is None:
        data = original.read()
        packed.writestr(info, data)
        yield
        return
    with original.file.open("rb") as file:
        info.file_size = original.file.stat().st_size
        with packed.open(info, "w", force_zip64=info.file_size >= zipfile.ZIP64_LIMIT) as out:
            while piece := file.read(PIECE):
                out.write(piece)
                yield
    yield


def _info(name: str, modified: float) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.gmtime(max(modified, EARLIEST))[:6])
    info.external_attr = 0o644 << 16
    return info


def _seconds(modified: object) -> float:
    try:
        return min(float(modified.timestamp()), 4e9)  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return EARLIEST
