"""Originals as a folder: hard links or copies, one folder a label if there are labels, else as in their source."""

import io
import mimetypes
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from index.export.imagefolder import METADATA, metadata_csv, metadata_row, read_metadata
from index.export.names import Names, safe_parts
from index.export.originals import Original, Originals
from index.export.placing import Placed, place_bytes, place_file
from index.export.report import NotExported, Renamed, Report
from index.export.selection import ExportedImage, Selection
from training.models.atomic import write_file
from training.models.file_names import distinct_names, file_name, safe_name
from training.models.formats import format_of

UNLABELLED = "unlabelled"
LONGEST_CLASS = 100  # bytes of the name of a folder
UNKNOWN_ENDING = ".bin"


class Layout:
    """Which name each image of a selection has below the folder of an export."""

    def __init__(self, selection: Selection, metadata: bool):
        self.labelled = selection.labels is not None
        labels = [UNLABELLED, *sorted({label for label in (selection.labels or {}).values() if label != UNLABELLED})]
        self._classes = dict(zip(labels, distinct_names(labels, LONGEST_CLASS), strict=True))
        self.names = Names()
        if metadata:
            self.names.take((METADATA,))
        sources = list(dict.fromkeys(source for source, _ in selection.places))
        names = distinct_names([file_name(source) for source in sources], LONGEST_CLASS)
        several = zip(sources, names, strict=True) if len(sources) > 1 else ()
        self._folders = {source: (name,) for source, name in several}  # of each source, where there are several

    def wanted(self, image: ExportedImage, original: Original) -> tuple[str, ...]:
        """The parts of its name, if nothing else had that."""
        parts = safe_parts(image.path)
        if format_of(parts[-1]) is None:
            parts = (*parts[:-1], parts[-1] + _ending(original))
        if self.labelled:
            return self._classes[image.label or UNLABELLED], parts[-1]
        return (*self._folders.get(image.source, ()), *parts)

    def is_renamed(self, image: ExportedImage, name: Sequence[str]) -> bool:
        return safe_name(name[-1]) != image.path.replace("\\", "/").rpartition("/")[2]


def _ending(original: Original) -> str:
    """The ending that fits an image whose name has none."""
    try:
        with Image.open(io.BytesIO(original.read())) as image:
            return mimetypes.guess_extension(image.get_format_mimetype() or "") or UNKNOWN_ENDING
    except Exception:  # Pillow's are many; the image may be of a format that it does not read
        return UNKNOWN_ENDING


def export_folder(selection: Selection, out: Path, report: Report, *, link: bool, metadata: bool) -> None:
    """Put every image below out, and with metadata a metadata.csv. Nothing that is there is overwritten."""
    layout, originals = Layout(selection, metadata), Originals(selection)
    before = read_metadata(out / METADATA) if metadata else {}
    rows = dict(before)
    for image in selection:
        original = originals.of(image)
        if isinstance(original, str):
            report.not_exported.append(NotExported(image.source, image.path, original))
            continue
        try:
            name, placed = _place(layout, image, original, out, link, report.dry_run)
        except OSError as error:
            reason = f"it cannot be read or written: {error.strerror or error}"
            report.not_exported.append(NotExported(image.source, image.path, reason))
            continue
        report.count("unchanged" if placed == "unchanged" else "written", "/".join(name))
        report.linked += placed == "linked"
        if layout.is_renamed(image, name):
            report.renamed.append(Renamed(image.source, image.path, "/".join(name)))
        if metadata:
            row = metadata_row(image, name, layout.labelled)
            rows[row["file_name"]] = {**rows.get(row["file_name"], {}), **row}
    if metadata and rows and rows != before and not report.dry_run:
        out.mkdir(parents=True, exist_ok=True)
        write_file(out / METADATA, metadata_csv(rows))


def _place(
    layout: Layout, image: ExportedImage, original: Original, out: Path, link: bool, dry: bool
) -> tuple[tuple[str, ...], Placed]:
    """The name that an image got, and whether it was there. A name under which another file lies is left to that."""
    data = original.read() if original.file is None else b""
    for name in layout.names.free(layout.wanted(image, original), image.id):
        target = out.joinpath(*name)
        if original.file is not None:
            placed = place_file(target, original.file, link, dry)
        else:
            placed = place_bytes(target, data, dry)
        if placed != "taken":
            break
    layout.names.take(name)
    return name, placed
