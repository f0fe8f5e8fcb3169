"""python -m index duplicates: images that are there more than once."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from index.cli.options import as_json_option, collection_argument
from index.storage.layout import TIERS
from index.storage.tables import csv_of
from training.models.console import ProgressLine, answer, plain, written_to
from training.models.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from index.copies.groups import Tier
    from index.duplicates import Group


@click.command()
@collection_argument
@click.option(
    "--tier",
    type=click.Choice(TIERS),
    default="same",
    show_default=True,
    help="Report copies of the same image, or similar shots too.",
)
@click.option("--exact", is_flag=True, help="Only report files with identical bytes.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the table to this CSV file.")
@click.option(
    "--move",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Move all but the best copy of each group to FOLDER, with their sidecars.",
)
@click.option("--dry-run", is_flag=True, help="With --move: only print what would be moved.")
@click.option("--undo", is_flag=True, help="Put back what the last --move moved.")
@as_json_option
def duplicates(
    collection: Path,
    tier: "Tier",
    exact: bool,
    out: Path | None,
    folder: Path | None,
    dry_run: bool,
    undo: bool,
    as_json: bool,
) -> None:
    """Find duplicates in DIR and propose which to keep; nothing is deleted.

    "Same file" means identical bytes. "Same image" means that the image was saved again, in another size, quality or
    format, or with other metadata. "Similar shot" means that it was also cut, coloured or written over, or is the next
    shot of a series. Pixels decide, not embeddings alone. Every copy was compared with the one to keep, which has
    the most pixels, then the most bytes, then the most metadata, then is the oldest.
    """
    if (dry_run and folder is None) or (undo and (folder is not None or out is not None)):
        raise UserError("--dry-run goes with --move FOLDER, and --undo with neither of them.")
    if undo:
        from index.copies.returning import undo_move

        done = undo_move(collection)
        answer(as_json, {"undone": done}, plain(done))
        return
    from index.collection import Collection
    from index.duplicates import find_duplicates, report
    from training.models.atomic import write_file

    opened = Collection.open(collection)
    line = ProgressLine("Comparing", as_json)
    groups = find_duplicates(opened, None if exact else tier, line.show)
    line.close()
    if folder is not None:
        _move(collection, groups, folder, dry_run, as_json)
        return
    table = report(opened, groups)
    extra = len(table) - len(groups)
    spare = int(table.loc[~table["keep"].astype(bool), "bytes"].sum()) if len(table) else 0
    lines = [*_lines(table), f"{len(groups):,} images have {extra:,} copies, {spare / 1e6:,.1f} MB in all."]
    if out is not None:
        with written_to(out):
            write_file(out, csv_of(table))
        lines.append(f"Written to {out}")
    found = {"groups": len(groups), "copies": extra, "bytes": spare, "tier": "exact" if exact else tier}
    answer(as_json, {**found, "images": table.to_dict("records")}, "\n".join(lines))


def _lines(table: "pd.DataFrame") -> Iterator[str]:
    """A copy a line; below the one to keep, what the others are."""
    for row in table.itertuples():
        mark = "keep  " if row.keep else "  copy"
        yield plain(f"{mark} {row.id}  {row.width} x {row.height}  {row.bytes:,} bytes  {row.path}")
        if row.keep:
            yield f"       {row.kind}: {row.why}"


def _move(collection: Path, groups: "list[Group]", folder: Path, dry_run: bool, as_json: bool) -> None:
    from index.copies.moving import move_copies

    moved = move_copies(collection, groups, folder, dry_run)
    lines = [plain(f"  {entry.old} -> {entry.new}") for entry in moved.moved] if dry_run else []
    answer(as_json, moved.as_dict(), "\n".join([*lines, *map(plain, moved.text().split("\n"))]))
    if moved.failed:
        raise SystemExit(1)
