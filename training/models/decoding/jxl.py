"""JPEG XL, by the optional package pylibjxl."""

import numpy as np
from PIL import Image

from training.models.decoding.image import DecodedImage, check_size
from training.models.decoding.modes import to_rgb

SECONDS = 60.0  # after which decoding one image is given up


def read_jxl(data: bytes, name: str, min_side: int | None, most_megapixels: float) -> DecodedImage:
    """Decode data. libjxl turns the image upright."""
    import pylibjxl

    header = pylibjxl.probe(data)
    check_size((header["width"], header["height"]), most_megapixels)
    pixels, metadata = pylibjxl.decode(data, metadata=True, timeout=SECONDS)
    image = Image.fromarray(pixels)
    image.info["icc_profile"] = metadata.get("icc_profile")
    return DecodedImage(np.asarray(to_rgb(image)), image.width, image.height)
