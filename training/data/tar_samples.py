"""Which members of a tar file belong together: the one rule for shards that are listed and for those that are indexed.

A caption or metadata belongs to the images whose name is the same up to the last ending: a.b.jpg and a.b.txt. If there
is none, it belongs to the image whose whole name it continues (a.jpg.txt), then to those that differ in case or
Unicode form only, then to those that are the same up to the first dot where one of the two has no further dot, as
webdataset has it (1.left.jpg and 1.txt). Members may lie anywhere in the file. Each image is an item of its own.
"""

import posixpath
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from training.data.exclusions import default_file_rule, default_way_rule
from training.data.file_kinds import is_image, passed_over
from training.data.remote import RemotePath
from training.data.source import PassedOver
from training.data.tar_members import SIDECARS, DamagedShard, Member, members_of

NO_IMAGE = "a caption or metadata without an image"
SHARED = "images share their name with another image of the shard; each is an item of its own, with the same captions"
REPEATED = "members have the name of an earlier one; each image is an item of its own, captions go by their order"
BY_FIRST_DOT = "captions or metadata were matched to images by their name up to the first dot"
BY_CASE = "captions or metadata were matched to images whose names differ in case or Unicode form"


@dataclass
class Sample:
    """An image and the captions and metadata that belong to it, in the order of the shard."""

    image: Member
    sidecars: list[Member] = field(default_factory=list)
    repeat: int = 0  # how many members before have its name


@dataclass
class ShardContents:
    """What a shard holds. samples: in the order of their images. without_image: samples that have none.

    passed_over: members that are no part of a sample, under their names in the shard, all sidecars as one. broken:
    images that cannot be read. notes: what was ambiguous, and how often. damage: why it was not read to its end.
    """

    samples: list[Sample]
    without_image: int
    passed_over: list[PassedOver]
    broken: list[Member]
    notes: Counter[str]
    damage: str = ""


def contents_of_shard(shard: Path | RemotePath) -> ShardContents:
    """Everything in a shard, grouped into samples."""
    images: list[Sample] = []
    sidecars: list[tuple[Member, int]] = []
    contents = ShardContents([], 0, [], [], Counter())
    seen: Counter[str] = Counter()
    try:
        for member in members_of(shard):
            rule = default_way_rule(member.name) or default_file_rule(member.name, "")
            if rule is not None:
                contents.passed_over.append(PassedOver(member.name, "excluded", rule))
                continue
            repeat = seen[member.name]
            seen[member.name] += 1
            if is_image(member.name):
                if member.problem:
                    contents.broken.append(member)
                else:
                    images.append(Sample(member, repeat=repeat))
            elif member.problem:
                contents.passed_over.append(PassedOver(member.name, "unreadable", member.problem))
            elif member.name.lower().endswith(SIDECARS):
                sidecars.append((member, repeat))
            else:
                contents.passed_over.append(passed_over(member.name, posixpath.basename(member.name)))
    except DamagedShard as error:
        contents.damage = str(error)
    contents.notes[REPEATED] = sum(count - 1 for count in seen.values())
    contents.samples = images
    _attach(contents, sidecars)
    return contents


class _Names:
    """Images by each of the names under which their sidecars look for them."""

    def __init__(self, samples: list[Sample]):
        self.by_stem: dict[str, list[Sample]] = {}
        self.by_name: dict[str, list[Sample]] = {}
        self.by_folded: dict[str, list[Sample]] = {}
        self.by_key: dict[str, list[Sample]] = {}
        for sample in samples:
            name = sample.image.name
            stem = stem_of(name)
            self.by_name.setdefault(name, []).append(sample)
            self.by_stem.setdefault(stem, []).append(sample)
            self.by_folded.setdefault(_folded(stem), []).append(sample)
            self.by_key.setdefault(key_of(name), []).append(sample)

    def images_of(self, sidecar: Member) -> tuple[list[Sample], str]:
        """The images that a sidecar belongs to, and a note if its name alone would not tell."""
        stem, key = stem_of(sidecar.name), key_of(sidecar.name)
        found = self.by_stem.get(stem) or self.by_name.get(stem)
        if found:
            return found, ""
        found = self.by_folded.get(_folded(stem))
        if found:
            return found, BY_CASE
        alike = self.by_key.get(key, [])
        if stem != key:  # both with further dots are of two samples: 2021.05.jpg and 2021.06.txt
            alike = [sample for sample in alike if stem_of(sample.image.name) == key]
        return alike, BY_FIRST_DOT if alike else ""


def _attach(contents: ShardContents, sidecars: list[tuple[Member, int]]) -> None:
    """Give every sidecar to its images, and count what belongs to none."""
    names, attached, orphans = _Names(contents.samples), 0, []
    for member, repeat in sidecars:
        found, note = names.images_of(member)
        if not found:
            orphans.append(member.name)
            continue
        attached += 1
        contents.notes[note] += bool(note)
        of_its_turn = [sample for sample in found if sample.repeat == repeat]
        for sample in of_its_turn or [sample for sample in found if sample.repeat == max(s.repeat for s in found)]:
            sample.sidecars.append(member)
    for alike in names.by_name.values():
        for before, sample in pairwise(alike):
            sample.sidecars = sample.sidecars or before.sidecars
    contents.notes[SHARED] = sum(
        len(alike) for alike in names.by_stem.values() if len({sample.image.name for sample in alike}) > 1
    )
    contents.without_image = len({stem_of(name) for name in orphans})
    contents.passed_over += [PassedOver(name, "other file", NO_IMAGE) for name in orphans]
    if attached:
        contents.passed_over.append(PassedOver("", "sidecar", "captions and metadata of its images", attached))
    contents.notes = +contents.notes  # without what never happened


def stem_of(name: str) -> str:
    """A member's name without its last ending."""
    return posixpath.splitext(name)[0]


def key_of(name: str) -> str:
    """A member's name up to the first dot of its last part: what webdataset calls its key."""
    folder, base = posixpath.split(name)
    return posixpath.join(folder, base[:1] + base[1:].partition(".")[0])


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", stem).casefold())
