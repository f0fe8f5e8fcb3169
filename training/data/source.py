"""One interface to images wherever they are kept; whatever can be trained on can be indexed."""

import ast
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias, get_args

from training.data.later import Later

PassedOverKind: TypeAlias = Literal[
    "unreadable", "unsupported format", "excluded", "sidecar", "video", "duplicate", "other file"
]
PASSED_OVER_KINDS: tuple[PassedOverKind, ...] = get_args(PassedOverKind)

# The first that a source has.
CAPTION_COLUMNS = ("caption", "text", "txt", "title", "description", "captions", "prompt", "comment", "alt_text")
FIELDS = ("raw", "sentence", "value", "content")  # of captions that have several
PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "image_path", "image", "img")


@dataclass(frozen=True)
class Item:
    """One image before it is read.

    path: relative to its source (a file, a shard's member, a table's row); unique within it.
    stamp: changes whenever the bytes may have changed, so that an unchanged image need not be read. Up to its first
    colon it depends on the content only: it is the size in bytes of the file that holds the image.
    modified: seconds since 1970. read: its bytes, from any thread; OSError when they are not there.
    captions: of which training draws one each time; none is empty. metadata: its other columns. Both may be given
    as a function, which is called when they are first read: an unchanged image's sidecars need not be opened.
    block: what is read at once with it, equal for neighbours that one read gives, see blocks.py; None if nothing is.
    """

    path: str
    stamp: str
    modified: float
    read: Callable[[], bytes]
    captions: Later[tuple[str, ...]] = Later(tuple)
    metadata: Later[Mapping[str, Any]] = Later(dict)
    block: Hashable = None

    @property
    def refusal(self) -> str | None:
        """Why it is known, before it is read, that it cannot be; None if that is not known."""
        known = isinstance(self.read, partial) and self.read.func is refuse
        return str(self.read.args[0]) if known else None  # type: ignore[attr-defined]

    @property
    def caption(self) -> str:
        """The first of its captions, "" if it has none."""
        return self.captions[0] if self.captions else ""


@dataclass(frozen=True)
class PassedOver:
    """A file of a source that gives no item. path: relative to the source; it ends in "/" for a whole folder.

    reason: of an excluded file, the name of the rule. files: how many files this stands for, more than one or none
    for a folder.
    """

    path: str
    kind: PassedOverKind
    reason: str
    files: int = 1


class Source(ABC):
    """A place with images. name: how a collection remembers it, an absolute path where it is one.

    unreadable: after an iteration, what the paths begin with that it could not look at: a folder that may
    not be read, a file that is broken. Whether images from there are gone cannot be told.
    passed_over: after an iteration, the files that gave no item. Each file gives an item or stands here, never both.
    beside: the files beside the shards or tables of a folder, which are never iterated over.
    empty: after an iteration, the folders that hold nothing, each ending in "/": a drive may be missing there.
    mounts: after an iteration, the folders in which another drive begins, each ending in "/".
    unused: after an iteration, the globs of --exclude and --include that nothing matches; None where they do not count.
    without_image: after an iteration, how many samples name no image at all: rows without a path, captions alone.
    reads_whole_blocks: whether reading any image means to read its block.
    is_table: whether its columns are those of a table, which options of tables are about.
    notes: after an iteration, sentences on how it was read where that was a choice, and on what was not as it should
    be: a column, a rule, rows that are too long.
    """

    name: str
    unreadable: tuple[str, ...] = ()
    passed_over: Sequence[PassedOver] = ()
    beside: Sequence[PassedOver] = ()
    empty: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unused: frozenset[str] | None = None
    without_image: int = 0
    reads_whole_blocks: bool = False
    is_table: bool = False

    @abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """Every image in an order that is the same each time; reads no image's bytes."""

    def __len__(self) -> int:
        """How many images an iteration gives."""
        return sum(1 for _ in self)

    def find(self, path: str) -> Item | None:
        """The image at path, None if there is none."""
        return next((item for item in self if item.path == path), None)


def unreadable_item(path: str, reason: str) -> Item:
    """What stands in the list of failures for a part of a source that cannot be looked at."""
    return Item(path=path, stamp="", modified=0.0, read=partial(refuse, reason))


def refuse(reason: str) -> bytes:
    """What reads an item that must not be read, or cannot be."""
    raise OSError(reason)


def first_column(candidates: tuple[str, ...], columns: list[str]) -> str | None:
    """The first of candidates among columns, in whatever case the source writes it."""
    by_lower = {column.lower(): column for column in reversed(columns)}
    return next((by_lower[name] for name in candidates if name in by_lower), None)


def text_of(value: object) -> str:
    """A cell as text: nothing for a missing one, the first of several captions."""
    return (texts_of(value) or [""])[0]


def texts_of(value: object) -> list[str]:
    """A cell as the captions that it holds: none for a missing one, several for a list.

    Of a cell with fields it is the field called as CAPTION_COLUMNS or FIELDS are, else every text: one a language.
    """
    if isinstance(value, Mapping):
        field = first_column((*CAPTION_COLUMNS, *FIELDS), list(value))
        texts = (
            [one for one in value.values() if isinstance(one, str | list | tuple)] if field is None else value[field]
        )
        return texts_of(texts)
    if isinstance(value, list | tuple):
        return [text for part in value for text in texts_of(part)]
    if value is None or value != value or not str(value).strip():  # NaN is the only value unlike itself
        return []
    return _listed(str(value)) or [str(value)]


def _listed(text: str) -> list[str]:
    """The texts of a list that was written as text, as JSON or as Python shows it; none if it is no such list."""
    if not (text.startswith("[") and text.endswith("]")):
        return []
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            found = read(text)
            if isinstance(found, list) and all(isinstance(one, str) for one in found):
                return [one for one in found if one.strip()]
    return []


def caption_lines(text: str) -> list[str]:
    """A text file's captions, a line each; empty lines are none."""
    return [line.strip() for line in text.splitlines() if line.strip()]
