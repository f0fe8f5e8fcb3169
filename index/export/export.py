"""Export a collection, or some of its images, in one of FORMATS."""

import filecmp
from dataclasses import dataclass
from pathlib import Path

from index.database.export import export_database
from index.export.embeddings import export_embeddings
from index.export.folders import export_folder
from index.export.report import Report
from index.export.roots import source_root
from index.export.selection import Selection
from index.export.sidecars import export_xmp
from index.export.tables import table_csv, table_json, table_parquet
from index.export.zips import zip_pieces
from training.models.atomic import temporary_name, write_file
from training.models.errors import UserError
from training.models.registry import pick

FORMATS = {
    "csv": "a table, a row an image",
    "json": "the same as a list of objects",
    "parquet": "the same as parquet",
    "xmp": "XMP sidecars with tags, label, rating, title and caption, beside the originals or in a folder",
    "folders": "the originals in one folder a label, or as in their source",
    "imagefolder": "the same with metadata.csv, as Hugging Face datasets read it",
    "zip": "the same as one zip file",
    "npy": "vectors.npy and items.parquet, row for row",
    "lancedb": "a vector database in a folder or at an address, which index search searches too",
    "clip-retrieval": "img_emb/ and metadata/, as clip-retrieval and autofaiss read them",
}
TABLES = {"csv": table_csv, "json": table_json, "parquet": table_parquet}
EMBEDDINGS = ("npy", "clip-retrieval")


@dataclass(frozen=True)
class ExportRequest:
    """What is exported where. out: a file or folder; None only for xmp, which then goes beside the originals.

    link: hard links instead of copies. full_names: sidecars are IMG_1.jpg.xmp. write_originals: xmp goes into the
    originals, of which copies are kept. overwrite: replace a file that is there. dry_run: write nothing.
    """

    format: str
    out: Path | None
    link: bool = False
    full_names: bool = False
    write_originals: bool = False
    overwrite: bool = False
    dry_run: bool = False


def export(selection: Selection, request: ExportRequest) -> Report:
    """Export the images of a selection. UserError for a request that makes no sense, or where out cannot be written."""
    pick("format", request.format, FORMATS)
    _check(selection, request)
    report = Report(str(request.out or "the originals"), request.format, len(selection), request.dry_run)
    try:
        _export(selection, request, report)
    except OSError as error:
        raise UserError(f"{report.out} cannot be written: {error.strerror or error}.") from error
    return report


def _check(selection: Selection, request: ExportRequest) -> None:
    if request.out is None and request.format != "xmp":
        raise UserError(f"Say where the export goes: python -m index export DIR OUT --format {request.format}.")
    if request.write_originals and (request.format != "xmp" or request.out is not None):
        raise UserError("--write-originals writes into the files themselves: give --format xmp, and no OUT.")
    if request.link and request.format not in ("folders", "imagefolder"):
        raise UserError("--link makes hard links of originals: give --format folders or imagefolder.")
    if request.out is not None and request.format in ("folders", "imagefolder"):
        _check_outside(selection, request.out)


def _check_outside(selection: Selection, out: Path) -> None:
    """UserError if the next build would take the copies for new images, or if they would lie inside the collection."""
    place = out.expanduser().resolve()
    if place.is_relative_to(selection.collection.path.resolve()):
        raise UserError(f"{out} lies inside the collection; choose another folder.")
    for source in dict.fromkeys(source for source, _ in selection.places):
        root = source_root(source)
        if Path(source).is_dir() and root is not None and place.is_relative_to(root.resolve()):
            raise UserError(f"{out} lies inside the source {source}, so the next build would index the copies.")


def _export(selection: Selection, request: ExportRequest, report: Report) -> None:
    out, kind = request.out, request.format
    if kind == "xmp":
        export_xmp(selection, out, report, full_names=request.full_names, into_originals=request.write_originals)
        return
    assert out is not None
    if kind in TABLES:
        _export_file(out, TABLES[kind](selection), request, report)
    elif kind == "zip":
        _export_zip(selection, out, request, report)
    elif kind == "lancedb":
        _check_whole(selection, kind)
        export_database(selection, out, report)
    elif kind in EMBEDDINGS:
        _export_embeddings(selection, out, request, report)
    else:
        export_folder(selection, out, report, link=request.link, metadata=kind == "imagefolder")


def _export_file(out: Path, content: bytes, request: ExportRequest, report: Report) -> None:
    """A table: every image of it is in the file."""
    if out.is_file() and out.read_bytes() == content:
        report.unchanged = report.images
        return
    _refuse_to_overwrite(out, request)
    report.written, report.files = report.images, [out.name]
    if not request.dry_run:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_file(out, content)


def _export_zip(selection: Selection, out: Path, request: ExportRequest, report: Report) -> None:
    report.files = [out.name]
    if request.dry_run:
        for _ in zip_pieces(selection, report):
            pass
        return
    if out.is_dir():
        raise UserError(f"{out} is a folder; name a file, such as {out / 'images.zip'}.")
    out.parent.mkdir(parents=True, exist_ok=True)
    made = temporary_name(out)
    try:
        write_file(made, lambda file: file.writelines(zip_pieces(selection, report)))
        if out.is_file() and filecmp.cmp(made, out, shallow=False):
            report.unchanged, report.written = report.written, 0
            return
        _refuse_to_overwrite(out, request)
        made.replace(out)
    finally:
        made.unlink(missing_ok=True)


def _check_whole(selection: Selection, kind: str) -> None:
    if len(selection) != len(selection.collection):
        raise UserError(f"{kind} exports whole collections; leave out the filters.")


def _export_embeddings(selection: Selection, out: Path, request: ExportRequest, report: Report) -> None:
    _check_whole(selection, request.format)
    _refuse_to_overwrite(out, request, folder=True)
    report.written = report.images
    if not request.dry_run:
        report.files = export_embeddings(selection.collection, out, request.format)


def _refuse_to_overwrite(out: Path, request: ExportRequest, folder: bool = False) -> None:
    if folder and out.exists():
        raise UserError(f"{out} exists; name a new one.")
    if out.is_dir():
        raise UserError(f"{out} is a folder; name a file.")
    if out.exists() and not request.overwrite:
        raise UserError(f"{out} exists; name a new one, or replace it with --overwrite.")
