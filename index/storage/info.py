"""What a collection holds: in words, in counts of files, and as `index info` answers it."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from index.collection import Collection
from index.storage.accounts import count_files, passed_over_text


def account_of(collection: Collection) -> str:
    """What the files of all sources are, in words: 5 images, 2 of them offline, 1 unreadable, 3 sidecars."""
    away = int(collection.offline.sum())
    images = f"{len(collection):,} {'image' if len(collection) == 1 else 'images'}" + (
        f", {away:,} of them offline" if away else ""
    )
    return ", ".join(filter(None, [images, passed_over_text(collection.passed_over)]))


def passed_over(collection: Collection) -> int:
    """How many files of its sources gave no image, sidecars left out."""
    return sum(group.files for group in collection.passed_over if group.kind != "sidecar")


def files_of(collection: Collection) -> dict[str, int]:
    """Every file of all sources in exactly one count, and their total. unchanged: images that are no duplicates.

    Counted once for an open collection: that reads three columns of every row.
    """
    return dict(collection.derived("files", lambda: _counted(collection)))


def _counted(collection: Collection) -> dict[str, int]:
    rows = collection.frame(["source", "path", "hash"]).assign(counted=~collection.offline)
    return count_files(rows, set(), collection.passed_over)


def info_of(collection: Collection) -> dict[str, Any]:
    """What `python -m index info --json` answers, without the search structure."""
    return {
        "name": collection.name,
        "images": len(collection),
        "failed": collection.manifest.failed,
        "files": files_of(collection),
        "offline": int(collection.offline.sum()),
        "passed_over": [group.as_dict() for group in collection.passed_over],
        "exclude": list(collection.manifest.exclude),
        "include": list(collection.manifest.include),
        "dim": collection.dim,
        "encoder": collection.encoder_name,
        "fingerprint": collection.fingerprint,
        "runtime": collection.manifest.runtime,
        "precision": collection.manifest.precision,
        "segments": len(collection.manifest.segments),
        "bytes": _bytes_below(collection.path),
        "columns": collection.columns,
    }


def _bytes_below(folder: Path) -> int:
    """The bytes of all files; those that a build takes away meanwhile count for nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total
