"""python -m index map: every image at a place in the plane, near to images of similar embeddings."""

from pathlib import Path
from typing import Any

import click

from index.cli.options import as_json_option, collection_argument, run_options
from index.storage.tables import csv_of
from training.models.console import answer, written_to
from training.models.errors import UserError


@click.command("map")
@collection_argument
@click.option("--method", type=click.Choice(["pca", "umap"]), default="pca", show_default=True, help="The projection.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write id, path, x and y as CSV.")
@click.option("--colour-by", metavar="COLUMN", help="Write what the values of a column are as colour.")
@click.option(
    "--colour-text", metavar="TEXT", help="Or the similarity to a text; of several, with commas, the nearest."
)
@run_options
@as_json_option
def map_command(
    collection: Path,
    method: str,
    out: Path | None,
    colour_by: str | None,
    colour_text: str | None,
    runtime: str | None,
    precision: str | None,
    as_json: bool,
) -> None:
    """Project the embeddings of DIR into the plane, as tab Map shows them.

    It is said how many of the 10 nearest images by embedding are among the 10 nearest in the plane. A colour is the
    name of a class, or how far along the scale of the map an image lies, from 0 to 1.
    """
    from index.collection import Collection
    from index.projection.colouring import by_column, by_text
    from index.projection.projection import load_map, make_pca, make_umap
    from index.storage.manifest import precision_of
    from training.models.atomic import write_file
    from training.models.encoders import load_encoder

    if colour_by is not None and colour_text is not None:
        raise UserError("--colour-by and --colour-text are two ways to colour; give one.")
    opened = Collection.open(collection)
    found = load_map(opened, method) or (make_umap(opened) if method == "umap" else make_pca(opened))
    document = {"method": method, "images": len(opened), "explained": found.explained, "preserved": found.preserved}
    columns: dict[str, Any] = {"x": found.points[:, 0], "y": found.points[:, 1]}
    if colour_by is not None:
        columns["colour"] = by_column(opened.items, colour_by).values
    elif colour_text is not None:
        encoder = load_encoder(opened.encoder_name, runtime, precision_of(opened.manifest, precision))
        opened.check_encoder(encoder)
        columns["colour"] = by_text(opened, encoder, colour_text).values
    if out is not None:
        with written_to(out):
            write_file(out, csv_of(opened.frame(["id", "path"]).assign(**columns)))
        document["out"] = str(out)
    kept = "unknown" if found.preserved is None else f"{found.preserved:.0%}"
    lines = [f"{len(opened):,} images by {method.upper()}; neighbours preserved: {kept}"]
    answer(as_json, document, "\n".join([*lines, *([f"Written to {out}"] if out else [])]))
