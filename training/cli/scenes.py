"""python -m training scenes: write generated scenes to files, draw a contact sheet, and audit the pairs."""

import time
from pathlib import Path

import click

from training.data.scenes.files import contact_sheet, write_scenes
from training.data.scenes.source import SceneSource
from training.models.atomic import write_file
from training.models.console import ProgressLine, print_json, say, written_to
from training.models.errors import UserError


@click.group()
def scenes() -> None:
    """Generated images with captions and complete ground truth as columns.

    Most commands take scenes:N as a source; write files for other programs.
    """


@scenes.command()
@click.argument("source")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="A new folder.")
@click.option("--format", "kind", type=click.Choice(["parquet", "tar"]), default="parquet", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def make(source: str, out: Path, kind: str, as_json: bool) -> None:
    """Write SOURCE (scenes:N or scenes:N?seed=1&association=1) as parquet files or tar shards."""
    made = SceneSource.of(source)
    if out.exists() and any(out.iterdir()):
        raise UserError(f"{out} is not empty; name a new folder.")
    started, progress = time.monotonic(), ProgressLine("Scenes")
    files = write_scenes(made, out, kind, progress.show)
    progress.close()
    seconds = time.monotonic() - started
    if as_json:
        print_json({"scenes": len(made), "files": files, "seconds": round(seconds, 2), "source": made.name})
    else:
        click.echo(
            f"{len(made):,} scenes in {files} file{'s' * (files > 1)}, {len(made) / seconds:,.0f} per second. Next: ",
            nl=False,
        )
        say(f"python -m training clip --data {out} --out runs/scenes")


@scenes.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A WebP file.")
@click.option("--seed", default=0, show_default=True)
def sheet(out: Path, seed: int) -> None:
    """Draw a contact sheet of scenes with their captions."""
    with written_to(out):
        write_file(out, contact_sheet(seed))
    click.echo(f"Written to {out}.")


@scenes.command()
@click.option("--pairs", default=500, show_default=True, help="Pairs of each kind.")
@click.option("--seed", default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def audit(pairs: int, seed: int, as_json: bool) -> None:
    """Check the tests of pairs: an oracle must score 100 %, and a text-only classifier about 50 %."""
    from training.data.scenes.contrasts import audit as measure

    report = measure(seed, pairs)
    if as_json:
        print_json(report)
        return
    for kind, figures in report.items():
        click.echo(f"{kind:18} oracle {figures['oracle']:.1%}   blind {figures['blind']:.1%}   n {figures['n']:.0f}")
