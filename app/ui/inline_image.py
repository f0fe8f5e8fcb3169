"""Generated images inside a response: they belong to no collection and have no address."""

import base64
import io

from PIL import Image

SIDE = 320  # pixels of the longer side at most
QUALITY = 85  # of WebP


def data_url(image: Image.Image) -> str:
    """A small copy of image as a data: URL."""
    small = image.copy()
    small.thumbnail((SIDE, SIDE))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
