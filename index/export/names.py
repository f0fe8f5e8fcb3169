"""Names of exported files that every system takes, each given once."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from training.models.file_names import UNNAMED, folded, safe_name


def safe_parts(path: str) -> tuple[str, ...]:
    """The parts of a path, each safe; without a root and without steps up."""
    parts = [part for part in re.split(r"[/\\]", path) if part not in ("", ".", "..")]
    return tuple(map(safe_name, parts)) or (UNNAMED,)


class Names:
    """The files of one export. Two names that differ in case or Unicode form alone are one, as on Windows and macOS."""

    def __init__(self) -> None:
        self._files: set[tuple[str, ...]] = set()
        self._folders: set[tuple[str, ...]] = set()

    def free(self, parts: tuple[str, ...], id: str) -> Iterator[tuple[str, ...]]:
        """parts, then parts with id in the name, then with a number; those that are taken are left out."""
        *folders, name = parts
        stem, ending = PurePosixPath(name).stem, PurePosixPath(name).suffix
        number = 0
        while True:
            mark = "" if number == 0 else f"-{id}" if number == 1 else f"-{id}-{number}"
            found = (*folders, f"{stem}{mark}{ending}")
            key = _key(found)
            if key not in self._files and key not in self._folders:
                if any(key[:depth] in self._files for depth in range(1, len(key))):
                    folders = [*folders[:-1], f"{folders[-1]}-{id}"]  # a file is called as its folder
                    number = 0
                    continue
                yield found
            number += 1

    def take(self, parts: tuple[str, ...]) -> None:
        """No other file gets this name."""
        key = _key(parts)
        self._files.add(key)
        self._folders |= {key[:depth] for depth in range(1, len(key))}


def _key(parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(folded, parts))
