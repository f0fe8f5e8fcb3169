"""The files of a collection and the columns of its rows, by name."""

import re
from pathlib import Path
from typing import Literal, TypeAlias, get_args

MANIFEST, FAILURES = "manifest.json", "failures.csv"
FAILURE_COLUMNS = ("source", "path", "kind", "reason")
INDEX_FILE, INDEX_JSON = "search.faiss", "search.json"  # derived from the segments
UNDO = "undo"  # a folder: the rows that the last removal took away
TEXT_INDEX = "text.arrow"  # derived from the segments too
NAME_IN_UTF8 = "give the collection a folder whose path is"  # what works where a collection's path is no UTF-8
LONGEST_INSIDE = 100  # characters that the longest path inside a collection adds to that of its folder
COPIES, SIMILAR_SHOTS = "copies.arrow", "similar.arrow"  # derived from the segments and the thumbnails
Tier: TypeAlias = Literal["same", "similar"]  # of copies: the same image, or similar shots too
TIERS: tuple[Tier, ...] = get_args(Tier)
GENERATIONS = "generations"  # a folder: the same images by other encoders, see storage/generations.py
Place: TypeAlias = tuple[str, str]  # source and path of a row: what tells it from all others

ID_LENGTH = 16
ID = re.compile(r"[0-9a-f]{16}")  # of an image; its copies share it

REQUIRED_COLUMNS = ("id", "source", "path", "width", "height", "bytes", "modified", "hash", "caption")
LOCAL_COLUMNS = ("source",)  # say where on this computer images lie
OFFLINE = "offline"  # a column that is not stored: whether a row was out of reach at the last build of its source
STAMP = "stamp"
FROM_PREVIEW = "preview"  # a stamp that no file has: embedded from its thumbnail, so that a build reads the file again
BUILD_COLUMNS = (STAMP, "pixel_hash")  # for the next build, of no interest to people


def thumbnail_path(folder: Path, id: str) -> Path:
    """Where the thumbnail of the image called id lies; copies share one."""
    if not ID.fullmatch(id):
        raise ValueError(f"{id!r} is not an id")
    return folder / "thumbnails" / id[:2] / f"{id}.webp"
