"""python -m training zoo: train and measure the small encoders that come with Gelato."""

from pathlib import Path

import click

from training.models.console import answer
from training.models.registry import pick


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--seeds", default=3, show_default=True, type=click.IntRange(1), help="Runs of each; the first is stored."
)
@click.option("--steps", type=click.IntRange(1), help="Steps of each run. [default: those of the published table]")
@click.option(
    "--out",
    default=Path("runs/zoo"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def zoo(names: tuple[str, ...], seeds: int, steps: int | None, out: Path, as_json: bool) -> None:
    """Train the encoders NAMES of the zoo, or all: one tower, the same images and steps, ten methods.

    Prints their figures on held-out images, with 95 % intervals over the seeds, and the minutes of processor time.
    OUT/NAME holds the encoder of the first seed, half as large, which opens by that path: --encoder OUT/simclr.
    Finished runs are reused, so a second call continues the first.
    """
    from training.comparison.table import markdown
    from training.models import zoo as shipped
    from training.zoo.build import build_zoo

    entries = {model.name: model for model in shipped.entries()}
    chosen = [pick("encoder of the zoo", name.removeprefix("zoo/"), entries) for name in names]
    results = build_zoo(chosen or list(entries.values()), seeds, steps, out, lambda text: click.echo(text, err=True))
    click.echo(f"Written to {out}: an encoder in each folder, results.json.", err=True)
    answer(as_json, results, markdown(results))
