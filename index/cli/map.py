"""python -m index map: every image at a place in the plane, near to images of similar embeddings."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from index.storage.tables import csv_of
from training.models.console import answer, written_to


@click.command("map")
@collection_argument
@click.option("--method", type=click.Choice(["pca", "umap"]), default="pca", show_default=True, help="The projection.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write id, path, x and y as CSV.")
@as_json_option
def map_command(collection: Path, method: str, out: Path | None, as_json: bool) -> None:
    """Project the embeddings of DIR into the plane, as tab Map shows them.

    It is said how many of the 10 nearest images by embedding are among the 10 nearest in the plane.
    """
    from index.collection import Collection
    from index.projection.projection import load_map, make_pca, make_umap
    from training.models.atomic import write_file

    opened = Collection.open(collection)
    found = load_map(opened, method) or (make_umap(opened) if method == "umap" else make_pca(opened))
    document = {"method": method, "images": len(opened), "explained": found.explained, "preserved": found.preserved}
    if out is not None:
        x, y = found.points.T
        with written_to(out):
            write_file(out, csv_of(opened.frame(["id", "path"]).assign(x=x, y=y)))
        document["out"] = str(out)
    kept = "unknown" if found.preserved is None else f"{found.preserved:.0%}"
    lines = [f"{len(opened):,} images by {method.upper()}; neighbours preserved: {kept}"]
    answer(as_json, document, "\n".join([*lines, *([f"Written to {out}"] if out else [])]))
