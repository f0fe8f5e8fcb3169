"""What the folder of a collection may hold before its first manifest."""

from pathlib import Path

from index.storage.annotations import ANNOTATIONS, BEFORE_RESTORE, JOURNAL
from index.storage.json_files import CORRECTIONS_FILE, MIGRATED, TAGS_FILE
from index.storage.layout import FAILURES, GENERATIONS, UNDO
from training.models.file_lock import LOCK_FILE

BEFORE_MANIFEST = (
    LOCK_FILE,
    "segments",
    "thumbnails",
    FAILURES,
    ANNOTATIONS,
    BEFORE_RESTORE,
    JOURNAL,
    UNDO,
    GENERATIONS,
    *(name + ending for name in (TAGS_FILE, CORRECTIONS_FILE) for ending in ("", MIGRATED)),
)


def may_be_filled(path: Path) -> bool:
    """Whether the folder at path may be filled: it is empty, began anew, or a build died before its first manifest."""
    return path.is_dir() and all(
        entry.name in BEFORE_MANIFEST or (entry.name.startswith(".") and entry.name.endswith(".tmp"))
        for entry in path.iterdir()
    )
