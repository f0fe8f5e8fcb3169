"""python -m training curate: a balanced set of image-text pairs."""

from pathlib import Path

import click

from training.data.tables.flags import table_options
from training.data.tables.options import TableOptions
from training.models.console import print_json
from training.models.errors import UserError


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--queries",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A text file with one query per line.",
)
@click.option("--per-query", default=20_000, show_default=True, type=click.IntRange(1), help="Maximum pairs per query.")
@click.option(
    "--into", required=True, type=click.Path(path_type=Path, file_okay=False), help="A new folder for the shards."
)
@click.option("--shard-size", default=10_000, show_default=True, type=click.IntRange(1), help="Pairs per tar file.")
@table_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def curate(
    sources: tuple[str, ...],
    queries: Path,
    per_query: int,
    into: Path,
    shard_size: int,
    as_json: bool,
    tables: TableOptions,
) -> None:
    """Make a balanced set of image-text pairs, as in CLIP: a maximum number of pairs for each query.

    Images whose captions contain a query are written to tar shards, at most --per-query for each query.
    """
    from training.data.curate import Queries
    from training.data.curate import curate as make

    try:
        wanted = Queries(queries.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{queries} cannot be read as text: {error}.") from error
    report = make(sources, wanted, per_query, into, shard_size, tables=tables)
    document = report.as_dict()
    if as_json:
        print_json(document)
        return
    click.echo(
        f"{report.kept:,} of {report.seen:,} pairs kept in {report.shards:,} shards ({report.without_query:,} have no "
        f"query, {report.over:,} only full ones, {report.unreadable:,} cannot be read); "
        f"{document['queries_without_pairs']:,} of {document['queries']:,} queries have none. Counts: "
        f"{into / 'counts.csv'}"
    )
