"""Files at an address, s3://bucket/folder or any other that fsspec knows, as the Paths that sources use."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any

from training.data.beside import Beside
from training.data.blocks import in_pieces, read_pieces
from training.data.exclusions import Exclusions
from training.data.file_kinds import images_of
from training.data.source import Item, PassedOver, Source
from training.models.errors import UserError

ADDRESS = "://"
TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")  # what stores call it


@dataclass(frozen=True)
class RemoteStat:
    """What is known of a file without reading it; the times are 0 where the store does not say."""

    st_size: int
    st_mtime: float
    st_mtime_ns: int


class RemotePath:
    """An address of a file or folder. Its methods raise OSError as a Path's do, whatever the store raises."""

    def __init__(self, url: str):
        import fsspec

        self.url = url.rstrip("/")
        try:
            self.files, self.inside = fsspec.core.url_to_fs(self.url)
        except ImportError as error:
            raise UserError(f"{url} needs a package that is not installed: {error}.") from error
        except Exception as error:  # each kind of store has its own
            why = (str(error) or type(error).__name__).splitlines()[0]
            raise UserError(f"{url} is no address that can be read here: {why}.") from error

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> "RemotePath":
        if ".." in name.split("/") or ADDRESS in name:
            raise OSError("the name leads out of the place of its table")
        return RemotePath(f"{self.url}/{name.lstrip('/')}")

    def __lt__(self, other: "RemotePath") -> bool:
        return self.url < other.url

    @property
    def name(self) -> str:
        return self.url.partition("?")[0].rpartition("/")[2]

    @property
    def suffix(self) -> str:
        dot = self.name.rfind(".")
        return self.name[dot:] if dot > 0 else ""

    @property
    def parent(self) -> "RemotePath":
        return RemotePath(self.url.rpartition("/")[0])

    def resolve(self) -> "RemotePath":
        """An address is complete as it is."""
        return self

    def exists(self) -> bool:
        with _os_errors():
            return bool(self.files.exists(self.inside))

    def is_dir(self) -> bool:
        with _os_errors():
            return bool(self.files.isdir(self.inside))

    def is_file(self) -> bool:
        with _os_errors():
            return bool(self.files.isfile(self.inside))

    @cached_property
    def _facts(self) -> dict[str, Any]:
        with _os_errors():
            return dict(self.files.info(self.inside))

    def stat(self) -> RemoteStat:
        return stat_of(self._facts)

    def open(self, mode: str = "rb") -> IO[bytes]:
        with _os_errors():
            return self.files.open(self.inside, mode)

    def read_bytes(self) -> bytes:
        with _os_errors():
            return bytes(self.files.cat_file(self.inside))

    def read_part(self, offset: int, size: int, home: int | None = None) -> bytes:
        """size bytes from offset on: no more of the file than that, or the pieces that are held, see blocks.py.

        home: a place before, whose piece serves if it has them.
        """
        if in_pieces():
            home = offset if home is None else home
            return read_pieces(self.url, self.stat().st_size, offset, size, home, self._fetch)
        return self._fetch(offset, size)

    def _fetch(self, offset: int, size: int) -> bytes:
        with _os_errors():
            return bytes(self.files.cat_file(self.inside, start=offset, end=offset + size))

    def walk(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every file below here, by its path relative to here and what is known of it, in order."""
        with _os_errors():
            found = self.files.find(self.inside, detail=True)
        root = self.files._strip_protocol(self.inside).rstrip("/")
        for name in sorted(found):
            yield name.removeprefix(root).lstrip("/"), found[name]


class RemoteFolder(Source):
    """Every file below an address whose ending is an image's; rules, captions and `folder` as for a folder here."""

    def __init__(self, place: RemotePath, rules: Exclusions | None = None):
        self.place, self.name = place, place.url
        rules = rules or Exclusions()
        self.rules = Exclusions.of(rules.exclude, rules.include, place.name)

    def __iter__(self) -> Iterator[Item]:
        folders: dict[str, dict[str, RemoteStat]] = defaultdict(dict)
        others: list[PassedOver] = []
        for path, facts in self.place.walk():
            rule = self.rules.rule(path)
            if rule is not None:
                others.append(PassedOver(path, "excluded", rule))
                continue
            folder, _, name = path.rpartition("/")
            folders[folder][name] = stat_of(facts)
        items = (item for folder, files in folders.items() for item in self._items(folder, files, others))
        yield from sorted(items, key=lambda item: item.path)
        self.passed_over, self.unused = others, frozenset(self.rules.unused())

    def _items(self, folder: str, files: dict[str, RemoteStat], others: list[PassedOver]) -> Iterator[Item]:
        within = f"{folder}/" if folder else ""
        images, rest = images_of(within, files)
        others += rest
        columns = {"folder": folder} if folder else {}
        for name, sidecars in images.items():
            stat = files[name]
            beside = Beside(sidecars, partial(_read_start, self.place, within), columns)
            yield Item(
                path=within + name,
                stamp=f"{stat.st_size}:{stat.st_mtime_ns}{beside.stamp(files.__getitem__)}",
                modified=stat.st_mtime,
                read=partial(_read, self.place, within + name),
                captions=beside.captions,
                metadata=beside.metadata,
            )


def path_within(file: Path | RemotePath, folder: Path | RemotePath) -> str:
    """file relative to folder, with "/"; "" if it is folder."""
    return str(file).removeprefix(str(folder)).replace(os.sep, "/").lstrip("/")


def _read(place: RemotePath, path: str) -> bytes:
    return (place / path).read_bytes()


def _read_start(place: RemotePath, within: str, name: str, most: int) -> bytes:
    return (place / (within + name)).read_part(0, most)


def stat_of(facts: dict[str, Any]) -> RemoteStat:
    """Size and time out of what a store says. Where it has a tag of the content, that counts for st_mtime_ns."""
    modified = next((facts[name] for name in TIMES if facts.get(name)), 0)
    seconds = float(modified.timestamp()) if hasattr(modified, "timestamp") else _number(modified)
    tag = str(facts.get("ETag") or facts.get("etag") or facts.get("md5Hash") or "")
    mark = int(hashlib.sha256(tag.encode()).hexdigest()[:15], 16) if tag else int(seconds * 1e9)
    return RemoteStat(int(facts.get("size") or 0), seconds, mark)


def _number(value: float | str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


@contextmanager
def _os_errors() -> Iterator[None]:
    """What a store raises, as an OSError with a sentence: each has errors of its own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
