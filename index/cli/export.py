"""python -m index export: a collection as files for other programs."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import answer


@click.command()
@collection_argument
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["npy", "clip-retrieval", "csv"]),
    default="npy",
    show_default=True,
    help="npy: vectors.npy and items.parquet; clip-retrieval: img_emb/ and metadata/; csv: a table without embeddings.",
)
@as_json_option
def export(collection: Path, out: Path, kind: str, as_json: bool) -> None:
    """Export the embeddings and metadata of DIR to the new folder or file OUT."""
    from index.collection import Collection
    from index.maintenance.export import export_collection

    opened = Collection.open(collection)
    files = export_collection(opened, out, kind)
    document = {"out": str(out), "images": len(opened), "dim": opened.dim, "files": files}
    answer(as_json, document, f"{len(opened):,} images written to {out}: {', '.join(files[:6])}")
