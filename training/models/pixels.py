"""Pictures as arrays, for builds that read many: what `preprocess` does, several times as fast.

torchvision decodes ordinary JPEGs and torch's vector code resizes everything; Pillow decodes the rest
and is the reference: pixels differ from `preprocess.fit` by 2 of 255 at most, and embeddings not at
all to four places. Importing this module imports torch, which a search by words never needs.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate, pad
from torchvision.io import ImageReadMode, decode_jpeg

from training.models.preprocess import FORMATS, ORIENTATION, Fitting, placed, read_picture, refused, scaled_size

QUARTER_TURNS = {3: 2, 4: 2, 5: 1, 6: 3, 7: 3, 8: 1}  # counterclockwise, by EXIF orientation
MIRRORED = (2, 4, 5, 7)  # left and right change places, after turning


@dataclass(frozen=True)
class Pixels:
    """An upright picture: values uint8 [3, H, W]. width, height: of the original once upright."""

    values: torch.Tensor
    width: int
    height: int

    @property
    def image(self) -> Image.Image:
        """The same as a Pillow picture."""
        return Image.fromarray(self.values.permute(1, 2, 0).contiguous().numpy())


def read_pixels(data: bytes, min_side: int | None = None) -> Pixels:
    """What `read_picture` reads, with the same limits, refusals and PictureError."""
    decoded = _ordinary_jpeg(data, min_side)
    if decoded is not None:
        return decoded
    picture = read_picture(data, min_side)
    values = torch.from_numpy(np.array(picture.image)).permute(2, 0, 1)
    return Pixels(values, picture.width, picture.height)


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
                    return None  # decoded small is faster still, and only Pillow does that
                orientation = opened.getexif().get(ORIENTATION, 1)
        values = decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8), mode=ImageReadMode.RGB)
    except Exception:  # read_picture will say what is wrong with it, if anything is
        return None
    if values.shape != (3, size[1], size[0]):
        return None
    values = torch.rot90(values, QUARTER_TURNS.get(orientation, 0), (1, 2))
    if orientation in MIRRORED:
        values = values.flip(2)
    return Pixels(values, values.shape[2], values.shape[1])


def fit_pixels(picture: Pixels, fitting: Fitting) -> NDArray[np.uint8]:
    """A picture as a tower takes it: uint8 [size, size, 3]."""
    height, width = picture.values.shape[1:]
    size = fitting.size
    (across, down), (left, top) = placed(width, height, size, fitting.mode)
    resized = _resized(picture.values, across, down, fitting.interpolation)
    resized = resized[:, max(0, top) : max(0, top) + size, max(0, left) : max(0, left) + size]
    if left < 0 or top < 0:  # smaller than the canvas, so that it is padded
        right, bottom = size - resized.shape[2] + left, size - resized.shape[1] + top
        resized = pad(resized, (-left, right, -top, bottom), value=fitting.fill)
    return resized.permute(1, 2, 0).contiguous().numpy()


def shrink_pixels(picture: Pixels, side: int) -> Image.Image:
    """The picture with its longer side at most side pixels."""
    height, width = picture.values.shape[1:]
    scale = min(1.0, side / max(width, height))
    small = _resized(picture.values, max(1, round(width * scale)), max(1, round(height * scale)), "bilinear")
    return Pixels(small, picture.width, picture.height).image


def _resized(values: torch.Tensor, width: int, height: int, interpolation: str) -> torch.Tensor:
    if values.shape[1:] == (height, width):
        return values
    return interpolate(values[None], (height, width), mode=interpolation, antialias=True)[0]
