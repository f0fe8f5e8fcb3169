"""Which files and folders of a source are left out, and by which rule.

Rules are globs as git's .gitignore has them: `*.png`, `raw/`, `/2019/**`, `!keep.png`. They compare names without
regard to case and to the Unicode form (NFC, NFD). The last rule that fits decides: the defaults, then `--exclude`,
then `.gelatoignore` files, of which a deeper one comes later. A rule `!@eaDir/` lets in what a default leaves out.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from pathspec import GitIgnoreSpec

from training.data.character_classes import without_classes
from training.models.errors import UserError

IGNORE_FILE = ".gelatoignore"
HIDDEN = "hidden files"
IN_CLOUD = "files that are in iCloud only; download them first"  # .IMG_1.HEIC.icloud stands for one
COLLECTION = "a Gelato collection"
NOT_INCLUDED = "not among --include"
PHOTO_LIBRARIES = (".photoslibrary", ".migratedphotolibrary", ".aplibrary", ".photolibrary")
NOTHING = "#"  # a pattern that matches nothing
ORIGINALS = ("originals", "masters")  # the folders of a photo library in which its originals lie

DEFAULT_FOLDERS = (
    "@eaDir",  # Synology: previews and indexes
    "#recycle",
    "#snapshot",
    "@Recycle",  # QNAP
    "@Recently-Snapshot",
    "@Transcode",
    "$RECYCLE.BIN",
    "RECYCLER",
    "System Volume Information",
    "lost+found",
    "node_modules",
    "__MACOSX",
    "__pycache__",
    "iPod Photo Cache",
    "*.lrdata",  # Lightroom: previews
    "*.lrcat-data",
    "*.cocatalogdb",  # Capture One: catalogues with previews
)
DEFAULT_FILES = ("Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r", "SYNOINDEX_MEDIA_INFO")


def comparable(text: str) -> str:
    """text without regard to case and Unicode form."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text).lower()


_FOLDERS = {comparable(name): f"{name}/" for name in DEFAULT_FOLDERS if not name.startswith("*")}
_FOLDER_ENDINGS = {comparable(name[1:]): f"{name}/" for name in DEFAULT_FOLDERS if name.startswith("*")}
_FILES = {comparable(name): name.strip() for name in DEFAULT_FILES}


@dataclass(frozen=True)
class _Globs:
    """Patterns of one origin. base: the folder that they are relative to, "" or ending in "/".

    unused: of the command line's, the numbers of those that nothing has matched yet.
    """

    base: str
    origin: str
    patterns: tuple[str, ...]
    files: GitIgnoreSpec
    folders: GitIgnoreSpec
    unused: set[int]

    @classmethod
    def of(cls, base: str, origin: str, lines: Iterable[str], counted: bool = False) -> "_Globs":
        """The patterns in lines; those that are none count as comments, as git has it."""
        patterns = tuple(lines)
        files = [comparable(without_classes(line)) if is_pattern(line) else NOTHING for line in patterns]
        # A folder is matched without its slash: pathspec takes one for what lies in it, and `*` goes before `!sub/`.
        bare = (re.sub(r"/ *$", "", line) for line in files)
        folders = [line if is_pattern(line) else NOTHING for line in bare]
        specs = GitIgnoreSpec.from_lines(files), GitIgnoreSpec.from_lines(folders)
        return cls(base, origin, patterns, *specs, set(range(len(patterns))) if counted else set())

    def decide(self, path: str) -> tuple[bool | None, str]:
        """Whether path is matched, let in again, or neither; and the pattern that says so."""
        spec = self.folders if path.endswith("/") else self.files
        relative = comparable(path[len(self.base) :].rstrip("/"))
        if self.unused:
            self.unused.difference_update([n for n in self.unused if spec.patterns[n].match_file(relative)])
        found = spec.check_file(relative)
        name = self.patterns[found.index].strip() if found.index is not None else ""
        return found.include, f"{self.origin}{name}"


def is_pattern(line: str) -> bool:
    """Whether a line is a pattern or a comment, and neither empty nor what no pattern can be, such as `!` alone."""
    try:
        return bool(line.strip()) and len(GitIgnoreSpec.from_lines([without_classes(line)])) == 1
    except ValueError:
        return False


@dataclass(frozen=True)
class Exclusions:
    """The rules for one folder and what lies below it. exclude, include: globs of the command line.

    include: where there are any, a file has to match one of them; excluded it stays all the same. root: the name of
    the source's folder.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    root: str = ""
    _globs: tuple[_Globs, ...] = field(default=(), compare=False, repr=False)
    _included: _Globs | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, exclude: Sequence[str] = (), include: Sequence[str] = (), root: str = "") -> "Exclusions":
        """Rules out of the globs of the command line, for the source whose folder is called root.

        UserError if one of them is no pattern.
        """
        wrong = next((glob for glob in (*exclude, *include) if glob and not is_pattern(glob)), None)
        if wrong is not None:
            raise UserError(f"{wrong!r} is no pattern of files; write for example '*.png', 'raw/' or '!raw/keep.png'.")
        # ./ as shells complete paths
        exclude, include = ([re.sub(r"^(!?)\./", r"\1/", glob) for glob in globs] for globs in (exclude, include))
        globs = (_Globs.of("", "--exclude ", exclude, counted=True),) if exclude else ()
        included = _Globs.of("", "--include ", include, counted=True) if include else None
        return cls(tuple(exclude), tuple(include), root, globs, included)

    def within(self, folder: str, ignore_file: str) -> "Exclusions":
        """These rules and those of the .gelatoignore file in folder, "" or ending in "/"."""
        globs = _Globs.of(folder, f"{folder}{IGNORE_FILE}: ", ignore_file.splitlines())
        return replace(self, _globs=(*self._globs, globs))

    def folder_rule(self, path: str) -> str | None:
        """The rule that excludes a folder with all that it holds, or None. path: relative, ends in "/"."""
        decided, rule = self._decide(path)
        if decided is not None:
            return rule if decided else None
        return _default_folder_rule(path, self.root)

    def file_rule(self, path: str) -> str | None:
        """The rule that excludes a file, or None. path: relative to the root of the source."""
        decided, rule = self._decide(path)
        if decided:
            return rule
        if decided is None:
            default = default_file_rule(path, self.root)
            if default is not None:
                return default
        if self._included is not None and not self._included.decide(path)[0]:
            return NOT_INCLUDED
        return None

    def file_rules(self, folder: str) -> Callable[[str], str | None]:
        """As `file_rule`, of the files of one folder by their names. folder: "" or ending in "/"."""
        if self._globs or self._included is not None:
            return lambda name: self.file_rule(folder + name)
        library = _library_rule(folder.rstrip("/"), self.root)
        return lambda name: _file_rule(name, library)

    def rule(self, path: str) -> str | None:
        """The rule that excludes a file or a folder on the way to it, or None; no .gelatoignore further down."""
        return self.way_rule(path) or self.file_rule(path)

    def way_rule(self, path: str) -> str | None:
        """The rule that excludes one of the folders on the way to path, itself included if it ends in "/"; or None."""
        parts = path.split("/")
        folders = ("/".join(parts[:depth]) + "/" for depth in range(1, len(parts)))
        return next(filter(None, map(self.folder_rule, folders)), None)

    def unused(self) -> set[str]:
        """The globs of the command line that no file or folder has matched so far, each with its option."""
        given = [globs for globs in (*self._globs, self._included) if globs is not None]
        return {f"{globs.origin}{globs.patterns[n]}" for globs in given for n in globs.unused}

    def _decide(self, path: str) -> tuple[bool | None, str]:
        for globs in reversed(self._globs):
            decided, rule = globs.decide(path)
            if decided is not None:
                return decided, rule
        return None, ""


def _default_folder_rule(path: str, root: str) -> str | None:
    parent, _, name = path.rstrip("/").rpartition("/")
    low = comparable(name)
    named = _named_folder_rule(low)
    return named or (_library_rule(parent, root) if low not in ORIGINALS else None) or _hidden(low)


def default_file_rule(path: str, root: str) -> str | None:
    """The rule that excludes a file where nobody says anything else, or None."""
    parent, _, name = path.rpartition("/")
    return _file_rule(name, _library_rule(parent, root))


def default_way_rule(path: str) -> str | None:
    """The rule that excludes a folder on the way to path by its name, hidden ones excepted, or None."""
    parts = path.split("/")[:-1]
    return next((rule for part in parts if (rule := _named_folder_rule(comparable(part)))), None)


def _named_folder_rule(low: str) -> str | None:
    if low in _FOLDERS:
        return _FOLDERS[low]
    return next((rule for ending, rule in _FOLDER_ENDINGS.items() if low.endswith(ending)), None)


def _file_rule(name: str, library: str | None) -> str | None:
    low = comparable(name)
    return _FILES.get(low) or library or _hidden(low)


def _library_rule(folder: str, root: str) -> str | None:
    """The rule for what lies directly in folder, if that is a photo library and not only looks like a folder."""
    name = comparable(folder.rpartition("/")[2] or root)
    return next((f"*{ending}/ internals" for ending in PHOTO_LIBRARIES if name.endswith(ending)), None)


def _hidden(low: str) -> str | None:
    if not low.startswith("."):
        return None
    if low.startswith(".trash"):
        return ".Trash*"
    if low.startswith(".thumbnails"):
        return ".thumbnails/"
    if low.endswith(".icloud"):
        return IN_CLOUD
    return HIDDEN
