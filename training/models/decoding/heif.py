"""HEIC and HEIF, as iPhones write them: the primary image, by pi-heif."""

import io

import numpy as np
import pi_heif
from PIL import Image

from training.models.decoding.image import DecodedImage, check_size
from training.models.decoding.modes import to_rgb
from training.models.decoding.partial import LEAST_SHARE, declared_length, ends_early, without_zeros

pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
pi_heif.options.DECODE_THREADS = 1  # builds decode one image a core already


def read_heif(data: bytes, name: str, min_side: int | None, most_megapixels: float) -> DecodedImage:
    """Decode data. The container's own rotation is applied; EXIF's orientation repeats it and is not used."""
    data, warning = without_zeros(data, name), ""
    if ends_early(data, name):
        share = len(data) / declared_length(data, name)
        if share >= LEAST_SHARE:
            data += bytes(declared_length(data, name) - len(data))
            warning = f"the end of the file is missing: {1 - share:.1%} of its bytes"
    image = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
    check_size(image.size, most_megapixels)
    pixels = Image.frombytes(image.mode, image.size, bytes(image.data), "raw", image.mode, image.stride)
    pixels.info["icc_profile"] = image.info.get("icc_profile")
    return DecodedImage(np.asarray(to_rgb(pixels)), pixels.width, pixels.height, warning)
