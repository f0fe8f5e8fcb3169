"""Whether a file still shows the image that a build saw: else tags and labels would go to another image."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from index.ingest.pixel_hash import PixelHash, decoded_pixel_hash, pixel_hash
from training.data.folder import read_file
from training.models.decoding import MOST_MEGAPIXELS, decode_image
from training.models.errors import UserError

CHANGED = "it shows another image since the last build; build again"


@dataclass(frozen=True)
class Built:
    """A row's stamp and hashes, "" where they are not known, and the limit of its build."""

    stamp: str
    hash: str
    pixel_hash: str
    most_megapixels: float = MOST_MEGAPIXELS


def has_changed(file: Path, built: Built) -> bool:
    """Whether file shows another image than at the last build. A change of metadata is none.

    OSError if it cannot be read.
    """
    facts = file.stat()
    if re.match(rf"{facts.st_size}:{facts.st_mtime_ns}(?!\d)", built.stamp):
        return False
    return bool(built.hash) and shows_another(read_file(file), built)


def shows_another(data: bytes, built: Built) -> bool:
    """Whether a file's bytes show another image than at the last build. A change of metadata is none."""
    if sha256(data).hexdigest() == built.hash:
        return False
    before = PixelHash.read(built.pixel_hash)
    try:
        return before is None or (pixel_hash(data) or _decoded(data, built.most_megapixels)).coded != before.coded
    except UserError:  # it is no image any more
        return True


def _decoded(data: bytes, most_megapixels: float) -> PixelHash:
    return decoded_pixel_hash(data, decode_image(data, most_megapixels=most_megapixels), most_megapixels)
