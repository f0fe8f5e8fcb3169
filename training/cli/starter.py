"""python -m training starter: fit the bridge of the embedded default encoder."""

from pathlib import Path

import click


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file of the weights.")
@click.option("--clipart", type=click.Path(path_type=Path), help="The PNG files of Debian's openclipart-png.")
@click.option(
    "--run", type=click.Path(path_type=Path, file_okay=False), help="Store the run here, so that it can be resumed."
)
def starter(out: Path, clipart: Path | None, run: Path | None) -> None:
    """Fit the bridge of `starter`, the embedded default encoder, deterministically."""
    from training.starter.bridge import CLIPART, fit_bridge

    fit_bridge(out, clipart or CLIPART, say=lambda text: click.echo(text, err=True), run=run)
    click.echo(f"Written to {out}. Its model card is training/models/starter.md")
