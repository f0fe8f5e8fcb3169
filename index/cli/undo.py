"""python -m index undo: take the last action back."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import answer, plain


@click.command()
@collection_argument
@as_json_option
def undo(collection: Path, as_json: bool) -> None:
    """Undo the last tag that was given or taken away in DIR, the last `remove` or `duplicates --move`.

    Again, and it undoes the one before it. Of removals only the last one can be undone.
    """
    from index.maintenance.undo import undo_last

    done = undo_last(collection)
    answer(as_json, {"undone": done}, plain(done))
