"""Which JSON file of a Google Takeout export belongs to which image, by the rules that its names have followed.

`IMG_1.jpg.json` once, `IMG_1.jpg.supplemental-metadata.json` since 2024, now and then without the `.jpg`. What comes
before `.json` is cut to 46 characters, wherever that ends: `IMG_1.jpg.supplemental-me.json`, or inside the image's own
name. A second IMG_1.jpg is `IMG_1(1).jpg`, and its JSON file `IMG_1.jpg(1).json` or
`IMG_1.jpg.supplemental-metadata(1).json`. An edited copy, `IMG_1-edited.jpg` (`-bearbeitet`, `-modifié`, ...), has none
and shares that of the original; that of the second is `IMG_1-edited(1).jpg` or `IMG_1(1)-edited.jpg`.
"""

import re
from bisect import bisect_left
from os.path import splitext

SUFFIX = ".supplemental-metadata"
LONG = 40  # characters (or bytes in UTF-8) from which on a name may have been cut
NUMBERED = re.compile(r"(.+)\((\d+)\)")
# What stands behind an edited copy's stem in any language: a hyphen, then words without digits.
EDITED = re.compile(r"(.+?)-[^\d!-/:-@\[-`{-~]{2,24}(?:\((\d+)\))?")

Title = tuple[str, str]  # of an image as Takeout knows it: its name, and the number of a second image of that name


class TakeoutNames:
    """The JSON files of one folder. All names are folded, see sidecars.folded."""

    def __init__(self) -> None:
        self._files: dict[Title, str] = {}
        self._sorted: list[Title] | None = None

    def __bool__(self) -> bool:
        return bool(self._files)

    def add(self, base: str, file: str) -> None:
        """A JSON file. base: its name without `.json`."""
        name, number = _numbered(base)
        for title in (base, ""), (name, number):
            self._files.setdefault(title, file)
            self._files.setdefault((_without_suffix(title[0]), title[1]), file)
        self._sorted = None

    def of(self, image: str) -> str | None:
        """The JSON file of an image that has none of its very name; None if there is none."""
        stem, ending = splitext(image)
        name, number = _numbered(stem)
        found = (number and self._find((name + ending, number))) or self._find((image, ""))
        found = found or (number and self._find((name, number))) or self._find((stem, ""))
        edited = EDITED.fullmatch(stem)
        if found or not edited:
            return found or None
        original, of_original = _numbered(edited[1])
        as_it_stands = self._of_original(edited[1], ending, edited[2] or "")
        return as_it_stands or (self._of_original(original, ending, of_original) if of_original else None)

    def _find(self, title: Title) -> str | None:
        """The file of exactly this title, or of what is left of it where it was cut."""
        name, number = title
        if title in self._files or not _long(name):
            return self._files.get(title)
        cuts = (name[:length] for length in range(len(name) - 1, 0, -1))
        return next((self._files[cut, number] for cut in cuts if _long(cut) and (cut, number) in self._files), None)

    def _of_original(self, stem: str, ending: str, number: str) -> str | None:
        """The file of the image that was edited, which may be of another format or have a longer name."""
        found = self._find((stem + ending, number))
        if found:
            return found
        titles = self._sorted = self._sorted or sorted(self._files)
        begin = stem if _long(stem) else stem + "."
        for name, n in titles[bisect_left(titles, (begin, "")) :]:
            if not name.startswith(begin):
                return None
            if n == number:
                return self._files[name, n]
        return None


def _numbered(text: str) -> Title:
    match = NUMBERED.fullmatch(text)
    return (match[1], match[2]) if match else (text, "")


def _without_suffix(base: str) -> str:
    """base without ".supplemental-metadata" or what was left of it."""
    cut = next((n for n in range(len(SUFFIX), 0, -1) if base.endswith(SUFFIX[:n])), 0)
    return base[: len(base) - cut]


def _long(text: str) -> bool:
    return len(text) >= LONG or len(text.encode("utf-8", "surrogateescape")) >= LONG
