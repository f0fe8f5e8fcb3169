"""python -m index export: a collection's images and what is known of them, as files for other programs."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index.cli.options import as_json_option, collection_argument, run_options
from training.models.console import answer, plain
from training.models.errors import UserError

if TYPE_CHECKING:
    from index.collection import Collection
    from index.export.labels import Labels

FORMATS = ("csv", "json", "parquet", "xmp", "folders", "imagefolder", "zip", "npy", "clip-retrieval", "lancedb")


@click.command()
@collection_argument
@click.argument("out", required=False, type=click.Path(path_type=Path))
@click.option("--to", type=click.Path(path_type=Path), metavar="OUT", help="The same as OUT.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    default="npy",
    show_default=True,
    help="csv, json, parquet: a table. xmp: sidecars with tags, label, rating, title and caption, beside the originals "
    "or in OUT. folders: the originals, one folder a label, or as in their source. imagefolder: the same with "
    "metadata.csv for Hugging Face datasets. zip: the same as one file. npy: vectors.npy and items.parquet. "
    "clip-retrieval: img_emb/ and metadata/. lancedb: a vector database in a folder or at an address such as "
    "s3://bucket/photos, which `index search` searches like a collection.",
)
@click.option("--where", default="", help='Only images that pass a filter, in pandas query syntax: "width > 1000".')
@click.option("--filter", "filters", multiple=True, metavar="COLUMN=VALUE", help="Only images with this value.")
@click.option("--tag", "tags", multiple=True, help="Only images with this tag; may be repeated.")
@click.option(
    "--labels",
    help="Also export a label an image: corrections (labels that you gave), tags (the first of each), a column, "
    "a CSV file with path and label (of label --out), or classes as of label --classes.",
)
@click.option("--link/--copy", default=False, help="folders, imagefolder: hard links or copies.  [default: copy]")
@click.option("--full-names", is_flag=True, help="xmp: call new sidecars IMG_1.jpg.xmp (darktable, digiKam).")
@click.option(
    "--write-originals",
    is_flag=True,
    help="xmp: write into JPEG, PNG and WebP files instead. A file as it was stays beside it as NAME_original.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file OUT if it is there.")
@click.option("--dry-run", is_flag=True, help="Write nothing, and say what would be written.")
@as_json_option
@run_options
def export(
    collection: Path,
    out: Path | None,
    to: Path | None,
    kind: str,
    where: str,
    filters: tuple[str, ...],
    tags: tuple[str, ...],
    labels: str | None,
    link: bool,
    full_names: bool,
    write_originals: bool,
    overwrite: bool,
    dry_run: bool,
    as_json: bool,
    runtime: str | None,
    precision: str | None,
) -> None:
    """Export the images of DIR, and what is known of them, to the folder or file OUT.

    Nothing that other programs wrote is lost: sidecars are merged, and a file that is there is left alone. Running
    it again writes only what is new. Images that cannot be exported are named, with the reason.
    """
    from index.collection import Collection
    from index.export.export import ExportRequest
    from index.export.export import export as export_images
    from index.export.selection import Selection
    from index.retrieval.facets import read_facet_filters
    from index.search import SearchRequest, matching

    if out is not None and to is not None:
        raise UserError("OUT was given twice; leave out --to.")
    opened = Collection.open(collection)
    chosen = matching(opened, SearchRequest(terms=[], filter=where, facets=read_facet_filters(filters), tags=tags))
    selection = Selection.of(opened, chosen, _labels(opened, labels, runtime, precision) if labels else None)
    request = ExportRequest(kind, out or to, link, full_names, write_originals, overwrite, dry_run)
    report = export_images(selection, request)
    document = {**asdict(report), "dim": opened.dim}
    answer(as_json, document, "\n".join(map(plain, report.text().splitlines())))
    if report.failed:
        sys.exit(1)


def _labels(collection: "Collection", spec: str, runtime: str | None, precision: str | None) -> "Labels":
    from index.cli.label import class_text
    from index.export.labels import labels_of, labels_of_result
    from index.label import LabelRequest, label_collection
    from index.storage.manifest import precision_of
    from training.models.encoders import load_encoder
    from training.models.prompts import template_set
    from training.models.zero_shot import parse_classes

    found = labels_of(collection, spec)
    if found is not None:
        return found
    request = LabelRequest(tuple(parse_classes(class_text(spec))), tuple(template_set("photo")))
    encoder = load_encoder(collection.encoder_name, runtime, precision_of(collection.manifest, precision))
    return labels_of_result(label_collection(collection, encoder, request))
