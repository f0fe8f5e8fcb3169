"""python -m index duplicates: images that are there more than once."""

from pathlib import Path

import click

from index.cli.options import as_json_option, collection_argument
from index.storage.tables import csv_of
from training.models.console import ProgressLine, answer, plain
from training.models.errors import UserError


@click.command()
@collection_argument
@click.option("--near", type=float, help="Cosine from which two files are compared by their pixels.  [default: 0.7]")
@click.option("--exact", is_flag=True, help="Only files that are the same byte for byte.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the table goes, as CSV.")
@as_json_option
def duplicates(collection: Path, near: float | None, exact: bool, out: Path | None, as_json: bool) -> None:
    """Find images that DIR holds more than once, and say which to keep. Nothing is removed.

    Same file: the same bytes. Same image: saved again or resized. Vectors that are near only propose a
    pair; it counts if its pixels agree too, since two images of one scene are similar and no duplicates.
    Kept is the one with most pixels, then most bytes, then the oldest.
    """
    from index.collection import Collection
    from index.duplicates import NEAR, find_duplicates, report
    from training.models.atomic import write_file

    opened = Collection.open(collection)
    line = ProgressLine("Comparing", as_json)
    groups = find_duplicates(opened, near=None if exact else near or NEAR, progress=line.show)
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
        "near": None if exact else near or NEAR,
        "images": table.to_dict("records"),
    }
    answer(as_json, document, "\n".join(lines))
