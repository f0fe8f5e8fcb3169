"""Import a model whose files were copied from another machine: found in a folder, checked, put into the hub's cache."""

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path

from training.models import hub
from training.models.atomic import write_file
from training.models.catalogue import catalogue_model
from training.models.downloads.hub_cache import blob_path, checksum, link, repository_folder
from training.models.downloads.local import (
    ModelStatus,
    drop_folder,
    hub_needs,
    mark_what_is_missing,
    missing_needs,
    status,
    where_to_copy,
)
from training.models.downloads.needs import Need
from training.models.downloads.sentences import check_licence, sentence
from training.models.errors import UserError


def import_from(name: str, folder: Path | None, accept_licence: bool = False) -> ModelStatus:
    """Take the files of the model called name from a folder, or without one from where `where_to_copy` asks for them.

    folder: has the files themselves, or in folders called REPOSITORY or ORGANISATION--REPOSITORY, or is the hub's cache
    of another machine. UserError for a file that is damaged or not this model's, and for one that is missing when a
    folder was named; then nothing is imported.
    """
    check_licence(name, accept_licence)
    if folder is not None and not folder.is_dir():
        raise UserError(f"{folder} is not a folder; --from wants one with the files of {name}.")
    taken: set[Need] = set()
    while wanted := [need for need in hub_needs(name) if need not in taken]:  # a configuration may name more
        taken.update(wanted)
        found = {need: _find(need, folder) for need in wanted if hub.cached_file(need.repository, *need.names) is None}
        if folder is not None and (lacks := [need for need, file in found.items() if need.required and file is None]):
            raise UserError(
                f"{folder} lacks {', '.join(' or '.join(need.names[:2]) for need in lacks)}; "
                f"copy {'; '.join(where_to_copy(name))}."
            )
        for need, file in found.items():
            if file is not None:
                _check(name, need, file)
        for need, file in found.items():
            if file is not None:
                try:
                    _take(need, file)
                except OSError as error:
                    raise UserError(sentence(error, need.repository)) from error
    if folder is not None and missing_needs(name):
        raise UserError(f"{folder} has not all of {name}; copy {'; '.join(where_to_copy(name))}.")
    if not missing_needs(name):
        mark_what_is_missing(name)
    return status(name)


def _find(need: Need, folder: Path | None) -> Path | None:
    """The file of need below a folder, or where it may be dropped."""
    repository = need.repository
    places = [drop_folder(repository)]
    if folder is not None:
        copies = sorted(folder.glob(f"**/models--{repository.replace('/', '--')}/snapshots/*"))
        places = [*copies, folder / repository.replace("/", "--"), folder / repository, folder / Path(repository).name]
        places.append(folder)
    return next((place / name for name in need.names for place in places if (place / name).is_file()), None)


def _check(name: str, need: Need, file: Path) -> None:
    """UserError if a file is damaged, or its size is not that of this model's weights."""
    real = file.resolve()
    if real.parent.name == "blobs" and checksum(real, real.name) not in (None, real.name):
        raise UserError(f"{file} is damaged: its checksum is not {real.name[:12]}...; copy it again.")
    if file.suffix == ".safetensors" and not _is_whole(real):
        raise UserError(f"{file} is not a whole safetensors file; copy it again.")
    if file.suffix == ".json":
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{file} is not JSON ({error}); copy it again.") from error
    listed = catalogue_model(name)
    size = real.stat().st_size
    if listed and need.repository == listed.repository and file.name in need.names and file.suffix != ".json":
        expected = 4 * listed.parameters
        if abs(size - expected) > 0.02 * expected:
            raise UserError(
                f"{file} has {size / 1e6:,.0f} MB; the weights of {name} have about {expected / 1e6:,.0f} MB, "
                f"so it is another model's or not whole."
            )


def _is_whole(path: Path) -> bool:
    """Whether the header of a safetensors file describes exactly its bytes."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            return True
    except (OSError, SafetensorError):
        return False


def _take(need: Need, file: Path) -> None:
    """Copy a file into the hub's cache under its SHA-256, as the hub would have named it."""
    with file.open("rb") as opened:
        etag = hashlib.file_digest(opened, "sha256").hexdigest()
    blob = blob_path(need.repository, etag)
    if not blob.is_file():
        blob.parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as opened:
            write_file(blob, partial(shutil.copyfileobj, opened))
    link(need.repository, file.name, _commit_of(need.repository, file), etag)


def _commit_of(repository: str, file: Path) -> str:
    """The commit that the copy is of, where the folder says it; else that of what is here, else a made-up one."""
    if file.parent.parent.name == "snapshots" and len(file.parent.name) == 40:
        return file.parent.name
    main = repository_folder(repository) / "refs" / "main"
    return main.read_text(encoding="ascii").strip() if main.is_file() else "0" * 40
