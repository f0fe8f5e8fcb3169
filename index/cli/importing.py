"""python -m index import: a collection from embeddings that another program computed."""

from dataclasses import asdict
from pathlib import Path

import click

from index.cli.options import ENCODER_HELP, as_json_option, run_options
from training.models.console import ProgressLine, answer


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--into", required=True, type=click.Path(path_type=Path), help="Folder of the new collection.")
@click.option("--encoder", help=f"The encoder that computed the embeddings: {ENCODER_HELP}")
@as_json_option
@run_options
def import_(
    folder: Path, into: Path, encoder: str | None, as_json: bool, runtime: str | None, precision: str | None
) -> None:
    """Import embeddings of clip-retrieval or autofaiss as a collection.

    FOLDER contains img_emb/ and metadata/, or a FAISS index with metadata/. No image is embedded again. Without
    --encoder, text queries are not possible; use search DIR --like ID, or --vector FILE.
    """
    from index.maintenance.importing import import_vectors
    from training.models.encoders import load_encoder

    loaded = load_encoder(encoder, runtime, precision) if encoder else None
    line = ProgressLine("Importing", as_json)
    result = import_vectors(folder, into, loaded, progress=line.show)
    line.close()
    counts = f"{result.images:,} imported, {result.thumbnails:,} with a thumbnail"
    text = f"{counts}; {result.failed:,} have no valid embedding."
    if loaded is None:
        text += (
            "\nTheir encoder is not known, so text queries are not possible; search with --like ID or --vector FILE."
        )
    else:
        text += f"\nNext: python app.py --collection {into}"
    answer(as_json, asdict(result), text)
