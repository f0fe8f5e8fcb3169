"""python -m index info: what a collection holds, what made it, and how it is searched."""

from pathlib import Path

import click

from index.command.options import as_json_option, collection_argument
from training.models.console import answer


@click.command()
@collection_argument
@as_json_option
def info(collection: Path, as_json: bool) -> None:
    """What DIR holds, what made it, and how it is searched."""
    from index.collection import Collection
    from index.nearest import load_nearest

    opened = Collection.open(collection)
    nearest = load_nearest(opened).facts
    document = {**opened.info(), "search": {k: v for k, v in nearest.items() if k != "revision"}}
    recall = nearest["recall_at_10"]
    text = (
        f"{document['name']}: {document['images']:,} pictures, {document['failed']:,} that could not be read\n"
        f"encoder   {document['encoder']} ({document['fingerprint'][:8]}), {document['dim']} numbers a picture, "
        f"{document['runtime']} {document['precision']}\n"
        f"search    {nearest['kind']}" + (f", recall at 10 measured: {recall:.3f}\n" if recall is not None else "\n")
    )
    text += f"on disk   {document['bytes'] / 1e6:,.1f} MB in {document['segments']} segments\n"
    text += f"columns   {', '.join(document['columns'])}"
    answer(as_json, document, text)
