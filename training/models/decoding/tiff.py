"""TIFF: Pillow reads what cameras and scanners write; tifffile what instruments write (float RGB, 64 bits)."""

import io
import logging

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.decoding.image import ORIENTATION, DecodedImage, check_size, upright
from training.models.decoding.modes import eight_bits, to_rgb
from training.models.decoding.pillow import read_by_pillow

ICC_PROFILE = 34675  # its tag
logging.getLogger("tifffile").setLevel(logging.CRITICAL + 1)  # the reason is told by ImageError


def read_tiff(data: bytes, name: str, min_side: int | None, most_megapixels: float) -> DecodedImage:
    """Decode the first page of data."""
    try:
        if not _is_misread(data):
            return read_by_pillow(data, name, min_side, most_megapixels)
    except Image.UnidentifiedImageError as error:
        try:
            return _by_tifffile(data, most_megapixels)
        except (ValueError, KeyError, TypeError, IndexError):
            raise error from None
    return _by_tifffile(data, most_megapixels)


def _is_misread(data: bytes) -> bool:
    """Whether Pillow gives wrong pixels: it takes half of 32-bit values for negative, and deep planes for bytes."""
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as opened:
        tags = getattr(opened, "tag_v2", {})
        unsigned = opened.mode == "I" and tags.get(258) == (32,) and tags.get(339, (1,)) == (1,)
        return unsigned or (tags.get(284) == 2 and max(tags.get(258, (1,))) > 8)


def _by_tifffile(data: bytes, most_megapixels: float) -> DecodedImage:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        check_size((page.imagewidth, page.imagelength), most_megapixels)
        if page.samplesperpixel > 4 or page.imagedepth > 1 or page.dtype is None or page.dtype.kind not in "uif":
            raise ValueError("unsupported: not an image that can be shown")
        values: NDArray[np.generic] = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            values = np.moveaxis(values, 0, -1)
        values = values.reshape(page.imagelength, page.imagewidth, -1)[..., :3]
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            values = values.max(initial=0) - values
        orientation, profile = page.tags.valueof(ORIENTATION), page.tags.valueof(ICC_PROFILE)
    image = Image.fromarray(eight_bits(values[..., 0] if values.shape[2] < 3 else values))
    image.info["icc_profile"] = profile
    pixels = upright(np.asarray(to_rgb(image)), orientation)
    return DecodedImage(pixels, pixels.shape[1], pixels.shape[0])
