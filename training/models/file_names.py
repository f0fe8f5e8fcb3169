"""Names and paths that every system takes: names that come from outside, and paths longer than Windows allows."""

import ntpath
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import overload

from training.models.errors import UserError

WINDOWS = os.name == "nt"
LONGEST = 200  # bytes of a name in UTF-8: systems take 255, and what goes before or behind a name needs room
ENDING = 24  # characters of an ending that is kept where a name is cut
UNNAMED = "unnamed"
FORBIDDEN = frozenset('/\\:*?"<>|')  # by Windows, or because they separate folders
# What Windows takes for a device, in any case of letters and with any ending.
_DEVICES = r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*"
_DEVICE = re.compile(rf"{_DEVICES}(\.|$)", re.IGNORECASE)
_MISTAKEN = re.compile(rf"[. ]([\\/]|$)|(^|[\\/]){_DEVICES}([.\\/]|$)", re.IGNORECASE)
_RUN = ("=", "+", "-", "@", "'", "..")  # what begins so is run by spreadsheets, or taken for an option or a way up
_SHORT = 240  # characters of a path: Windows takes 259 of a file's, 247 of a folder's
_EXTENDED = "\\\\?\\"


def safe_name(name: str, longest: int = LONGEST) -> str:
    """name as every system takes a file's or folder's name; never one that leads elsewhere. longest: bytes."""
    safe = "".join("-" if c in FORBIDDEN or unicodedata.category(c) in ("Cc", "Cs") else c for c in name)
    safe = _cut(safe.strip().rstrip(". "), longest)
    if not safe:
        return UNNAMED
    return f"_{safe}" if safe.startswith(_RUN) or _DEVICE.match(safe) else safe


def distinct_names(names: Iterable[str], longest: int = LONGEST) -> list[str]:
    """A safe name for each of names; one that Windows or macOS would take for an earlier one gets a number."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        safe = base = safe_name(name, longest)
        number = 1
        while folded(safe) in taken:
            number += 1
            safe = f"{base}-{number}"
        taken.add(folded(safe))
        found.append(safe)
    return found


def folded(name: str) -> str:
    """A name as names are compared: in one case of letters and one Unicode form, as Windows and macOS do."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _cut(name: str, longest: int) -> str:
    """name in at most longest bytes of UTF-8; its ending stays."""
    if len(name.encode()) <= longest:
        return name
    stem, dot, ending = name.rpartition(".")
    ending = f".{ending}" if stem and dot and len(ending) < ENDING else ""
    stem = name.removesuffix(ending) if ending else name
    room = max(longest - len(ending.encode()), 1)
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + ending


@overload
def long_path(path: str, room: int = 0) -> str: ...
@overload
def long_path(path: Path, room: int = 0) -> Path: ...
def long_path(path: str | Path, room: int = 0) -> str | Path:
    r"""path as this system opens it, whatever it is called: on Windows one that is too long, or has a name that other
    systems gave and Windows takes for another one (NUL.jpg, "a."), gets the prefix \\?\.

    room: characters that will be added to it.
    """
    if not WINDOWS:
        return path
    whole = os.path.normpath(path) if os.path.isabs(path) else os.path.abspath(path)
    if len(whole) + room <= _SHORT and not _MISTAKEN.search(whole):
        return path
    return extended(whole) if isinstance(path, str) else Path(extended(whole))


def extended(path: str) -> str:
    r"""A whole path of Windows with the prefix \\?\, behind which it may have 32,767 characters and no / or dots."""
    if path.startswith(_EXTENDED):
        return path
    path = ntpath.normpath(path)
    return f"{_EXTENDED}UNC\\{path[2:]}" if path.startswith("\\\\") else _EXTENDED + path


def file_name(path: str) -> str:
    """The last part of a path or of a shard's member."""
    return path.replace("\\", "/").rpartition("/")[2]


def check_utf8(path: Path, remedy: str) -> None:
    """UserError if a path has bytes that are no UTF-8, as old disks have, which nothing that is stored can name.

    remedy: what would work instead.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise UserError(f"The path {shown} is no UTF-8 and cannot be stored; {remedy}.") from error
