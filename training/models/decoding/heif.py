"""HEIC and HEIF, as iPhones write them: the primary image, by pi-heif."""

import io

import numpy as np
import pi_heif
from PIL import Image

from training.models.decoding.image import DecodedImage, check_size
from training.models.decoding.modes import to_rgb
from training.models.decoding.partial import LEAST_SHARE, declared_length, ends_early, without_zeros
from training.models.decoding.pillow import reduced_size

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
    image = pi_heif.open_heif(io.BytesIO(with_sound_names(data)), convert_hdr_to_8bit=True)
    width, height = image.size
    check_size((width, height), most_megapixels)
    pixels = Image.frombytes(image.mode, image.size, bytes(image.data), "raw", image.mode, image.stride)
    small = reduced_size((width, height), min_side)
    if small:  # before its colours, which take a third of the time of 12 megapixels
        pixels = pixels.reduce(min(width, height) // min(small))
    pixels.info["icc_profile"] = image.info.get("icc_profile")
    return DecodedImage(np.asarray(to_rgb(pixels)), width, height, warning)


def with_sound_names(data: bytes) -> bytes:
    """The same file, in which the types and names of its items are UTF-8: pi-heif ends the process over others."""
    begin, end = _metadata(data)
    sound = bytearray(data[begin:end])
    at = -1
    while (at := sound.find(b"infe", at + 1)) >= 0:
        number = 4 if sound[at + 4 : at + 5] == b"\x03" else 2  # bytes of the item's number, by version
        length = int.from_bytes(sound[max(at - 4, 0) : at], "big")
        names = slice(at + 8 + number + 2, max(at - 4 + length, at + 8 + number + 2))
        if not _is_utf8(sound[names]):
            sound[names] = bytes(byte if byte < 128 else ord("?") for byte in sound[names])
    return data if sound == data[begin:end] else data[:begin] + bytes(sound) + data[end:]


def _metadata(data: bytes) -> tuple[int, int]:
    """Where the box that describes the items begins and ends; (0, 0) if there is none."""
    at = 0
    while at <= len(data) - 8:
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16], "big")
        end = at + length if length >= 8 else len(data)
        if kind == b"meta":
            return at, min(end, len(data))
        at = end
    return 0, 0


def _is_utf8(text: bytearray) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
