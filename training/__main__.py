"""python -m training: what makes encoders. For now the bridge of the embedded default."""

from pathlib import Path

import click

from training.models.console import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train the encoders that search and label pictures.

    \b
      python -m training starter --out bridge.safetensors
    """


@cli.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="Where the weights go.")
@click.option("--clipart", type=click.Path(path_type=Path), help="The PNG files of Debian's openclipart-png.")
def starter(out: Path, clipart: Path | None) -> None:
    """Fit the bridge of `starter`, the embedded default, again: the same numbers each time."""
    from training.bridge import CLIPART, fit_bridge

    fit_bridge(out, clipart or CLIPART, say=lambda text: click.echo(text, err=True))
    click.echo(f"Written to {out}. Its model card is training/models/starter.md")


if __name__ == "__main__":
    cli(prog_name="python -m training")
