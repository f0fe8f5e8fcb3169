"""Generations: the images of one collection embedded by several encoders, one of which serves.

    manifest.json                    the generation that serves
    generations/1a2b3c4d5e6f/        of each other encoder, and of the one that serves if it came later
        manifest.json                  its segments; absent while it serves
        segments/, search.faiss, ...   as in the collection's own folder

Tags, corrections, thumbnails and what is known of files are the collection's and not a generation's. A switch replaces
the collection's manifest, in one step for every reader: its `home` says where the segments lie. A manifest below
generations/ of the encoder that serves is left over from a switch that was cut off, and ignored.
"""

import shutil
from hashlib import sha256
from pathlib import Path

from index.storage.layout import GENERATIONS, INDEX_FILE, INDEX_JSON, MANIFEST, TEXT_INDEX
from index.storage.manifest import Manifest
from training.models.errors import UserError
from training.models.file_lock import lock_folder


def generation_home(fingerprint: str) -> str:
    """The folder of an encoder's generation, within its collection's."""
    return f"{GENERATIONS}/{sha256(fingerprint.encode()).hexdigest()[:12]}"


def manifest_of(path: Path, generation: str = "") -> Manifest:
    """The manifest of the collection at path, or of its generation by the encoder of that fingerprint.

    UserError if there is none.
    """
    serving = Manifest.read(path)
    if generation in ("", serving.fingerprint):
        return serving
    place = path / generation_home(generation)
    if not (place / MANIFEST).exists():
        serving = Manifest.read(path)  # it may have been switched to in this moment
        if serving.fingerprint == generation:
            return serving
        raise UserError(f"{path} has no embeddings by the encoder {generation[:8]} any more.")
    return Manifest.read(place)


def other_generations(path: Path) -> list[Manifest]:
    """Those of the collection at path that do not serve, by the name of their folder; damaged ones left out."""
    serving, found = Manifest.read(path).fingerprint, []
    for place in _places(path):
        try:
            manifest = Manifest.read(place)
        except UserError:
            continue
        if manifest.fingerprint != serving:
            found.append(manifest)
    return found


def sweep(path: Path, serving: Manifest) -> None:
    """Remove what a switch, a deletion or a re-embedding that was cut off left behind; call it as the writer.

    Of a collection that begins anew all generations go.
    """
    homes = {serving.home} | {manifest.home for manifest in other_generations(path)} if serving.revision else set()
    for place in _places(path):
        manifest_file = place / MANIFEST
        home = f"{GENERATIONS}/{place.name}"
        stale = manifest_file.exists() and (home == generation_home(serving.fingerprint) or not serving.revision)
        if not stale and (manifest_file.exists() or home in homes):
            continue
        try:
            lock = lock_folder(place, "")
        except UserError:  # it is being begun, or deleted
            continue
        try:
            if stale:
                manifest_file.unlink(missing_ok=True)
            if home not in homes:
                shutil.rmtree(place, ignore_errors=True)
        finally:
            lock.release()
    if homes and "" not in homes:
        clear_home(path)


def clear_home(home: Path) -> None:
    """Delete the segments in a folder and what was made from them."""
    segments = home / "segments"
    for entry in segments.iterdir() if segments.is_dir() else ():
        shutil.rmtree(entry, ignore_errors=True)  # the folder itself stays: walks know a collection by it
    for file in (home / INDEX_JSON, home / INDEX_FILE, home / TEXT_INDEX, *home.glob("map-*.npz")):
        file.unlink(missing_ok=True)


def _places(path: Path) -> list[Path]:
    folder = path / GENERATIONS
    return sorted(place for place in folder.iterdir() if place.is_dir()) if folder.is_dir() else []
