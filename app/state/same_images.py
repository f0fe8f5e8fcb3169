"""The open collections of the same images, each embedded by an encoder of its own, and the names of these."""

from pathlib import Path

from app.state.library import Library
from app.state.open_collection import OpenCollection


def same_images(library: Library, first: OpenCollection) -> list[OpenCollection]:
    """first, and the others that hold at least half of its images; generations that are open are among them."""
    ids = set(first.published().column("id"))
    others = [one for one in library.comparable() if one.key != first.key and one.collection is not None]
    shared = [one for one in others if len(ids & set(one.published().column("id"))) * 2 >= len(ids)]
    return [first, *shared]


def is_run(name: str) -> bool:
    """Whether an encoder is a run on this disk, wherever it lies."""
    return (Path(name) / "config.json").is_file()


def encoder_label(opened: OpenCollection) -> str:
    """The encoder of a collection as the page shows it: a run by its name, without the folders above it."""
    return Path(opened.encoder_name).name if is_run(opened.encoder_name) else opened.encoder_name
