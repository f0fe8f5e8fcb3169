"""python -m index duplicates: images that are there more than once."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from index.cli.options import as_json_option, collection_argument
from index.storage.layout import TIERS
from index.storage.tables import csv_of
from training.models.console import ProgressLine, answer, plain
from training.models.errors import UserError

if TYPE_CHECKING:
    from index.copies.groups import Tier


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
@as_json_option
def duplicates(collection: Path, tier: "Tier", exact: bool, out: Path | None, as_json: bool) -> None:
    """Find duplicates in DIR and propose which to keep; nothing is removed.

    "Same file" means identical bytes. "Same image" means that the image was saved again, in another size, quality or
    format, or with other metadata. "Similar shot" means that it was also cut, coloured or written over, or is the next
    shot of a series. Pixels decide, not embeddings alone. Every copy was compared with the one to keep, which has
    the most pixels, then the most bytes, then the most metadata, then is the oldest.
    """
    from index.collection import Collection
    from index.duplicates import find_duplicates, report
    from training.models.atomic import write_file

    opened = Collection.open(collection)
    line = ProgressLine("Comparing", as_json)
    groups = find_duplicates(opened, None if exact else tier, line.show)
    line.close()
    table = report(opened, groups)
    lines = []
    for row in table.itertuples():
        mark = "keep  " if row.keep else "  copy"
        lines.append(plain(f"{mark} {row.id}  {row.width} x {row.height}  {row.bytes:,} bytes  {row.path}"))
        lines += [f"       {row.kind}: {row.why}"] if row.keep else []
    extra = len(table) - len(groups)
    spare = int(table.loc[~table["keep"].astype(bool), "bytes"].sum()) if len(table) else 0
    lines.append(f"{len(groups):,} images have {extra:,} copies, {spare / 1e6:,.1f} MB in all.")
    if out is not None:
        try:
            write_file(out, csv_of(table))
        except OSError as error:
            raise UserError(f"{out} cannot be written: {error.strerror}.") from error
        lines.append(f"Written to {out}")
    document = {
        "groups": len(groups),
        "copies": extra,
        "bytes": spare,
        "tier": "exact" if exact else tier,
        "images": table.to_dict("records"),
    }
    answer(as_json, document, "\n".join(lines))
