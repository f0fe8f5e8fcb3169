"""Reset a collection of the cache whose encoder has other weights now."""

from pathlib import Path

from index.storage.before_manifest import BEFORE_MANIFEST
from index.storage.layout import MANIFEST
from index.storage.manifest import Manifest
from training.models.encoder import Encoder


def reset_if_stale(path: Path, encoder: Encoder) -> bool:
    """Drop the vectors of a collection of our own cache if other weights made them; returns whether it did.

    The next build embeds everything again. Tags and corrections stay, and by what each image is known again.
    """
    stale = (path / MANIFEST).exists() and Manifest.read(path).fingerprint != encoder.fingerprint
    if stale:
        for entry in path.iterdir():
            if entry.is_file() and entry.name not in (*BEFORE_MANIFEST, MANIFEST):
                entry.unlink(missing_ok=True)  # the search structure, maps: made from the vectors
        (path / MANIFEST).unlink()  # last: without it segments are ignored
    return stale
