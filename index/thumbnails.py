"""Small previews, made in the pass that embeds; the only pixels that the page serves."""

from io import BytesIO

from PIL import Image

SIDE = 320  # pixels of the longer side: a card at twice the density of most screens


def thumbnail(picture: Image.Image) -> bytes:
    """A WebP of an upright RGB picture, at most SIDE pixels wide and high, without any metadata."""
    small = picture.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=2.0)
    out = BytesIO()
    small.save(out, "WEBP", quality=80, method=2)
    return out.getvalue()
