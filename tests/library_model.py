"""A small photo library that is edited at random, and a simple model of what a collection must say of it.

The model knows nothing of hashes: a file shows a picture (a number) in a version, and two versions of one picture look
nearly the same. It follows the rules that people are told: known bytes, then known pixels, then the same place and
nearly the same look, else a new image.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from index.maintenance.remove import remove_images
from index.maintenance.undo import undo_last
from index.storage.corrections import correct, read_corrections
from index.storage.tags import read_tags, tag
from tests.samples import ColourEncoder, noise_image

NAMES = tuple(f"{name}.png" for name in "abcdef")
PICTURES = 12  # different ones
TURNS = {1: 1, 6: 6, 3: 3}


@dataclass(frozen=True)
class Shown:
    """What a file holds. picture and version decide its pixels, orientation how they are turned, note nothing of it."""

    picture: int
    version: int = 0
    orientation: int = 1
    note: int = 0

    @property
    def pixels(self) -> tuple[int, int]:
        return self.picture, self.version

    @property
    def upright(self) -> tuple[int, int, int]:
        return self.picture, self.version, self.orientation


@dataclass
class Known:
    """What the collection must have learned. Images are its own ids."""

    files: dict[Shown, str] = field(default_factory=dict)
    pixels: dict[tuple[int, int], str] = field(default_factory=dict)
    places: dict[tuple[str, str], list[tuple[str, int]]] = field(default_factory=dict)  # ids and pictures
    tags: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)


class Library:
    """Two folders of a few files each, a collection of both, and the model."""

    def __init__(self, root: Path):
        self.root, self.into, self.encoder = root, root / "c.gelato", ColourEncoder()
        self.sources = ["one", "two"]
        self.files: dict[tuple[str, str], Shown] = {}
        self.rows: dict[tuple[str, str], tuple[str, Shown]] = {}  # of the last build or removal: id and content
        self.known = Known()
        self.undo: list[tuple[str, list[str], bool] | None] = []  # tags; None for what the model cannot undo
        self.count = self.mounts = 0
        for number, source in enumerate(self.sources):
            self.write((source, "anchor.png"), Shown(PICTURES + number))
            self.write((source, "a.png"), Shown(number))
        self.build()

    # ---- files

    def path(self, place: tuple[str, str]) -> Path:
        return self.root / place[0] / place[1]

    def write(self, place: tuple[str, str], shown: Shown) -> None:
        exif = Image.Exif()
        exif[0x010E], exif[0x0112] = f"note {shown.note}", shown.orientation
        self.path(place).parent.mkdir(parents=True, exist_ok=True)
        _pixels(shown.picture, shown.version).save(self.path(place), exif=exif, compress_level=1)
        self.count += 1
        os.utime(self.path(place), ns=(self.count, self.count * 10**6))
        self.files[place] = shown

    def place(self, number: int) -> tuple[str, str]:
        """A place, maybe without a file."""
        return self.sources[number % 2], NAMES[number // 2 % len(NAMES)]

    def held(self, number: int) -> tuple[str, str] | None:
        """A place with a file that may be changed."""
        places = sorted(place for place in self.files if place[1] != "anchor.png")
        return places[number % len(places)] if places else None

    def edit(self, number: int, change: Callable[[Shown], Shown]) -> None:
        if place := self.held(number):
            self.write(place, change(self.files[place]))

    # ---- what happens to the library; a and b choose among places, pictures and tags

    def add(self, a: int, b: int) -> None:
        if (place := self.place(a)) not in self.files:
            self.write(place, Shown(b % PICTURES))

    def take_over(self, a: int, b: int) -> None:
        self.edit(a, lambda shown: Shown((shown.picture + 1 + b) % PICTURES))

    def edit_metadata(self, a: int, b: int) -> None:
        self.count += 1
        self.edit(a, lambda shown: replace(shown, note=self.count))

    def edit_lightly(self, a: int, b: int) -> None:
        self.count += 1
        self.edit(a, lambda shown: replace(shown, version=self.count))

    def turn(self, a: int, b: int) -> None:
        self.edit(a, lambda shown: replace(shown, orientation=(1, 3, 6)[b % 3]))

    def move(self, a: int, b: int) -> None:
        place, to = self.held(a), self.place(b)
        if place and place != to:
            self.path(place).replace(self.path(to))
            self.files[to] = self.files.pop(place)

    def copy(self, a: int, b: int) -> None:
        place, to = self.held(a), self.place(b)
        if place and place != to:
            shutil.copy2(self.path(place), self.path(to))
            self.files[to] = self.files[place]

    def swap(self, a: int, b: int) -> None:
        place, to = self.held(a), self.held(b)
        if place and to and place != to:
            spare = self.root / "spare"
            self.path(place).rename(spare)
            self.path(to).rename(self.path(place))
            spare.rename(self.path(to))
            self.files[place], self.files[to] = self.files[to], self.files[place]

    def delete(self, a: int, b: int) -> None:
        if place := self.held(a):
            self.path(place).unlink()
            del self.files[place]

    def remount(self, a: int, b: int) -> None:
        """A drive comes back under another name. What was edited before was seen before."""
        self.build()
        self.mounts += 1
        old, new = self.sources[a % 2], f"mount{self.mounts}"
        (self.root / old).rename(self.root / new)
        self.sources[a % 2] = new
        moved = {place: (new, place[1]) for place in self.files if place[0] == old}
        self.files = {moved.get(place, place): shown for place, shown in self.files.items()}
        self.rows = {moved.get(place, place): row for place, row in self.rows.items()}
        places = self.known.places.items()
        self.known.places = {(new if source == old else source, path): held for (source, path), held in places}
        before = self.encoder.embedded
        self.build()
        assert self.encoder.embedded == before, "a remount embedded images again"

    def tag(self, a: int, b: int, on: bool = True) -> None:
        if id := self.row(a):
            name = f"tag {b % 3}"
            tag(Collection.open(self.into), [id], name, on)
            names = self.known.tags.setdefault(id, [])
            if (name in names) != on:
                names.append(name) if on else names.remove(name)
                self.undo.append((name, [id], on))

    def untag(self, a: int, b: int) -> None:
        self.tag(a, b, on=False)

    def correct(self, a: int, b: int) -> None:
        if id := self.row(a):
            correct(Collection.open(self.into), id, f"label {b % 3}")
            self.known.labels[id] = f"label {b % 3}"

    def undo_tag(self, a: int, b: int) -> None:
        if self.undo and self.undo[-1] is not None:
            undo_last(self.into)
            name, ids, on = self.undo.pop() or ("", [], True)
            for id in ids:
                names = self.known.tags.setdefault(id, [])
                names.remove(name) if on else names.append(name)

    def remove(self, a: int, b: int) -> None:
        if id := self.row(a):
            remove_images(self.into, [id])
            self.rows = {place: row for place, row in self.rows.items() if row[0] != id}
            self.undo.append(None)

    def remove_and_undo(self, a: int, b: int) -> None:
        if id := self.row(a):
            remove_images(self.into, [id], forgetting=b % 2 == 1)
            undo_last(self.into)

    def forget_image(self, a: int, b: int) -> None:
        if id := self.row(a):
            remove_images(self.into, [id], forgetting=True)
            self.rows = {place: row for place, row in self.rows.items() if row[0] != id}
            self.undo.append(None)
            self.forget(id)
            self.known.tags.pop(id, None)
            self.known.labels.pop(id, None)

    def row(self, number: int) -> str:
        """The image of a row of the collection; "" if there is none that may be changed."""
        places = sorted(place for place in self.rows if place[1] != "anchor.png")
        return self.rows[places[number % len(places)]][0] if places else ""

    # ---- the model

    def forget(self, id: str) -> None:
        known = self.known
        known.files = {shown: other for shown, other in known.files.items() if other != id}
        known.pixels = {pixels: other for pixels, other in known.pixels.items() if other != id}
        known.places = {place: [one for one in held if one[0] != id] for place, held in known.places.items()}

    def learn(self, place: tuple[str, str], shown: Shown, id: str) -> None:
        self.known.files.setdefault(shown, id)
        self.known.pixels.setdefault(shown.pixels, id)
        held = self.known.places.setdefault(place, [])
        if (id, shown.picture) not in held:
            held.append((id, shown.picture))

    def build(self, a: int = 0, b: int = 0) -> None:
        """Bring the collection up to date and compare it with the model."""
        before = self.encoder.embedded
        report = build_collection(
            [self.root / source for source in self.sources], self.into, self.encoder, prune=True, segment_size=6
        )
        collection = Collection.open(self.into)
        items = collection.frame(["source", "path", "id"]).itertuples(index=False, name=None)
        found = [((Path(source).name, path), id) for source, path, id in items]
        assert sorted(place for place, _ in found) == sorted(self.files), "each file has one row"
        assert report.failed == 0
        ids = dict(found)
        changed = [place for place in self.files if place not in self.rows or self.rows[place][1] != self.files[place]]
        had = {shown.upright for _, shown in self.rows.values()}
        new = sum(self.files[place].upright not in had for place in changed)
        assert self.encoder.embedded - before == report.embedded == new, "only new pixels are embedded"
        for place in self.files:
            if place not in changed:
                assert ids[place] == self.rows[place][0], "an unchanged file keeps its image"
        order = sorted(changed, key=lambda place: (place not in self.rows, self.sources.index(place[0]), place[1]))
        for place in order:
            shown, id = self.files[place], ids[place]
            expected = self.known.files.get(shown) or self.known.pixels.get(shown.pixels)
            lookalikes = {other for other, picture in self.known.places.get(place, ()) if picture == shown.picture}
            if place in self.rows and self.rows[place][1].picture == shown.picture:
                lookalikes.add(self.rows[place][0])
            if expected:
                assert id == expected, f"{place} shows an image that is known"
            elif lookalikes:
                assert id in lookalikes, f"{place} is a light edit"
            else:
                assert id not in self.images(), f"{place} is a new image and inherits nothing"
            self.learn(place, shown, id)
        self.rows = {place: (ids[place], shown) for place, shown in self.files.items()}
        assert {id: sorted(names) for id, names in read_tags(self.into).items()} == {
            id: sorted(names) for id, names in self.known.tags.items() if names
        }
        assert read_corrections(self.into) == self.known.labels

    def images(self) -> set[str]:
        return {*self.known.files.values(), *self.known.pixels.values()}


@cache
def _base(picture: int) -> Image.Image:
    return noise_image(1000 + picture, (48, 36))


def _pixels(picture: int, version: int) -> Image.Image:
    """A picture, in each version with another small spot."""
    image = np.array(_base(picture))
    if version:
        image[:2, :2] = [version % 256, version // 256 % 256, 128]
    return Image.fromarray(image)


ACTIONS = (
    Library.add,
    Library.take_over,
    Library.edit_metadata,
    Library.edit_lightly,
    Library.turn,
    Library.move,
    Library.copy,
    Library.swap,
    Library.delete,
    Library.remount,
    Library.tag,
    Library.untag,
    Library.correct,
    Library.undo_tag,
    Library.remove,
    Library.remove_and_undo,
    Library.forget_image,
    Library.build,
)
