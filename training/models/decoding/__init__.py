"""From a file's bytes to upright RGB pixels: the one decoder of builds, training, evaluation and queries.

A file is read by what it holds, whatever its name says. libjpeg-turbo decodes ordinary JPEGs in less time; Pillow is
the reference that both agree with, bit for bit. Other files have a reader each (see training/models/formats.py). All
readers keep one policy:

- The image is the first frame, page or primary image; it stands upright; its pixels are sRGB (an ICC profile is
  applied, a broken one ignored); transparency is on white; deep and float greys are scaled by their content (modes.py).
- Metadata that is broken or too large is no reason against an image.
- A file whose end is missing is read, with a warning, if at least nine tenths of the image's pixels do not depend on
  what is missing (partial.py); with less it is truncated, which is a failure.
- Everything else that cannot be read is an ImageError that says in plain words why.
"""

from training.models.decoding.image import MOST_MEGAPIXELS, DecodedImage, ImageError, UnsupportedFormat
from training.models.decoding.jpeg import decode_plain_jpeg
from training.models.decoding.modes import to_rgb
from training.models.decoding.pillow import PILLOW
from training.models.decoding.readers import decode_by_pillow

__all__ = (
    "FORMATS",
    "MOST_MEGAPIXELS",
    "DecodedImage",
    "ImageError",
    "UnsupportedFormat",
    "decode_by_pillow",
    "decode_image",
    "to_rgb",
)

FORMATS = tuple(name for names in PILLOW.values() for name in names)  # Pillow's names of what it may open


def decode_image(data: bytes, min_side: int | None = None, most_megapixels: float = MOST_MEGAPIXELS) -> DecodedImage:
    """Decode an image of any format in the table of formats.

    min_side: the shorter side that will be needed; a much larger JPEG or HEIC is then decoded at a fraction of its
    size, never below twice min_side, which keeps the embedding (cosine .999). most_megapixels: of the image as it is
    stored; what is larger is refused before it is decoded. ImageError for what cannot be read, UnsupportedFormat if
    that is because of its format.
    """
    return decode_plain_jpeg(data, min_side, most_megapixels) or decode_by_pillow(data, min_side, most_megapixels)
