"""python -m index backup and restore: copies of tags and corrections."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import answer

file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")


@click.command()
@collection_argument
@file_argument
@as_json_option
def backup(collection: Path, file: Path, as_json: bool) -> None:
    """Copy the tags and corrections of DIR to FILE, while others may go on to work with DIR.

    The copy also has by what each image is known again: hashes, places and when it was first seen. It has neither
    embeddings nor thumbnails, which a build makes again from the images.
    """
    from index.maintenance.backup import back_up

    found = back_up(collection, file)
    answer(as_json, {"file": str(file), **found}, f"{_text(found)} were copied to {file}.")


@click.command()
@collection_argument
@file_argument
@as_json_option
def restore(collection: Path, file: Path, as_json: bool) -> None:
    """Replace the tags and corrections of DIR by those of FILE, which `backup` made.

    DIR may also be a new folder, for a build with another encoder, or another collection of the same images. What was
    there before is kept in DIR/annotations-before-restore.sqlite.
    """
    from index.maintenance.backup import restore as restore_annotations

    found = restore_annotations(collection, file)
    answer(as_json, {"collection": str(collection), **found}, f"{_text(found)} are in {collection} now.")


def _text(found: dict[str, int]) -> str:
    return f"{found['tags']:,} tags of {found['tagged']:,} images and {found['corrections']:,} corrections"
