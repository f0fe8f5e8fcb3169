"""What a file is by its ending, and why it gives no image if it gives none."""

import os
from functools import cache

from training.data.source import PassedOver, PassedOverKind
from training.models.formats import format_of, why_unsupported

TABLES = frozenset((".csv", ".tsv", ".parquet"))
ARCHIVES = frozenset((".tar",))
TABLE, ARCHIVE = "a table", "an archive"  # the reasons of files that are sources of their own


def is_image(name: str) -> bool:
    """Whether the file called name is an image that this installation reads, by its ending."""
    return _kind_of(os.path.splitext(name)[1].lower())[0] is None


def passed_over(path: str, name: str) -> PassedOver:
    """Why the file called name, which is no image, gives no item."""
    kind, reason = _kind_of(os.path.splitext(name)[1].lower())
    assert kind is not None
    return PassedOver(path, kind, reason)


@cache
def _kind_of(ending: str) -> tuple[PassedOverKind | None, str]:
    """The kind that files with this ending are passed over as, None for images, and the reason."""
    format = format_of(f"file{ending}")
    if format is not None:
        reason = why_unsupported(format)
        return ("video" if format.kind == "video" else "unsupported format" if reason else None), reason
    if ending in TABLES or ending in ARCHIVES:
        return "other file", TABLE if ending in TABLES else ARCHIVE
    return "other file", f"{ending or 'a name without an ending'} is no image's ending"
