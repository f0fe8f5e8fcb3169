"""python -m index build | search | label | info | ...: collections of images from the command line."""

import click

from index.cli.backup import backup, restore
from index.cli.bench import bench
from index.cli.build import build
from index.cli.compare import compare
from index.cli.demo import demo
from index.cli.duplicates import duplicates
from index.cli.export import export
from index.cli.generations import generations
from index.cli.importing import import_
from index.cli.info import info
from index.cli.label import label
from index.cli.map import map_command
from index.cli.models import models
from index.cli.reencode import reencode
from index.cli.remove import remove
from index.cli.search import search
from index.cli.undo import undo
from index.cli.verify import verify
from training.models.console import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Build collections of image embeddings; search and label the images by text.

    \b
      python -m index build ~/Images --into photos.gelato
      python -m index search photos.gelato "a dog asleep on a sofa"
      python -m index label photos.gelato --classes "cat,dog,horse"
    """


for command in (
    build,
    search,
    label,
    compare,
    map_command,
    info,
    verify,
    reencode,
    generations,
    remove,
    undo,
    backup,
    restore,
    duplicates,
    export,
    import_,
    models,
    demo,
    bench,
):
    cli.add_command(command)


if __name__ == "__main__":
    cli(prog_name="python -m index")
