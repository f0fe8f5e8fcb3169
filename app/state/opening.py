"""What is open when the server starts: the collections of the command line, or the demo."""

from collections.abc import Sequence
from pathlib import Path

import click

from app.state.indexing import build_of, build_of_demo
from app.state.library import Library
from index.ingest.demo import SUGGESTIONS, demo_folders
from index.ingest.opening import check_has_images
from index.storage.cached import cached_collection


def open_collections(library: Library, collections: Sequence[Path], images: Path | None, encoder: str | None) -> None:
    """Open the collections and the folder of images, or the demo if there are none.

    encoder: by name; None for the one that each collection was built with, or the embedded default. UserError for
    a collection or a folder that does not exist.
    """
    for path in collections:
        library.add(path.expanduser(), encoder)
    name = encoder or "starter"
    if images is not None:
        folder = images.expanduser()
        check_has_images(folder)
        title = folder.resolve().stem or "images"
        library.add_built(title, cached_collection(title, folder, name), name, build_of(folder, click.echo))
    if not library.collections():
        images, into = demo_folders(name)
        demo = library.add_built("demo", into, name, build_of_demo(images), tuple(SUGGESTIONS))
        library.demo = demo.key
