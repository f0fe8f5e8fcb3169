"""A folder of images, nested to any depth."""

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from training.data.beside import Beside
from training.data.exclusions import Exclusions
from training.data.file_kinds import images_of
from training.data.source import Item, PassedOver, Source, unreadable_item
from training.data.walk import Walk, WalkedFolder
from training.models.file_names import long_path


class FolderSource(Source):
    """Every file in a folder whose ending is an image's, but for those that a rule excludes.

    A text file beside an image (`beach.txt` for `beach.jpg`) is its caption, a line each if there are
    several, and the subfolder it lies in becomes the column `folder`, which is the class where there
    is one folder a class. What other sidecars say becomes columns, see beside.py.
    """

    def __init__(self, folder: Path, rules: Exclusions | None = None):
        self.folder = folder.resolve()
        self.name = str(self.folder)
        rules = rules or Exclusions()
        self.rules = Exclusions.of(rules.exclude, rules.include, self.folder.name)

    def __iter__(self) -> Iterator[Item]:
        walk = Walk(self.name, self.rules)
        others: list[PassedOver] = []
        for folder in walk:
            yield from self._images(walk, folder, others)
        for shut, reason in walk.shut:
            yield unreadable_item(printable(shut) or "./", f"the folder cannot be read: {reason}")
        self.unreadable = tuple(printable(shut) for shut, _ in walk.shut)
        self.empty = tuple(map(printable, walk.empty))
        self.mounts = tuple(map(printable, walk.mounts))
        self.unused = frozenset(self.rules.unused())
        self.passed_over = [
            replace(one, path=printable(one.path), reason=printable(one.reason)) for one in others + walk.passed_over
        ]

    def _images(self, walk: Walk, folder: WalkedFolder, others: list[PassedOver]) -> Iterator[Item]:
        files = {file.name: file for file in folder.files}
        images, rest = images_of(folder.path, files)
        others += rest
        columns = {"folder": printable(folder.path[:-1])} if folder.path else {}
        here = Path(self.name, folder.path)
        for name, sidecars in images.items():
            file = files[name]
            facts = file.stat()
            known = walk.link_of(file, facts)
            if known is not None:
                others.append(PassedOver(file.path, "duplicate", f"a link to {known}"))
                continue
            path, stamp = printable(file.path), f"{facts.st_size}:{facts.st_mtime_ns}"
            read = partial(read_start, here, name, -1)
            if not sidecars:
                yield Item(path, stamp, facts.st_mtime, read, (), columns)
                continue
            beside = Beside(sidecars, partial(read_start, here), columns)
            stamp += beside.stamp(lambda name: files[name].stat())
            yield Item(path, stamp, facts.st_mtime, read, beside.captions, beside.metadata)


def read_file(path: Path) -> bytes:
    """A regular file's bytes. OSError for anything else: to open a named pipe is to wait for ever."""
    return read_start(path.parent, path.name, -1)


def read_start(folder: Path, name: str, most: int) -> bytes:
    """The first bytes of a regular file, all of them where most is -1. OSError as for read_file."""
    path = long_path(folder / name)
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is not a regular file")
    with path.open("rb") as file:
        return file.read(most)


def printable(path: str) -> str:
    """path as text that any file format can hold: bytes that are not UTF-8 become \\xNN."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")
