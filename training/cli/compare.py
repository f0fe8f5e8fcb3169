"""python -m training compare: evaluate several encoders, and train those that are given as methods."""

from pathlib import Path

import click

from training.data.tables.flags import table_options
from training.data.tables.options import TableOptions
from training.methods import METHODS
from training.models.console import answer
from training.models.errors import UserError
from training.models.registry import pick


@click.command()
@click.argument("encoders", nargs=-1)
@click.option("--data", required=True, metavar="SOURCE", help="The test images.")
@click.option("--train", metavar="SOURCE", help="The training images of methods, k-NN and linear probes.")
@table_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the table, the figures, and the runs of --methods.",
)
@click.option("--suite", help="Comma-separated probes. [default: those that encoder and data allow]")
@click.option("--methods", help="Comma-separated methods to train first, all on --train with the same settings.")
@click.option("--seeds", default=1, show_default=True, help="Runs of each method, from seed 0 on.")
@click.option(
    "--with",
    "settings",
    multiple=True,
    metavar="OPTION=VALUE",
    help="A setting of every run, such as steps=500, or of one method: clip:multi-positive.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def compare(
    encoders: tuple[str, ...],
    data: str,
    train: str | None,
    tables: TableOptions,
    out: Path | None,
    suite: str | None,
    methods: str | None,
    seeds: int,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Evaluate ENCODERS with the same probes, each with those that it allows, and print a table.

    \b
    ENCODERS are run directories, starter, open_clip's names (ViT-B-32/laion2b_s34b_b79k) and timm's
    (resnet18.a1_in1k). With --out, the table is also written there as
    Markdown, JSON and CSV, with figures; what is there already is not trained or measured again.

    \b
      python -m training compare runs/simclr runs/clip starter --data held-out.parquet --train train.parquet
      python -m training compare --methods simclr,byol,supervised --seeds 3 --with steps=500 --with tower=tiny-resnet
          --train train.parquet --data held-out.parquet --out comparison
    """
    from training.comparison.figures import write_figures
    from training.comparison.measure import measure
    from training.comparison.table import document, markdown, write_table
    from training.comparison.training import train_run
    from training.evaluation.suite import parse_suite

    if suite is not None:
        parse_suite(suite)
    names = [name.strip() for name in (methods or "").split(",") if name.strip()]
    for name in names:
        pick("method", name, METHODS)
    if names and train is None:
        raise UserError("Methods are trained on --train; name a source that does not contain the test images.")
    if names and out is None:
        raise UserError("Methods are trained into --out; name a folder for their runs, the table and the figures.")
    if not names and not encoders:
        raise click.UsageError("Missing argument 'ENCODERS' or option '--methods'.")
    runs = [
        train_run(name, seed, str(train), data, out / "runs" / f"{name}-{seed}", settings, tables)
        for seed in range(seeds)
        for name in names
        if out is not None
    ]
    cache = None if out is None else out / "measured.json"
    measured = [
        measure(name, data, train, suite, cache, lambda text: click.echo(text, err=True), tables)
        for name in [*encoders, *map(str, runs)]
    ]
    comparison = document([one.entry for one in measured], {"data": data, "train": train, "settings": list(settings)})
    if out is not None:
        write_table(comparison, out)
        figures = write_figures(measured, out)
        click.echo(f"Written to {out}: table.md, table.json, table.csv, {', '.join(figures)}.", err=True)
    answer(as_json, comparison, markdown(comparison))
