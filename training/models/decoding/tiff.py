"""TIFF: Pillow reads what cameras and scanners write; tifffile what instruments write (float RGB, 64 bits)."""

import io
import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.decoding.image import ORIENTATION, DecodedImage, check_size, upright
from training.models.decoding.modes import eight_bits, to_rgb
from training.models.decoding.pillow import read_by_pillow

ICC_PROFILE = 34675  # its tag
TRANSPARENCY = (1, 2)  # extra samples: premultiplied, and not
MOST_SAMPLES = 16  # of a pixel: its colours, transparency, and channels that are not shown
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
    """Whether Pillow gives wrong pixels.

    It takes half of 32-bit values for negative, signed bytes for unsigned, deep planes for bytes, and white for black
    in deep greys of which 0 is white; it cannot read more than four planes.
    """
    with Image.open(io.BytesIO(data), formats=("TIFF",)) as opened:
        tags = getattr(opened, "tag_v2", {})
        bits, kind = tags.get(258, (1,)), tags.get(339, (1,))
        unsigned = opened.mode == "I" and bits == (32,) and kind == (1,)
        negative = tags.get(262) == 0 and max(bits) > 8
        signed_bytes = bits == (8,) and kind == (2,)
        return unsigned or negative or signed_bytes or (tags.get(284) == 2 and (max(bits) > 8 or len(bits) > 4))


def _by_tifffile(data: bytes, most_megapixels: float) -> DecodedImage:
    import tifffile

    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        check_size((page.imagewidth, page.imagelength), most_megapixels)
        kind = page.dtype.kind if page.dtype is not None else ""
        if page.samplesperpixel > MOST_SAMPLES or page.imagedepth > 1 or kind not in ("u", "i", "f"):
            raise ValueError("unsupported: not an image that can be shown")
        values: NDArray[np.generic] = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            values = np.moveaxis(values, 0, -1)
        values = values.reshape(page.imagelength, page.imagewidth, -1)
        colours = _colours(page.photometric, values.shape[2])
        alpha = _alpha(values, colours, page.extrasamples)
        values = values[..., :colours]
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            whole = values.dtype.kind == "u"
            values = (_largest(values) if whole else values.max(initial=0)) - values
        orientation, profile = page.tags.valueof(ORIENTATION), page.tags.valueof(ICC_PROFILE)
    if colours == 4:
        image = Image.fromarray(_of_full_scale(values), "CMYK")
    else:
        image = Image.fromarray(eight_bits(values[..., 0] if colours == 1 else values))
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
    image.info["icc_profile"] = profile
    pixels = upright(np.asarray(to_rgb(image)), orientation)
    return DecodedImage(pixels, pixels.shape[1], pixels.shape[0])


def _colours(photometric: int, samples: int) -> int:
    """How many of a pixel's samples are its colour: 1 of a grey, 3 of RGB, 4 of CMYK. The others are extra ones.

    Greys of three or four samples are taken for RGB, which some programs forget to declare.
    """
    if photometric == 5:  # inks
        if samples < 4:
            raise ValueError("unsupported: inks other than CMYK")
        return 4
    return 1 if samples < 3 or (samples > 4 and photometric in (0, 1)) else 3


def _alpha(values: NDArray[np.generic], colours: int, extra: Sequence[int]) -> NDArray[np.uint8] | None:
    """The transparency in values [H, W, samples] as 8 bits [H, W]; None if there is none. extra: what TIFF says."""
    if values.shape[2] <= colours or not extra or extra[0] not in TRANSPARENCY:
        return None
    return _of_full_scale(values[..., colours])


def _of_full_scale(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Values as 8 bits, of which the most is the largest that integers of their kind may have, or 1 of floats."""
    full = _largest(values) if values.dtype.kind in "ui" else 1.0
    share = np.nan_to_num(np.clip(values.astype(np.float64) / full, 0, 1), nan=1.0)
    found: NDArray[np.uint8] = (share * 255).round().astype(np.uint8)
    return found


def _largest(values: NDArray[np.generic]) -> int:
    """The largest value that integers of this kind may have."""
    return int(np.iinfo(np.dtype(values.dtype.str)).max)
