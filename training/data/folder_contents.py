"""What kind of source a folder is: decided by all that lies in it, not by what lies on top."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from training.data.exclusions import Exclusions
from training.data.file_kinds import is_image, passed_over
from training.data.folder import printable
from training.data.remote import RemotePath
from training.data.source import PassedOver
from training.data.walk import Walk


@dataclass
class FolderContents:
    """What lies in a folder without images. Paths are relative to it, as they are on disk; others: all other files."""

    parquet: list[str] = field(default_factory=list)
    tars: list[str] = field(default_factory=list)
    others: list[PassedOver] = field(default_factory=list)


def contents_of(place: Path | RemotePath, rules: Exclusions) -> FolderContents | None:
    """What lies in a folder and below, or None if an image does: then it is a folder of images, whatever else is there.

    Parquet files beside tar files of the same stem are what img2dataset writes of these, and are not images' own.
    """
    found = FolderContents()
    listed = _Listing(place, rules)
    for path in listed:
        name = path.rpartition("/")[2]
        ending = os.path.splitext(name)[1].lower()
        if is_image(name):
            return None
        if ending in (".parquet", ".tar"):
            (found.parquet if ending == ".parquet" else found.tars).append(path)
        else:
            found.others.append(passed_over(printable(path), name))
    stems = {str(PurePosixPath(tar).with_suffix("")) for tar in found.tars}
    for path in [path for path in found.parquet if str(PurePosixPath(path).with_suffix("")) in stems]:
        found.parquet.remove(path)
        found.others.append(PassedOver(printable(path), "sidecar", "belongs to the archive of its name"))
    more, fewer = sorted((found.parquet, found.tars), key=len, reverse=True)
    found.others += [passed_over(printable(path), path) for path in fewer] if more else []
    fewer.clear()
    found.others += listed.excluded
    return found


class _Listing:
    """The files in a folder that no rule excludes. excluded: after an iteration, the others."""

    def __init__(self, place: Path | RemotePath, rules: Exclusions):
        self.place, self.rules = place, rules
        self.excluded: list[PassedOver] = []

    def __iter__(self) -> Iterator[str]:
        if isinstance(self.place, RemotePath):
            for path, _ in self.place.walk():
                rule = self.rules.rule(path)
                if rule is None:
                    yield path
                else:
                    self.excluded.append(PassedOver(path, "excluded", rule))
            return
        walk = Walk(str(self.place), self.rules)
        for folder in walk:
            yield from (file.path for file in folder.files)
        self.excluded = walk.passed_over
