"""A folder of images, nested to any depth."""

import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from training.data.beside import Beside
from training.data.sidecars import sidecars_of
from training.data.source import Item, Source, unreadable_item
from training.models.formats import IMAGES


class FolderSource(Source):
    """Every file in a folder whose ending is an image's; hidden files and folders are left alone.

    A text file beside an image (`beach.txt` for `beach.jpg`) is its caption, a line each if there are
    several, and the subfolder it lies in becomes the column `folder`, which is the class where there
    is one folder a class. What other sidecars say becomes columns, see beside.py.
    """

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.name = str(self.folder)

    def __iter__(self) -> Iterator[Item]:
        shut: list[OSError] = []
        for path, sidecars in self._files(shut.append):
            relative = path.relative_to(self.folder)
            try:
                facts = path.stat()
            except OSError:  # a link to nowhere: reading it will say so
                facts = path.lstat()
            columns = {"folder": printable(relative.parent.as_posix())} if len(relative.parts) > 1 else {}
            beside = Beside(sidecars, partial(read_start, path.parent), columns)
            yield Item(
                path=printable(relative.as_posix()),
                stamp=f"{facts.st_size}:{facts.st_mtime_ns}{beside.stamp(partial(stat_beside, path.parent))}",
                modified=facts.st_mtime,
                read=partial(read_file, path),
                captions=beside.captions,
                metadata=beside.metadata,
            )

        within = [printable(os.path.relpath(os.fsdecode(error.filename), self.folder)) for error in shut]
        self.unreadable = tuple(f"{folder}/" for folder in within)
        for folder, error in zip(within, shut, strict=True):
            yield unreadable_item(f"{folder}/", f"the folder cannot be read: {error.strerror}")

    def _files(self, shut: Callable[[OSError], object]) -> Iterator[tuple[Path, tuple[str, ...]]]:
        seen: set[tuple[int, int]] = set()  # folders by device and inode: a link that leads back up ends here
        for top, folders, files in os.walk(self.folder, onerror=shut, followlinks=True):
            try:
                here = os.stat(top)
            except OSError as error:  # it went away while we were looking
                shut(error)
                continue
            if (here.st_dev, here.st_ino) in seen:
                folders.clear()
                continue
            seen.add((here.st_dev, here.st_ino))
            folders[:] = sorted(f for f in folders if not f.startswith(".") and not f.endswith(".gelato"))
            files = sorted(name for name in files if not name.startswith("."))
            sidecars = sidecars_of(files)
            halves = {name for of_image in sidecars.values() for name in of_image}
            for name in files:
                if name.lower().endswith(IMAGES) and name not in halves:
                    yield Path(top, name), sidecars.get(name, ())


def read_file(path: Path) -> bytes:
    """A regular file's bytes. OSError for anything else: to open a named pipe is to wait for ever."""
    return read_start(path.parent, path.name, -1)


def read_start(folder: Path, name: str, most: int) -> bytes:
    """The first bytes of a regular file, all of them where most is -1. OSError as for read_file."""
    path = folder / name
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is not a regular file")
    with path.open("rb") as file:
        return file.read(most)


def stat_beside(folder: Path, name: str) -> os.stat_result:
    """What is known of a file in folder without reading it."""
    return os.stat(folder / name)


def printable(path: str) -> str:
    """path as text that any file format can hold: bytes that are not UTF-8 become \\xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
