"""The hub's cache on this disk: blobs by checksum, and snapshots that link to them by name."""

import hashlib
import os
import shutil
from pathlib import Path

from training.models.atomic import flush_folder, write_file

MEGABYTE = 1 << 20


def repository_folder(repository: str) -> Path:
    """Where the hub's client keeps a model repository."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser() / f"models--{repository.replace('/', '--')}"


def blob_path(repository: str, etag: str) -> Path:
    """Where the content with this checksum lies."""
    return repository_folder(repository) / "blobs" / etag


def partial_path(repository: str, etag: str) -> Path:
    """Where what is fetched of it lies until it is whole."""
    return blob_path(repository, etag).with_name(f"{etag}.incomplete")


def link(repository: str, path: str, commit: str, etag: str) -> Path:
    """Let the snapshot of a commit have the blob under its name, and main be that commit."""
    folder = repository_folder(repository)
    pointer = folder / "snapshots" / commit / path
    pointer.parent.mkdir(parents=True, exist_ok=True)
    blob = blob_path(repository, etag)
    pointer.unlink(missing_ok=True)
    try:
        os.symlink(os.path.relpath(blob, pointer.parent), pointer)
    except OSError:  # Windows without the right to make links
        try:
            os.link(blob, pointer)
        except OSError:
            shutil.copyfile(blob, pointer)
    (folder / "refs").mkdir(exist_ok=True)
    write_file(folder / "refs" / "main", commit.encode())
    flush_folder(pointer.parent)
    return pointer


def mark_missing(repository: str, path: str) -> None:
    """Note that the commit on this machine has no such file, as the hub's client does: transformers relies on it."""
    folder = repository_folder(repository)
    main = folder / "refs" / "main"
    if main.is_file():
        marker = folder / ".no_exist" / main.read_text(encoding="ascii").strip() / path
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


def checksum(path: Path, etag: str) -> str | None:
    """The checksum of a file in the form of etag: SHA-256 for large files, git's SHA-1 for others; None if neither."""
    if len(etag) == 64:
        digest = hashlib.sha256()
    elif len(etag) == 40:
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        return None
    with path.open("rb") as file:
        while chunk := file.read(MEGABYTE):
            digest.update(chunk)
    return digest.hexdigest()


def size_on_disk(folder: Path) -> int:
    """Bytes of all files below a folder, links not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
