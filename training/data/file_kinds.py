"""What a file is by its ending, and why it gives no image if it gives none."""

from collections.abc import Iterable
from functools import lru_cache

from training.data.sidecars import ENDINGS, sidecars_of
from training.data.source import PassedOver, PassedOverKind
from training.models.formats import format_of, why_unsupported

TABLES = frozenset((".csv", ".tsv", ".parquet"))
ARCHIVES = frozenset((".tar",))
TABLE, ARCHIVE = "a table", "an archive"  # the reasons of files that are sources of their own


def images_of(folder: str, names: Iterable[str]) -> tuple[dict[str, tuple[str, ...]], list[PassedOver]]:
    """The images among the files of one folder, each with its sidecars, and the other files.

    folder: relative to the source, "" or ending in "/".
    """
    names = list(names)
    sidecars = sidecars_of(names) if _may_have_sidecars(names) else {}
    owner = {name: of for of, beside in sidecars.items() for name in beside}
    images: dict[str, tuple[str, ...]] = {}
    others = []
    for name in names:
        if name in owner:
            others.append(PassedOver(folder + name, "sidecar", f"belongs to {owner[name]}"))
        elif is_image(name):
            images[name] = sidecars.get(name, ())
        else:
            others.append(passed_over(folder + name, name))
    return images, others


def _may_have_sidecars(names: list[str]) -> bool:
    """Whether a folder has anything but plain images, which most folders of a large library have not."""
    formats = [format_of(f"file{ending}") for ending in set(map(ending_of, names))]
    return any(format is None or format.kind != "image" for format in formats)


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case, with its dot; "" if it has none, as of .hidden."""
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem.strip(".") else ""


def is_image(name: str) -> bool:
    """Whether the file called name is an image that this installation reads, by its ending."""
    return _kind_of(ending_of(name))[0] is None


def passed_over(path: str, name: str) -> PassedOver:
    """Why the file called name, which is no image, gives no item."""
    kind, reason = _kind_of(ending_of(name))
    assert kind is not None
    return PassedOver(path, kind, reason)


@lru_cache(1000)
def _kind_of(ending: str) -> tuple[PassedOverKind | None, str]:
    """The kind that files with this ending are passed over as, None for images, and the reason."""
    format = format_of(f"file{ending}")
    if format is not None:
        reason = why_unsupported(format)
        return ("video" if format.kind == "video" else "unsupported format" if reason else None), reason
    if ending in TABLES or ending in ARCHIVES:
        return "other file", TABLE if ending in TABLES else ARCHIVE
    if ending in ENDINGS and ending not in (".txt", ".json", ".wav"):
        return "other file", "no image or video here has its name"
    return "other file", f"{ending} is no image's ending" if ending else "its name has no ending"
