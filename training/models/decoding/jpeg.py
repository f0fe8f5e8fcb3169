"""Ordinary JPEGs by libjpeg-turbo: the same pixels as Pillow's, in less time."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image
from simplejpeg import decode_jpeg

from training.models.decoding.colours import transform_of
from training.models.decoding.image import QUIET, DecodedImage, check_size, upright
from training.models.decoding.modes import to_rgb
from training.models.decoding.partial import ZEROS
from training.models.decoding.pillow import PILLOW, orientation_of, reduced_size


class Header(NamedTuple):
    """size: width and height. mode: Pillow's, RGB or L. profile: ICC. orientation: EXIF's."""

    size: tuple[int, int]
    mode: str
    profile: bytes | None
    orientation: object


def plain_header(data: bytes, min_side: int | None, most_megapixels: float) -> Header | None:
    """The header of a JPEG as cameras and the web make them; None for what Pillow decodes better, or has a reason
    against.
    """
    if data[:2] != b"\xff\xd8" or data.endswith(bytes(ZEROS)):
        return None
    try:
        with QUIET, Image.open(io.BytesIO(data), formats=PILLOW["JPEG"]) as opened:  # reads the header only
            size, mode = opened.size, opened.mode
            check_size(size, most_megapixels)
            if mode not in ("RGB", "L") or reduced_size(size, min_side):
                return None  # decoded at a fraction is faster still, and Pillow chooses the fraction
            profile = opened.info.get("icc_profile")
            return None if mode == "L" and profile else Header(size, mode, profile, orientation_of(opened))
    except Exception:  # Pillow will say what is wrong with it, if anything is
        return None


def decode_plain_jpeg(data: bytes, min_side: int | None, most_megapixels: float) -> DecodedImage | None:
    """A JPEG with a plain header; None for all other files, and where it cannot be decoded so."""
    header = plain_header(data, min_side, most_megapixels)
    if header is None:
        return None
    try:
        pixels = decode_jpeg(data)
    except Exception:  # Pillow will say what is wrong with it
        return None
    if pixels.shape != (header.size[1], header.size[0], 3):
        return None
    if transform_of(header.profile, header.mode) is not None:
        image = Image.fromarray(pixels)
        image.info["icc_profile"] = header.profile
        pixels = np.asarray(to_rgb(image))
    pixels = upright(pixels, header.orientation)
    return DecodedImage(pixels, pixels.shape[1], pixels.shape[0])
