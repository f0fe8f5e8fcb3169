"""What decoding gives, why it fails, and the limits that every decoder keeps."""

import threading
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.errors import UserError

MOST_MEGAPIXELS = 170  # beyond it lies a decompression bomb; just below the size at which Pillow itself refuses
MOST_RATIO = 200  # of the longer side to the shorter: resized, a line a pixel wide would fill gigabytes

ORIENTATION = 0x0112  # EXIF's tag for how the camera was held
QUARTER_TURNS = {3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}  # counterclockwise, by EXIF orientation
MIRRORED = (2, 4, 5, 7)  # orientations in which left and right change places, after turning


class ImageError(UserError):
    """Bytes that are no image we can read; the message is the reason, without the name of the file."""


class UnsupportedFormat(ImageError):
    """A file that is sound as far as we know, in a format that this installation does not read."""


@dataclass(frozen=True)
class DecodedImage:
    """An upright RGB image.

    pixels: uint8 [H, W, 3], maybe reduced. width, height: of the original once upright. warning: what is wrong with an
    image that was read all the same, "" if nothing is.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    warning: str = ""

    @property
    def image(self) -> Image.Image:
        """The pixels as a Pillow image."""
        return Image.fromarray(self.pixels)


def check_size(size: tuple[int, int], most_megapixels: float) -> None:
    """ImageError if an image of this width and height is too large or too thin to be decoded."""
    width, height = size
    if width * height > most_megapixels * 1_000_000:
        raise ImageError(f"too large: {width} x {height} pixels is over the limit of {most_megapixels:g} megapixels")
    if max(size) > MOST_RATIO * min(size):
        raise ImageError(f"too thin: {width} x {height} pixels; a side may be {MOST_RATIO} times the other at most")


def upright(pixels: NDArray[np.uint8], orientation: object) -> NDArray[np.uint8]:
    """Pixels [H, W, 3] turned and mirrored as an EXIF orientation says; what is no orientation changes nothing."""
    if orientation not in (2, 3, 4, 5, 6, 7, 8):
        return pixels
    pixels = np.rot90(pixels, QUARTER_TURNS.get(orientation, 0))
    return np.ascontiguousarray(pixels[:, ::-1] if orientation in MIRRORED else pixels)


class _Quiet:
    """Python's warnings are off while any thread is inside: unlike catch_warnings, safe in several threads at once."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.__exit__(None, None, None)


QUIET = _Quiet()  # our own limits are checked, and odd metadata is of no account
