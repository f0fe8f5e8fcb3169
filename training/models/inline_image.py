"""Images as data: URLs, for those that belong to no collection and have no address."""

import base64
import binascii
import io

from PIL import Image

from training.models.decoding import decode_image
from training.models.errors import UserError

SIDE = 320  # pixels of the longer side at most
QUALITY = 85  # of WebP
PREFIX = "data:image/webp;base64,"


def data_url(image: Image.Image, side: int = SIDE) -> str:
    """A small copy of image as a data: URL. side: pixels of its longer side at most."""
    small = image.copy()
    small.thumbnail((side, side))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=QUALITY)
    return PREFIX + base64.b64encode(out.getvalue()).decode()


def image_of_url(url: str) -> Image.Image:
    """The image in RGB that data_url made; UserError if it is none."""
    try:
        data = base64.b64decode(url.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UserError("That is not an image of this page.") from error
    return decode_image(data).image.convert("RGB")
