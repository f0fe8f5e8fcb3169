"""python -m index import: a collection out of vectors that another program made."""

from dataclasses import asdict
from pathlib import Path

import click

from index.cli.options import ENCODER_HELP, as_json_option, run_options
from training.models.console import ProgressLine, answer


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--into", required=True, type=click.Path(path_type=Path), help="The collection's folder, which is new.")
@click.option("--encoder", help=f"What made the vectors: {ENCODER_HELP}")
@as_json_option
@run_options
def import_(
    folder: Path, into: Path, encoder: str | None, as_json: bool, runtime: str | None, precision: str | None
) -> None:
    """Make a collection of what clip-retrieval or autofaiss left in FOLDER, without embedding anything.

    FOLDER holds img_emb/ and metadata/, or a FAISS index with metadata/. Without --encoder the vectors
    can be searched by vectors only: search DIR --like ID, or --vector FILE.
    """
    from index.maintenance.importing import import_vectors
    from training.models.encoders import load_encoder

    loaded = load_encoder(encoder, runtime, precision) if encoder else None
    line = ProgressLine("Importing", as_json)
    result = import_vectors(folder, into, loaded, progress=line.show)
    line.close()
    text = f"{result.images:,} imported, {result.previews:,} with a preview; {result.failed:,} have no direction."
    if loaded is None:
        text += "\nWhat made them is not known, so words find nothing in them; search by --like ID or --vector FILE."
    else:
        text += f"\nNext: python app.py --collection {into}"
    answer(as_json, asdict(result), text)
