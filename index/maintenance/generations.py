"""The generations of a collection: list them, switch to one, go back, delete one."""

import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from index.collection import Collection
from index.storage.errors import write_errors
from index.storage.generations import clear_home, generation_home, manifest_of, other_generations
from index.storage.layout import MANIFEST, Place
from index.storage.manifest import Manifest
from index.storage.mirror import missing, settle
from index.storage.writer import Writer
from training.models.atomic import flush_folder, write_file
from training.models.errors import UserError


@dataclass(frozen=True)
class Generation:
    """One encoder's embeddings of a collection.

    state: serving; ready to be switched to; or partial, then `missing` images have no embedding yet. previous: what
    `back` goes to. bytes: on disk.
    """

    encoder: str
    fingerprint: str
    dim: int
    precision: str
    images: int
    missing: int
    state: Literal["serving", "ready", "partial"]
    previous: bool
    bytes: int

    def as_dict(self) -> dict[str, Any]:
        """As `generations --json` prints it."""
        return asdict(self)


def generations(path: Path) -> list[Generation]:
    """Every generation of the collection at path, the one that serves first."""
    serving = Collection.open(path)
    found = [_of(serving, serving.manifest, 0, "serving")]
    for manifest in other_generations(path):
        try:
            lacks = missing(serving, Collection.open(path, manifest.fingerprint))
        except UserError:  # it is damaged, which verify says, or was switched to in this moment
            lacks = len(serving)
        found.append(_of(serving, manifest, lacks, "partial" if lacks else "ready"))
    return found


def find_generation(path: Path, name: str) -> Manifest:
    """The generation by an encoder's name or the first characters of its fingerprint. UserError if there is none."""
    manifests = [Manifest.read(path), *other_generations(path)]
    named = [one for one in manifests if name == one.encoder or (len(name) >= 4 and one.fingerprint.startswith(name))]
    if len(named) == 1:
        return named[0]
    choices = ", ".join(f"{one.encoder} ({one.fingerprint[:8]})" for one in manifests)
    if not named:
        raise UserError(
            f"{path} has no embeddings by {name!r}, only by {choices}; "
            f"to make them: python -m index reencode {path} --encoder {name}"
        )
    raise UserError(f"{name!r} is the name of several generations of {path}: {choices}; give a fingerprint.")


def switch(path: Path, fingerprint: str) -> None:
    """Let the generation by the encoder of that fingerprint serve, in one step for every reader.

    The one that served stays, to go back to. UserError if images lack an embedding by it, or while another process
    writes either of the two.
    """
    with Writer(path) as serving:
        now = serving.manifest
        if fingerprint == now.fingerprint:
            raise UserError(f"{path} is searched by {now.encoder} already.")
        manifest_of(path, fingerprint)
        with Writer(path, generation=fingerprint) as writer, write_errors(path):
            lacks = settle(writer, serving.before)
            new = writer.manifest
            if lacks:
                raise UserError(
                    f"{lacks:,} of the {now.images:,} images have no embedding by {new.encoder} yet; first: "
                    f"python -m index reencode {path} --encoder {new.encoder}"
                )
            old_place = path / generation_home(now.fingerprint)
            old_place.mkdir(parents=True, exist_ok=True)
            write_file(old_place / MANIFEST, replace(now, mirrors=new.key).as_json())
            flush_folder(old_place.parent)
            facts = {**now.of_sources, "came_from": now.fingerprint}
            revision = max(now.revision, new.revision) + 1
            write_file(path / MANIFEST, replace(new, revision=revision, **facts).as_json())
            (writer.place / MANIFEST).unlink()


def previous(path: Path) -> Manifest:
    """The generation that served before. UserError if there is none, or it was deleted."""
    serving = Manifest.read(path)
    for manifest in other_generations(path):
        if manifest.fingerprint == serving.came_from:
            return manifest
    raise UserError(f"{path} was always searched by {serving.encoder}, or what it was before was deleted.")


def back(path: Path) -> str:
    """Switch to the generation that served before; the name of its encoder."""
    manifest = previous(path)
    switch(path, manifest.fingerprint)
    return manifest.encoder


def delete(path: Path, fingerprint: str) -> int:
    """Delete the generation by the encoder of that fingerprint; how many bytes that frees.

    UserError for the one that serves, and while another process writes it.
    """
    if fingerprint == Manifest.read(path).fingerprint:
        raise UserError(f"{path} is searched by that one; switch to another one first.")
    with Writer(path) as serving, Writer(path, generation=fingerprint) as writer:
        if fingerprint == serving.manifest.fingerprint:
            raise UserError(f"{path} is searched by that one now; nothing was deleted.")
        freed = _size(writer.home)
        with write_errors(path):
            (writer.place / MANIFEST).unlink()  # first: without it the rest is ignored, and swept by the next writer
            if writer.home != writer.place:
                clear_home(writer.home)
        shutil.rmtree(writer.place, ignore_errors=True)
    return freed


def drop_everywhere(path: Path, places: Iterable[Place]) -> None:
    """Take rows that were removed from the collection out of its other generations, too.

    One that another process is writing does so itself, at its end.
    """
    gone = list(places)
    for manifest in other_generations(path):
        try:
            with Writer(path, generation=manifest.fingerprint) as writer:
                writer.publish([], np.zeros((0, manifest.dim), np.float16), gone)
        except UserError:
            continue


def notes(path: Path) -> list[str]:
    """A sentence for each generation that lacks images of the collection."""
    return [
        f"Images without an embedding by {one.encoder}: {one.missing:,}; to make them: "
        f"python -m index reencode {path} --encoder {one.encoder}"
        for one in generations(path)
        if one.missing
    ]


def _of(
    serving: Collection, manifest: Manifest, lacks: int, state: Literal["serving", "ready", "partial"]
) -> Generation:
    images = len(serving) - lacks
    previous = manifest.fingerprint == serving.manifest.came_from
    bytes = _size(serving.path / manifest.home)
    facts = manifest.encoder, manifest.fingerprint, manifest.dim, manifest.precision
    return Generation(*facts, images, lacks, state, previous, bytes)


def _size(home: Path) -> int:
    """Bytes of the segments in a folder and of what was made from them."""
    files = [*home.glob("segments/*/*"), *home.glob("search.*"), *home.glob("text.arrow"), *home.glob("map-*.npz")]
    return sum(file.stat().st_size for file in files if file.is_file())
