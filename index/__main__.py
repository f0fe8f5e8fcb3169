"""python -m index build | search | label | info | ...: collections of pictures from the command line."""

import click

from index.command.bench import bench
from index.command.build import build
from index.command.demo import demo
from index.command.duplicates import duplicates
from index.command.export import export
from index.command.importing import import_
from index.command.info import info
from index.command.label import label
from index.command.remove import remove
from index.command.search import search
from index.command.verify import verify
from training.models.console import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Collections of pictures: embed them once, then search and label them by words.

    \b
      python -m index build ~/Pictures --into photos.gelato
      python -m index search photos.gelato "a dog asleep on a sofa"
      python -m index label photos.gelato --classes "cat,dog,horse"
    """


for command in (build, search, label, info, verify, remove, duplicates, export, import_, demo, bench):
    cli.add_command(command)


if __name__ == "__main__":
    cli(prog_name="python -m index")
