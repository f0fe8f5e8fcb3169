"""Images as arrays, for builds that read many: what `preprocess` does, several times as fast.

libjpeg-turbo decodes ordinary JPEGs, and fast_image_resize, with a processor's vector instructions, resizes
everything; Pillow decodes the rest and is the reference: pixels differ from `preprocess.fit` by 2 of 255 at most, and
embeddings not at all to four places.
"""

import io
import threading
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from simplejpeg import decode_jpeg

from training.models.preprocess import (
    FORMATS,
    MODES,
    ORIENTATION,
    Preprocessing,
    placed,
    read_image,
    refused,
    scaled_size,
)

try:
    from cykooz_resizer import FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer
except ImportError:  # not made for every kind of machine
    Resizer = None

QUARTER_TURNS = {3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}  # counterclockwise, by EXIF orientation
MIRRORED = (2, 4, 5, 7)  # left and right change places, after turning
_mine = threading.local()  # a resizer waits for itself, so each thread has its own


@dataclass(frozen=True)
class Pixels:
    """An upright image: values uint8 [H, W, 3]. width, height: of the original once upright."""

    values: NDArray[np.uint8]
    width: int
    height: int

    @property
    def image(self) -> Image.Image:
        """The same as a Pillow image."""
        return Image.fromarray(self.values)


def read_pixels(data: bytes, min_side: int | None = None) -> Pixels:
    """What `read_image` reads, with the same limits, refusals and ImageError."""
    decoded = _ordinary_jpeg(data, min_side)
    if decoded is not None:
        return decoded
    image = read_image(data, min_side)
    return Pixels(np.asarray(image.image), image.width, image.height)


def _ordinary_jpeg(data: bytes, min_side: int | None) -> Pixels | None:
    """A JPEG as cameras and the web make them; None for what Pillow decodes better, or has a reason against."""
    if data[:2] != b"\xff\xd8":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:  # reads the header only
                size, mode = opened.size, opened.mode
                if opened.format not in ("JPEG", "MPO") or mode not in ("RGB", "L") or refused(size):
                    return None
                if scaled_size(size, min_side):
                    return None  # decoded small is faster still, and Pillow is the measure of how small
                orientation = opened.getexif().get(ORIENTATION, 1)
        values = decode_jpeg(data)
    except Exception:  # read_image will say what is wrong with it, if anything is
        return None
    if values.shape != (size[1], size[0], 3):
        return None
    values = np.rot90(values, QUARTER_TURNS.get(orientation, 0))
    if orientation in MIRRORED:
        values = values[:, ::-1]
    return Pixels(np.ascontiguousarray(values), values.shape[1], values.shape[0])


def fit_pixels(image: Pixels, preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """An image as a tower takes it: uint8 [size, size, 3]."""
    height, width = image.values.shape[:2]
    size = preprocessing.size
    (across, down), (left, top) = placed(width, height, size, preprocessing.mode)
    resized = _resized(image.values, across, down, preprocessing.interpolation)
    resized = resized[max(0, top) : max(0, top) + size, max(0, left) : max(0, left) + size]
    if left >= 0 and top >= 0:
        return np.ascontiguousarray(resized)
    canvas = np.full((size, size, 3), preprocessing.fill, np.uint8)  # larger than the image
    canvas[-top : -top + resized.shape[0], -left : -left + resized.shape[1]] = resized
    return canvas


def shrink_pixels(image: Pixels, side: int) -> Image.Image:
    """The image with its longer side at most side pixels."""
    height, width = image.values.shape[:2]
    scale = min(1.0, side / max(width, height))
    return Image.fromarray(
        _resized(image.values, max(1, round(width * scale)), max(1, round(height * scale)), "bilinear")
    )


def _resized(values: NDArray[np.uint8], width: int, height: int, interpolation: str) -> NDArray[np.uint8]:
    """Values [H, W, 3] at another size, antialiased."""
    before = values.shape[1], values.shape[0]
    if before == (width, height):
        return values
    if Resizer is None:
        return np.asarray(Image.fromarray(values).resize((width, height), MODES[interpolation]))
    if not hasattr(_mine, "resizer"):
        kinds = {"bicubic": FilterType.catmull_rom, "bilinear": FilterType.bilinear}
        _mine.options = {name: ResizeOptions(resize_alg=ResizeAlg.convolution(kinds[name])) for name in MODES}
        _mine.resizer = Resizer()
    now = ImageData(*before, PixelType.U8x3, values.tobytes())
    for size in ((width, before[1]), (width, height)):  # across and then down, each rounded, as Pillow does
        then = ImageData(*size, PixelType.U8x3)
        _mine.resizer.resize(now, then, _mine.options[interpolation])
        now = then
    return np.frombuffer(now.get_buffer(), np.uint8).reshape(height, width, 3)
