"""What this machine holds of a model, what would have to be copied to it, and removing it again."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.models import hub
from training.models.cache import cache_dir
from training.models.catalogue import catalogue, catalogue_model
from training.models.downloads.hub_cache import mark_missing, repository_folder, size_on_disk
from training.models.downloads.needs import Need, needs_of
from training.models.encoders import family_of
from training.models.errors import UserError
from training.models.metadata_cache import forget_metadata

OPEN_CLIP = "open_clip_encoder:load_open_clip"  # the family whose models are on the hub by name


@dataclass(frozen=True)
class NeededFile:
    """A file that a model needs. folder: where it may be laid for `models get` to find it. bytes: None if unknown."""

    repository: str
    path: str
    folder: Path
    present: bool
    bytes: int | None = None


@dataclass(frozen=True)
class ModelStatus:
    """What this machine has of a model. here: bytes on this disk. total: of the whole download, None if unknown."""

    name: str
    state: Literal["ready", "partial", "absent"]
    here: int
    total: int | None
    files: tuple[NeededFile, ...]


def status(name: str) -> ModelStatus:
    """What this machine has of the model called name, without asking the network. UserError for no such name."""
    needs = hub_needs(name)
    listed = catalogue_model(name)
    files = tuple(_needed_file(need, listed.bytes if listed and need is needs[0] else None) for need in needs)
    here = sum(size_on_disk(repository_folder(repository)) for repository in {need.repository for need in needs})
    missing = [file for file, need in zip(files, needs, strict=True) if need.required and not file.present]
    state: Literal["ready", "partial", "absent"] = "ready" if not missing else "partial" if here else "absent"
    return ModelStatus(name, state, here, listed.download_bytes if listed else None, files)


def hub_needs(name: str) -> tuple[Need, ...]:
    """needs_of, and none of an encoder of another family, whose files are on this machine."""
    return needs_of(name) if catalogue_model(name) or family_of(name).place == OPEN_CLIP else ()


def missing_needs(name: str) -> list[Need]:
    """The required files that this machine lacks."""
    return [need for need in hub_needs(name) if need.required and not hub.cached_file(need.repository, *need.names)]


def mark_what_is_missing(name: str) -> None:
    """Note which files a whole model does without, so that nobody asks the hub for them."""
    for need in hub_needs(name):
        if not need.required and not hub.cached_file(need.repository, *need.names):
            mark_missing(need.repository, need.names[0])


def _needed_file(need: Need, listed: int | None) -> NeededFile:
    found = hub.cached_file(need.repository, *need.names)
    size = found.stat().st_size if found else listed
    return NeededFile(
        need.repository, found.name if found else need.names[0], drop_folder(need.repository), found is not None, size
    )


def drop_folder(repository: str) -> Path:
    """Where files of a repository that were copied from another machine are looked for."""
    return cache_dir("models") / repository.replace("/", "--")


def where_to_copy(name: str) -> list[str]:
    """Lines that say what to fetch with another machine, and where to put it here."""
    lines = []
    for repository, files in _by_repository([need for need in hub_needs(name) if not _has(need)]).items():
        lines.append(f"from https://huggingface.co/{repository}/tree/main into {drop_folder(repository)}:")
        for need in files:
            names = " or ".join(need.names[:2]) + (" or another vocabulary" if len(need.names) > 2 else "")
            lines.append(f"    {names}" + ("" if need.required else " (if it is there)"))
    return [*lines, f"then: python -m index models get {name}"] if lines else []


def _has(need: Need) -> bool:
    return hub.cached_file(need.repository, *need.names) is not None


def _by_repository(needs: Sequence[Need]) -> dict[str, list[Need]]:
    found: dict[str, list[Need]] = {}
    for need in needs:
        found.setdefault(need.repository, []).append(need)
    return found


def remove(name: str) -> int:
    """Delete what this machine has of a model, exported towers too; the bytes that became free.

    A tokenizer that another model on this machine needs stays. UserError if the model is not one of the hub, or if this
    machine has nothing of it.
    """
    needs = hub_needs(name)
    if not needs:
        raise UserError(f"{name} is not a model of the hub; delete its files yourself if you no longer need them.")
    freed = _remove_exports(name)
    shared = {need.repository for other in _others_here(name) for need in needs_of(other)}
    for repository in {need.repository for need in needs} - shared:
        freed += _delete(repository_folder(repository)) + _delete(drop_folder(repository))
    if not freed:
        raise UserError(f"{name} is not on this machine; `python -m index models` lists what is.")
    return freed


def discard(name: str) -> int:
    """Delete what is partly fetched of a model; the bytes that became free."""
    freed = 0
    for repository in {need.repository for need in hub_needs(name)}:
        for partial in (repository_folder(repository) / "blobs").glob("*.incomplete"):
            freed += partial.stat().st_size
            partial.unlink()
    return freed


def _others_here(name: str) -> list[str]:
    """Other models of the catalogue that are ready."""
    return [model.name for model in catalogue() if model.name != name and not missing_needs(model.name)]


def _remove_exports(name: str) -> int:
    """Delete the exported towers of a model, which are known by its fingerprint."""
    from training.models.open_clip_encoder import OpenClipMetadata

    metadata = OpenClipMetadata.cached(name)
    if metadata is None:
        return 0
    exports = [path for path in cache_dir("openvino").rglob(f"{metadata.fingerprint}-*") if path.is_file()]
    freed = sum(path.stat().st_size for path in exports)
    for path in exports:
        path.unlink(missing_ok=True)
    forget_metadata(name)
    return freed


def _delete(folder: Path) -> int:
    freed = size_on_disk(folder) if folder.is_dir() else 0
    shutil.rmtree(folder, ignore_errors=True)
    return freed
