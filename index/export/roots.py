"""Where on this computer the files of a source lie."""

from pathlib import Path

from training.data.remote import ADDRESS
from training.data.sources import TABLES


def source_root(source: str) -> Path | None:
    """The folder that a source's paths begin at, or None if its images are no files."""
    if ADDRESS in source:
        return None
    place = Path(source)
    if place.is_dir():
        return place
    return place.parent if place.suffix.lower() in TABLES else None
