"""Images that Pillow reads, and the reference for JPEGs that the fast path reads."""

import ctypes
import io
import logging
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
from PIL import Image, ImageFile

from training.models.decoding.image import ORIENTATION, DecodedImage, ImageError, check_size, upright
from training.models.decoding.modes import to_rgb
from training.models.decoding.partial import LEAST_SHARE, SHORT, ends_early, load_partial, without_zeros
from training.models.decoding.png import without_metadata


def _silence_libtiff() -> None:
    """libtiff writes errors to stderr; Pillow turns off its warnings only, and the reason is told by ImageError."""
    with suppress(AttributeError, OSError):  # where Pillow has libtiff inside, as on Windows
        ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


_silence_libtiff()
logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)
ImageFile.LOAD_TRUNCATED_IMAGES = False  # half an image is a failure, not an image with a grey half
# Pillow's own names of the formats that it reads here, by name in the table of formats. Others Pillow hands to a
# program (PostScript to Ghostscript), or reads by rarely used code.
PILLOW: Mapping[str, tuple[str, ...]] = {
    "JPEG": ("JPEG",),
    "PNG": ("PNG",),
    "WebP": ("WEBP",),
    "GIF": ("GIF",),
    "BMP": ("BMP", "DIB"),
    "TIFF": ("TIFF",),
    "AVIF": ("AVIF",),
    "JPEG 2000": ("JPEG2000",),
    "TGA": ("TGA",),
    "PNM": ("PPM",),
    "ICO": ("ICO",),
    "PSD": ("PSD",),
}


def read_by_pillow(data: bytes, name: str, min_side: int | None, most_megapixels: float) -> DecodedImage:
    """Decode data, which holds the format `name`. ImageError for what is too large, Pillow's own for what is broken."""
    data = without_zeros(data, name)
    if name == "PNG":
        data = without_metadata(data)
    width = height = 0

    def open_image(data: bytes) -> Image.Image:
        nonlocal width, height
        opened = Image.open(io.BytesIO(data), formats=PILLOW[name])
        width, height = opened.size
        check_size(opened.size, most_megapixels)
        small = reduced_size(opened.size, min_side)
        if small and name == "JPEG":
            opened.draft("RGB", small)
        return opened

    def load_image(data: bytes) -> Image.Image:
        opened = open_image(data)
        opened.load()
        return opened

    warning = ""
    try:
        image = load_image(data)
    except (ImageError, Image.DecompressionBombError):
        raise
    except Exception as error:
        early = ends_early(data, name) or SHORT.search(str(error))
        found = load_partial(data, name, load_image, open_image) if early else None
        if found is None or found[1] < LEAST_SHARE:
            raise
        image, share = found
        warning = f"the end of the file is missing, and with it {1 - share:.1%} of the image"
    if name in ("TGA", "BMP") and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        image = image.convert("RGB")  # the fourth byte is padding where it is zero everywhere
    orientation = orientation_of(image)
    pixels = upright(np.asarray(to_rgb(image)), orientation)
    if orientation in (5, 6, 7, 8):
        width, height = height, width
    return DecodedImage(pixels, width, height, warning)


def reduced_size(size: tuple[int, int], min_side: int | None) -> tuple[int, int] | None:
    """The least size at which a JPEG of this size may be decoded, or None if it is decoded whole."""
    shorter = min(size)
    if not min_side or shorter < 4 * min_side:
        return None
    return 2 * min_side * size[0] // shorter, 2 * min_side * size[1] // shorter


def orientation_of(image: Image.Image) -> object:
    """EXIF's orientation; 1 if it is missing or the metadata is broken, which is no reason against the image."""
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # Pillow's readers of metadata raise many kinds
        return 1


def header_error(data: bytes, name: str) -> str:
    """What Pillow's reader of a format says of a header that `Image.open` cannot identify."""
    for format in PILLOW.get(name, ()):
        try:
            Image.OPEN[format][0](io.BytesIO(data), "").close()
        except Exception as error:
            return str(error)
    return ""
