"""python -m training report: a run's report as one HTML file."""

from pathlib import Path

import click

from training.models.console import written_to


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", metavar="SOURCE", help="Held-out images for nearest neighbours. [default: those of --evaluate]")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The HTML file. [default: RUN/report.html]"
)
def report(run: Path, data: str | None, out: Path | None) -> None:
    """Write the report of RUN: curves, evaluation, nearest neighbours and diagnosis in one HTML file.

    A run that ends writes it by itself, unless it has --no-report.
    """
    from training.run_report.page import write_report

    with written_to(out or run):
        path = write_report(run, data, out)
    click.echo(f"Written to {path}.")
