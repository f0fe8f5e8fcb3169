"""Small previews, made in the pass that embeds; the only pixels that the page serves."""

from io import BytesIO

from PIL import Image

SIDE = 320  # pixels of the longer side: a card at twice the density of most screens


def as_webp(small: Image.Image) -> bytes:
    """A WebP of an upright RGB image, without any metadata.

    Method 0 takes two thirds of the time of 2 and a sixteenth more bytes at the same 34.5 dB.
    """
    out = BytesIO()
    small.save(out, "WEBP", quality=78, method=0)
    return out.getvalue()
