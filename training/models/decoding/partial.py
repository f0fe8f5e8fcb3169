"""Files that end early: whether they do, and how much of the image is there all the same."""

import re
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFile

from training.models.decoding.jpeg_parts import restart_interval, scans_are_complete, start_of_scan
from training.models.decoding.png import chunks
from training.models.decoding.tiff_parts import directory_is_whole

SHORT = re.compile(r"truncat|not enough|end of file|\beof\b|unexpected end|premature", re.I)  # in libraries' errors
LEAST_SHARE = 0.9  # of an image's pixels: with less, it is truncated
PADDED = ("WebP", "HEIC", "AVIF", "JPEG 2000", "JPEG XL")  # read as a whole or not at all; their headers say how long
TILE = b"\xff\x90"  # the marker of a tile of JPEG 2000
DIRECTORY = 4  # bytes that may be missing of a TIFF's directory
STRIP = 256  # rows
ZEROS = 512  # that many at the end of a format that cannot end so: space that an interrupted copy left

Load = Callable[[bytes], Image.Image]  # opens and decodes a whole file, or raises


def without_zeros(data: bytes, name: str) -> bytes:
    """data without the zeros that an interrupted copy left at its end, where a whole file cannot end in so many."""
    if not data.endswith(bytes(ZEROS)):
        return data
    stripped = data.rstrip(b"\x00")
    if name in ("JPEG", "PNG", "GIF"):
        return stripped
    whole = min(len(data), declared_length(data, name))
    return stripped if name in PADDED and len(stripped) < LEAST_SHARE * whole else data


def ends_early(data: bytes, name: str) -> bool:
    """Whether the end of a file is missing, by what its format says; False where the format does not say."""
    if name == "JPEG":
        scan = start_of_scan(data)
        return scan < 0 or data.find(b"\xff\xd9", scan) < 0
    if name == "PNG":
        kinds = [(kind, end) for kind, _, end in chunks(data)]
        return not kinds or kinds[-1][0] != b"IEND" or kinds[-1][1] > len(data)
    if name == "GIF":
        return not data.rstrip(b"\x00").endswith(b";")
    if name == "TIFF":
        return not directory_is_whole(data)
    return declared_length(data, name) > len(data)


def declared_length(data: bytes, name: str) -> int:
    """How many bytes a file's headers promise; 0 where they do not."""
    if name == "WebP":
        return int.from_bytes(data[4:8], "little") + 8
    if name == "BMP":
        return int.from_bytes(data[2:6], "little")
    if name == "JPEG 2000":
        return _end_of_codestream(data)
    if name not in ("HEIC", "AVIF", "JPEG XL"):
        return 0
    at = 0
    while 0 <= at < len(data):  # boxes, each with its length first
        length = int.from_bytes(data[at : at + 4], "big")
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        if length < 8:  # 0: to the end of the file
            return 0
        at += length
    return at


def _end_of_codestream(data: bytes) -> int:
    """Of JPEG 2000: its tiles, each with its length, follow a main header of marker segments; 0 if they do not say."""
    at = data.find(b"\xff\x4f\xff\x51") + 2
    while 2 <= at <= len(data) - 12:
        marker = data[at : at + 2]
        step = int.from_bytes(data[at + 6 : at + 10] if marker == TILE else data[at + 2 : at + 4], "big")
        if step == 0 or marker[:1] != b"\xff":
            return 0
        at += step if marker == TILE else step + 2
        if marker == TILE and data[at : at + 2] != TILE:
            return at + 2
    return 0


def load_partial(data: bytes, name: str, load: Load, open: Load) -> tuple[Image.Image, float] | None:
    """What is there of an image whose file ends early, and the share of its pixels that is; None if it cannot be told.

    load: opens and decodes. open: opens only. The share counts pixels that do not depend on the missing bytes, found by
    decoding twice with different bytes in their place (JPEG) or with different pixels in place of those that are never
    written (PNG, GIF, BMP, TIFF and others). Formats that are read as a whole (PADDED) get zeros for what is missing,
    and the share is that of the file's bytes.
    """
    if name == "JPEG":
        return _of_jpeg(data, load)
    if name in PADDED:
        return _of_bytes(data, name, load)
    if name == "TIFF" and not directory_is_whole(data):
        return load(data + bytes(DIRECTORY)), 1.0  # it lies behind the pixels, or there is nothing to be seen
    return _of_rows(data, open)


def _of_bytes(data: bytes, name: str, load: Load) -> tuple[Image.Image, float] | None:
    length = declared_length(data, name)
    share = len(data) / max(length, 1)
    if not LEAST_SHARE <= share < 1:
        return None
    end = b"\xff\xd9" if name == "JPEG 2000" else b""
    kept = data[: length - len(end)]
    return load(kept + bytes(length - len(end) - len(kept)) + end), share


def _of_jpeg(data: bytes, load: Load) -> tuple[Image.Image, float] | None:
    if not scans_are_complete(data):
        return None
    end = b"\xff\xd9"
    data = data[:-1] if data.endswith(b"\xff") else data
    image = load(data + end)
    other = load(data + _any_pixels(data, image.width * image.height) + end)
    return image, _equal_share(image, other)


def _any_pixels(data: bytes, pixels: int) -> bytes:
    """Coded data as any other image could have it, for more than a tenth of a JPEG's pixels."""
    random = np.random.default_rng(0)
    interval = restart_interval(data) * 256  # pixels at most
    if not interval:
        return random.integers(0, 255, pixels // 3 + 4096, np.uint8).tobytes()
    last = max(data.rfind(bytes([0xFF, 0xD0 + number])) for number in range(8))
    following = data[last + 1] - 0xCF if last >= 0 else 0
    pieces = range(pixels // 8 // interval + 2)
    piece = random.integers(0, 255, interval // 2, np.uint8).tobytes()
    return b"".join(piece + bytes([0xFF, 0xD0 + (following + number) % 8]) for number in pieces)


def _of_rows(data: bytes, open: Load) -> tuple[Image.Image, float] | None:
    image = _filled(open(data), 128)
    return image, _equal_share(image, _filled(open(data), 0))


def _filled(image: Image.Image, value: int) -> Image.Image:
    """An opened image as far as it can be decoded; in the rest, every channel is value."""
    assert isinstance(image, ImageFile.ImageFile)
    prepare = image.load_prepare

    def prepare_filled() -> None:
        prepare()
        bands = len(image.getbands())
        image.im = Image.core.fill(image.im.mode, image.im.size, value if bands == 1 else (value,) * bands)
        if image.palette is not None:
            image.palette.dirty = 1  # the new pixels have none yet

    image.load_prepare = prepare_filled  # type: ignore[method-assign]
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, zlib.error):
        image.tile = []  # decoded as far as it goes
    return image


def _equal_share(one: Image.Image, other: Image.Image) -> float:
    """The share of pixels that two images have in common, counted in strips to keep memory low."""
    if one.size != other.size or one.mode != other.mode:
        return 0.0
    width, height = one.size
    equal = 0
    for top in range(0, height, STRIP):
        box = (0, top, width, min(top + STRIP, height))
        first, second = (np.asarray(image.crop(box)).reshape(box[3] - top, width, -1) for image in (one, other))
        equal += int((first == second).all(axis=-1).sum())
    return equal / (width * height)
