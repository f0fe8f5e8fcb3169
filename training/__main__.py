"""python -m training METHOD | resume | evaluate | ...: pretrain encoders and measure them."""

import click

from training.cli.claims import claims
from training.cli.compare import compare
from training.cli.curate import curate
from training.cli.doctor import doctor
from training.cli.evaluate import evaluate
from training.cli.export import export
from training.cli.lesson import lesson
from training.cli.listing import listing
from training.cli.methods import Methods
from training.cli.report import report
from training.cli.resume import resume
from training.cli.scenes import scenes
from training.cli.starter import starter
from training.cli.torchrun import torchrun
from training.cli.zoo import zoo


@click.group(cls=Methods, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train the encoders that search and label images.

    \b
      python -m training clip --data images.parquet --caption "a photo of a {label}" --out runs/first
      python -m training resume runs/first
      python -m index build ~/Images --into photos.gelato --encoder runs/first
    """


COMMANDS = (
    listing,
    resume,
    torchrun,
    doctor,
    report,
    curate,
    export,
    starter,
    evaluate,
    claims,
    lesson,
    compare,
    scenes,
    zoo,
)
for command in COMMANDS:
    cli.add_command(command)


if __name__ == "__main__":
    cli(prog_name="python -m training")
