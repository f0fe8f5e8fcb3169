"""A walk through a folder: every file once, one `stat` a file, and nothing left out without a reason."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from training.data.exclusions import COLLECTION, IGNORE_FILE, Exclusions, default_file_rule
from training.data.source import PassedOver
from training.data.texts import decode_text
from training.models.file_lock import LOCK_FILE
from training.models.file_names import long_path

ROOM = 256  # characters that the name of a file in a folder may add to its path
MOST_RULES = 1 << 20  # bytes of a .gelatoignore file that are read
Identity = tuple[int, int]  # device and inode: what a file or folder is, whatever its name


@dataclass(frozen=True)
class WalkedFile:
    """A file that no rule excludes. path: relative to the root, as it is on disk."""

    path: str
    entry: "os.DirEntry[str]"

    @property
    def name(self) -> str:
        return self.entry.name

    def stat(self) -> os.stat_result:
        """What the file is now; of a link to nowhere, the link."""
        try:
            return self.entry.stat()
        except OSError:
            return self.entry.stat(follow_symlinks=False)


@dataclass(frozen=True)
class WalkedFolder:
    """A folder and its files by name. path: relative to the root, "" for the root itself, else ending in "/"."""

    path: str
    files: list[WalkedFile]


@dataclass(frozen=True)
class _Pending:
    """A folder that is still to be listed, and the rules that hold in the one that it lies in."""

    path: str
    rules: Exclusions
    device: int | None
    link: bool = False


class Walk:
    """An iteration over the folders below root, in the order of their names; links to folders come last.

    After it: passed_over has what the rules exclude and what is there twice, shut the folders that cannot be listed
    with the reason, empty the folders without anything, mounts those where another drive begins.
    """

    def __init__(self, root: str, rules: Exclusions):
        self.root, self.rules = root, rules
        self.passed_over: list[PassedOver] = []
        self.shut: list[tuple[str, str]] = []
        self.empty: list[str] = []
        self.mounts: list[str] = []
        self._folders: dict[Identity, str] = {}
        self._linked: dict[Identity, str] = {}
        self._real_root = os.path.realpath(root)

    def __iter__(self) -> Iterator[WalkedFolder]:
        pending, links = [_Pending("", self.rules, None)], list[_Pending]()
        while pending or links:
            at = pending.pop() if pending else links.pop(0)
            try:
                facts = os.stat(self._place(at.path))
                listed = sorted(os.scandir(self._place(at.path)), key=lambda entry: entry.name)
            except OSError as error:
                self.shut.append((at.path, error.strerror or str(error)))
                continue
            known = self._folders.setdefault((facts.st_dev, facts.st_ino), at.path)
            if known != at.path:
                reason = f"the same folder as {known or 'the source itself'}"
                self.passed_over.append(PassedOver(at.path, "duplicate", reason, files=0))
                continue
            if at.device is not None and at.device != facts.st_dev and not at.link:
                self.mounts.append(at.path)
            if at.path and is_collection(listed):
                self.passed_over.append(PassedOver(at.path, "excluded", COLLECTION))  # it changes with every build
                continue
            rules = self._rules_in(at, listed)
            folders, files = self._sorted_out(at.path, listed, rules)
            if at.path and not folders and all(default_file_rule(entry.name, "") for entry in listed):
                self.empty.append(at.path)
            yield WalkedFolder(at.path, files)
            for entry in reversed(folders):
                into = _Pending(f"{at.path}{entry.name}/", rules, facts.st_dev, entry.is_symlink())
                links.append(into) if into.link else pending.append(into)

    def _place(self, path: str) -> str:
        return long_path(os.path.join(self.root, path) if path else self.root, ROOM)

    def _rules_in(self, at: _Pending, listed: "list[os.DirEntry[str]]") -> Exclusions:
        if not any(entry.name == IGNORE_FILE for entry in listed):
            return at.rules
        try:
            with open(os.path.join(self._place(at.path), IGNORE_FILE), "rb") as file:
                text = decode_text(file.read(MOST_RULES))
        except OSError:
            return at.rules
        return at.rules.within(at.path, text)

    def _sorted_out(
        self, folder: str, listed: "list[os.DirEntry[str]]", rules: Exclusions
    ) -> "tuple[list[os.DirEntry[str]], list[WalkedFile]]":
        """The folders to go into, and the files that no rule excludes; what is excluded is noted."""
        folders, files = [], []
        file_rule = rules.file_rules(folder)
        for entry in listed:
            path = folder + entry.name
            if _is_folder(entry):
                rule = rules.folder_rule(f"{path}/")
                if rule is None:
                    folders.append(entry)
                else:
                    self._exclude_folder(f"{path}/", rule)
                continue
            rule = file_rule(entry.name)
            if rule is not None:
                self.passed_over.append(PassedOver(path, "excluded", rule))
            else:
                files.append(WalkedFile(path, entry))
        return folders, files

    def _exclude_folder(self, path: str, rule: str) -> None:
        files = count_files(self._place(path))
        if files:
            self.passed_over.append(PassedOver(path, "excluded", rule, files))

    def link_of(self, file: WalkedFile, facts: os.stat_result) -> str | None:
        """The file of which this one is a further link, hard or symbolic, and which is walked over itself; or None."""
        if not stat.S_ISREG(facts.st_mode):
            return None
        symbolic = file.entry.is_symlink()
        if not symbolic and facts.st_nlink < 2:
            return None
        if symbolic:
            real, root = os.path.realpath(self._place(file.path)), os.path.join(self._real_root, "")
            inside = real.removeprefix(root).replace(os.sep, "/")
            if real.startswith(root) and self.rules.rule(inside) is None:
                return inside
        known = self._linked.setdefault((facts.st_dev, facts.st_ino), file.path)
        return known if known != file.path else None


def is_collection(listed: "Iterable[os.DirEntry[str]]") -> bool:
    """Whether a folder is a collection of Gelato, whatever it is called; one that is just being begun, too."""
    names = {entry.name for entry in listed}
    return "segments" in names and bool(names & {"manifest.json", LOCK_FILE})


def count_files(folder: str) -> int:
    """How many files lie in a folder and below, links to folders not followed; what cannot be listed has none."""
    files, pending = 0, [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as listed:
                for entry in listed:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        files += 1
        except OSError:
            continue
    return files


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
