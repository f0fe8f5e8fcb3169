"""Which reader decodes which format, and the reasons for what none of them can."""

import importlib
import re
from collections.abc import Callable

from PIL import Image

from training.models.decoding.content import content_of, why_no_image
from training.models.decoding.image import MOST_MEGAPIXELS, QUIET, DecodedImage, ImageError, UnsupportedFormat
from training.models.decoding.jpeg_parts import READ_FRAMES, frame_of
from training.models.decoding.partial import SHORT, ends_early, without_zeros
from training.models.decoding.pillow import header_error, read_by_pillow
from training.models.formats import format_called, why_unsupported

Reader = Callable[[bytes, str, int | None, float], DecodedImage]
READERS = {
    "TIFF": "tiff:read_tiff",
    "HEIC": "heif:read_heif",
    "JPEG XL": "jxl:read_jxl",
    "SVG": "svg:read_svg",
    "RAW": "raw:read_raw",
}
UNUSUAL = re.compile(r"unsupported|not supported|unknown (?!error)|not implemented", re.I)


def decode_by_pillow(
    data: bytes, min_side: int | None = None, most_megapixels: float = MOST_MEGAPIXELS
) -> DecodedImage:
    """The reference: what `decode_image` gives, without libjpeg-turbo's short way for ordinary JPEGs."""
    name = content_of(data)
    if not name:
        raise ImageError(why_no_image(data))
    unsupported = why_unsupported(format_called(name))
    if unsupported:
        raise UnsupportedFormat(unsupported)
    if most_megapixels > MOST_MEGAPIXELS:  # Pillow would refuse what the caller allows
        Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, int(most_megapixels * 500_000))
    try:
        with QUIET:
            return _reader(name)(data, name, min_side, most_megapixels)
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"too large: over the limit of {most_megapixels:g} megapixels") from error
    except MemoryError as error:
        raise ImageError("too large: it does not fit into memory") from error
    except Exception as error:  # decoders raise many kinds on broken files
        with QUIET:
            message = header_error(data, name) if isinstance(error, Image.UnidentifiedImageError) else str(error)
        raise _why(without_zeros(data, name), name, message) from error


def _reader(name: str) -> Reader:
    if name not in READERS:
        return read_by_pillow
    module, _, function = READERS[name].partition(":")
    reader: Reader = getattr(importlib.import_module(f"training.models.decoding.{module}"), function)
    return reader


def _why(data: bytes, name: str, message: str) -> ImageError:
    """The reason for a decoder's error, in plain words. message: the library's own, which is never shown."""
    if name == "JPEG":
        frame = frame_of(data)
        if frame is not None and (frame[0] not in READ_FRAMES or frame[1] != 8):
            return UnsupportedFormat("a rare kind of JPEG that is not read (hierarchical, or of 12 bits)")
    if name == "PSD" and data[22:24] not in (b"", b"\0\x08"):
        return UnsupportedFormat("a rare kind of PSD that is not read (not of 8 bits)")
    if UNUSUAL.search(message):
        return UnsupportedFormat(f"a rare kind of {name} that is not read")
    if ends_early(data, name) or SHORT.search(message):
        return ImageError(f"truncated: the {name} file ends before its image does")
    return ImageError(f"broken: the {name} data is damaged")
