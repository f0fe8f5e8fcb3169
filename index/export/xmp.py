"""XMP packets: what is said of an image, merged into what other programs wrote, none of which is changed or lost.

Keywords go to dc:subject and, as paths, to lr:hierarchicalSubject; programs that write lists of their own read no
others, so that keywords also go to digiKam:TagsList and MicrosoftPhoto:LastKeywordXMP where these are there. What was
added is noted in the packet itself, so that it can be taken away again, wherever the packet has gone meanwhile.
"""

import unicodedata
from collections.abc import Iterable, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from index.export.xmp_packet import BASIC, DC, LIGHTROOM, OURS, Packet

PATH = "|"  # between the levels of a keyword, as Lightroom writes them
PATHS = (  # properties that hold keywords as paths, what is between their levels, and whether they are made
    (LIGHTROOM, "hierarchicalSubject", PATH, True),
    ("http://www.digikam.org/ns/1.0/", "TagsList", "/", False),
    ("http://ns.microsoft.com/photo/1.0/", "LastKeywordXMP", "/", False),
    ("http://ns.microsoft.com/photo/1.0", "LastKeywordXMP", "/", False),
)


@dataclass(frozen=True)
class Annotation:
    """What is said of an image. keywords: levels are separated by PATH. rating: 1 to 5, None where there is none.

    own_keywords: those that its file says already. A sidecar repeats them, since programs read its keywords instead.
    """

    keywords: tuple[str, ...] = ()
    rating: int | None = None
    title: str = ""
    description: str = ""
    own_keywords: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.keywords or self.rating or self.title or self.description)


def merged_xmp(packet: bytes, annotation: Annotation, foreign: Set[str] = frozenset()) -> bytes:
    """packet with what it lacks of annotation; a new one where packet is empty, packet itself if it lacks nothing.

    Keywords that an earlier call added and that are not said any more go; those of others stay. A title, description
    or rating that is there stays. foreign: keywords that others wrote elsewhere in the file. ValueError if packet is
    no XMP.
    """
    document = Packet(packet)
    added = added_keywords(document)
    said = [levels for keyword in annotation.keywords if (levels := levels_of(keyword))]
    theirs = [levels_of(keyword) for keyword in annotation.own_keywords]
    own = [levels for levels in theirs if levels and not added.ever(levels)]
    _take_away(document, added, [*own, *said])
    ours = added.levels & {level for path in said for level in path}
    paths = added.paths & set(map(PATH.join, said))
    for path in [*own, *(path for path in said if path not in own)]:
        fresh = {level for level in path if document.add(DC, "subject", level)} - foreign
        ours |= set() if path in own else fresh
        if _add_path(document, path) and path not in own:
            paths.add(PATH.join(path))
    document.set_list(OURS, "Levels", ours)
    document.set_list(OURS, "Paths", paths)
    gone = added.gone | {mark_of(level) for level in added.levels}  # the last build may still have read them here
    document.set_list(OURS, "Gone", gone - {mark_of(level) for level in ours})
    document.say(DC, "title", _clean(annotation.title))
    document.say(DC, "description", _clean(annotation.description))
    if annotation.rating and document.value(BASIC, "Rating") in ("", "0"):
        document.set(BASIC, "Rating", str(annotation.rating))
    return document.text() if document.changed or not packet else packet


def is_marked(packet: bytes) -> bool:
    """Whether Gelato may have added keywords to a packet."""
    return OURS.encode() in packet


def stale_keywords(packet: bytes, annotation: Annotation) -> set[str]:
    """The keywords that an earlier call added to packet and that annotation does not say any more."""
    if not is_marked(packet):
        return set()
    added = added_keywords(Packet(packet)).levels
    return added - {level for keyword in annotation.keywords for level in levels_of(keyword)}


def levels_of(keyword: str) -> list[str]:
    """The levels of a keyword, as XML can hold them."""
    return [clean for level in keyword.split(PATH) if (clean := _clean(level))]


class _Added(NamedTuple):
    """Keywords that earlier calls added: levels in dc:subject, and whole paths. gone: marks of levels taken away."""

    levels: set[str]
    paths: set[str]
    gone: set[str]

    def ever(self, levels: Iterable[str]) -> bool:
        """Whether all of levels were added by earlier calls."""
        return all(level in self.levels or mark_of(level) in self.gone for level in levels)


def mark_of(level: str) -> str:
    """What stands for a keyword that was taken away: its name stays in no file."""
    return sha256(level.encode()).hexdigest()[:12]


def added_keywords(document: Packet) -> _Added:
    """What was added to a packet and noted there."""
    return _Added(*(set(document.values(OURS, name)) for name in ("Levels", "Paths", "Gone")))


def _take_away(document: Packet, added: _Added, wanted: list[list[str]]) -> None:
    """Remove what was added and is not wanted any more."""
    for level in added.levels - {level for path in wanted for level in path}:
        document.drop(DC, "subject", level)
    for path in added.paths - set(map(PATH.join, wanted)):
        for space, name, separator, _ in PATHS:
            document.drop(space, name, path.replace(PATH, separator))


def _add_path(document: Packet, levels: list[str]) -> bool:
    """Add a keyword as a path to the properties that hold such; whether any lacked it."""
    added = False
    for space, name, separator, make in PATHS:
        held = document.values(space, name)
        if (make or held) and not _among(levels, [path.split(separator) for path in held]):
            added |= document.add(space, name, separator.join(levels))
    return added


def _among(levels: list[str], paths: list[list[str]]) -> bool:
    """Whether paths have a keyword: as a level of one, or a keyword of several levels as the end of one."""
    if len(levels) == 1:
        return any(levels[0] in path for path in paths)
    return any(path[-len(levels) :] == levels for path in paths)


def _clean(text: str) -> str:
    """text as XML can hold it, in the form in which it is compared."""
    kept = (c for c in unicodedata.normalize("NFC", text) if c in "\t\n\r" or (ord(c) >= 32 and _is_xml(c)))
    return "".join(kept).strip()


def _is_xml(c: str) -> bool:
    return not ("\ud800" <= c <= "\udfff" or c in "\ufffe\uffff")
