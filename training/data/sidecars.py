"""Which files of a folder belong to an image there: what says something of it, and the other half of a pair.

Decided by the names alone, in any case of letters and either Unicode form, so that a folder's listing is enough.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from os.path import splitext

from training.data.takeout_names import TakeoutNames
from training.models.file_names import folded
from training.models.formats import format_of

READ = (".xmp", ".json", ".txt")  # what is read of an image, first what goes before the others
ENDINGS = (*READ, ".aae", ".thm", ".wav", ".dop", ".pp3")  # edits, previews, voice notes and settings of other programs
ORIGINAL = "_original"  # behind the name of an image: what it was before ExifTool, or an export, wrote into it
MOTION = (".mov", ".mp4", ".mp")  # the moving half of a Live Photo or of a motion photo
STILL = ("JPEG", "MPO", "HEIC", "AVIF")  # formats of the other half
ICLOUDPD = re.compile(r"_(hevc|heic)$")  # icloudpd's IMG_1_HEVC.MOV is that of IMG_1.HEIC
PIXEL_RAW = re.compile(r"\.raw-\d\d\.(mp\.)?(cover|original)$")  # of a pair: PXL_1.RAW-02.ORIGINAL.dng
ALBUM = "metadata.json"  # what Google Takeout says of an album

FULL_NAME, STEM, TAKEOUT, HALF = range(4)  # how a sidecar was found, the most specific first


def sidecars_of(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The sidecars of each image or video in one folder, of those that have some; the most specific first.

    names: all files of the folder. The raw beside a JPEG and the video beside a HEIC or JPEG of the same stem are
    sidecars, and then have no entry of their own: whatever belongs to them belongs to the image. A sidecar that fits
    several images by its stem belongs to each.
    """
    folder = _Folder(sorted(names))
    folder.pair()
    folder.place()
    return {owner: tuple(dict.fromkeys(name for _, name in sorted(found))) for owner, found in folder.found.items()}


class _Folder:
    """The files of one folder. by_name, by_stem: the images and videos that a folded name or stem leads to."""

    def __init__(self, names: list[str]):
        self.names = names
        self.found: dict[str, list[tuple[int, str]]] = defaultdict(list)  # by image or video, each with how
        self.by_name: dict[str, list[str]] = defaultdict(list)
        self.by_stem: dict[str, list[str]] = defaultdict(list)

    def pair(self) -> None:
        """Find the images and videos, and which of them are the other half of an image."""
        others = []
        for name in self.names:
            kind = _kind(name)
            if kind == "image":
                self._lead_to(name, name)
            elif kind:
                others.append(name)
        partners = {name: self._partners(name) for name in others}
        for name, images in partners.items():
            for image in images:
                self._lead_to(name, image)
                self.found[image].append((HALF, name))
            if not images:
                self._lead_to(name, name)

    def _lead_to(self, name: str, owner: str) -> None:
        for index, key in ((self.by_name, folded(name)), (self.by_stem, _stem(name))):
            if owner not in index[key]:
                index[key].append(owner)

    def _partners(self, name: str) -> list[str]:
        """The images whose other half a raw file or a video is: IMG_1.CR2 of IMG_1.JPG, PXL_1.MP of PXL_1.MP.jpg."""
        images = self.by_stem.get(_stem(name)) or self.by_stem.get(folded(name), [])
        if _kind(name) == "raw":
            return list(images)
        images = images or self.by_stem.get(ICLOUDPD.sub("", _stem(name)), [])
        return [image for image in images if _is_motion(name) and _is_still(image)]

    def place(self) -> None:
        """Find whom every other sidecar belongs to."""
        takeout = TakeoutNames()
        placed = [name for name in self.names if _is_sidecar(name) and folded(name) != ALBUM]
        for name in placed:
            self._place(name)
            if _ending(name) == ".json":
                takeout.add(_stem(name), name)
        self.found = {owner: found for owner, found in self.found.items() if found}
        if not takeout:
            return
        owners = {owner for owners in self.by_name.values() for owner in owners}
        for owner in sorted(owners):
            has_one = any(_ending(name) == ".json" for _, name in self.found.get(owner, ()))
            json = None if has_one else takeout.of(folded(owner))
            if json is not None:
                self.found.setdefault(owner, []).append((TAKEOUT, json))

    def _place(self, name: str) -> None:
        original = name.endswith(ORIGINAL)
        base = folded(name).removesuffix(ORIGINAL) if original else _stem(name)
        owners, how = self.by_name.get(base, []), FULL_NAME
        if not owners and not original:
            owners, how = self.by_stem.get(base, []), STEM
        if not owners and base.startswith("img_o") and _ending(name) == ".aae":  # the adjustments of the original
            owners = self.by_stem.get("img_" + base.removeprefix("img_o"), [])
        for owner in owners:
            of_half = how == FULL_NAME and folded(owner) != base  # IMG_1.CR2.xmp, where IMG_1.JPG is the image
            self.found[owner].append((HALF if of_half else how, name))


def _kind(name: str) -> str:
    return _kind_of(_ending(name))


@lru_cache(1024)
def _kind_of(ending: str) -> str:
    """ "image", "raw", "video", or "" for what is none of them."""
    known = format_of(f"file{ending}")
    if known is not None and known.kind in ("image", "raw", "video"):
        return known.kind
    return "video" if ending.partition("~")[0] in MOTION else ""  # Google also writes PXL_1.MP~2


def _is_sidecar(name: str) -> bool:
    return _ending(name) in ENDINGS or name.endswith(ORIGINAL)


def _is_motion(name: str) -> bool:
    return _ending(name).partition("~")[0] in MOTION


def _is_still(name: str) -> bool:
    known = format_of(name)
    return known is not None and known.name in STILL


def _ending(name: str) -> str:
    return splitext(name)[1].lower()


def _stem(name: str) -> str:
    return PIXEL_RAW.sub("", folded(splitext(name)[0]))
