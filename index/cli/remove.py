"""python -m index remove: take images out of a collection."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from training.models.console import answer, plain


@click.command()
@collection_argument
@click.option("--id", "ids", multiple=True, help="The id of an image, as search prints it; may be repeated.")
@click.option("--where", help='Filter over the columns, in pandas query syntax: "width < 64".')
@click.option("--forget", is_flag=True, help="Also delete their tags and corrections, which otherwise wait for them.")
@click.option("--dry-run", "dry", is_flag=True, help="Only print which images would be removed.")
@as_json_option
def remove(collection: Path, ids: tuple[str, ...], where: str | None, forget: bool, dry: bool, as_json: bool) -> None:
    """Remove images from the collection DIR; the image files are not deleted.

    A later build adds them again, with their tags and corrections, if their source still contains them. To exclude
    them for good, delete the files. An id names all copies of an image, a filter the files that it holds for.
    """
    from index.maintenance.remove import remove_images

    result = remove_images(collection, ids, where, dry=dry, forgetting=forget)
    lines = [plain(path) for path in result.paths] if dry else []
    done = "would be removed" if dry else "removed"
    lines.append(f"{result.removed:,} images {done}; {result.images:,} {'would stay' if dry else 'stay'}.")
    if forget and not dry:
        lines.append(f"The tags and corrections of {result.forgotten:,} images were deleted.")
    answer(as_json, result.as_dict(), "\n".join(lines))
