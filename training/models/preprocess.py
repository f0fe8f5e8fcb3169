"""Upright RGB pixels as an image encoder takes them: resized and cropped as in its training.

fast_image_resize, with a processor's vector instructions, does what open_clip's transform does with Pillow: pixels
differ by 2 of 255 at most, and embeddings not at all to four places. Pillow resizes where it is not installed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Preprocessing:
    """How an image encoder wants its images.

    size: side of the square, in pixels. mode: shortest (shorter side to size, centre cropped), longest
    (longer side to size, padded with fill) or squash. interpolation: bicubic or bilinear.
    """

    size: int
    mode: str = "shortest"
    interpolation: str = "bicubic"
    fill: int = 0


def preprocess_pixels(pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """RGB pixels [H, W, 3] of any size as the encoder takes them: uint8 [size, size, 3]."""
    height, width = pixels.shape[:2]
    size = preprocessing.size
    (across, down), (left, top) = _placement(width, height, size, preprocessing.mode)
    resized = _resize(pixels, across, down, preprocessing.interpolation)
    resized = resized[max(0, top) : max(0, top) + size, max(0, left) : max(0, left) + size]
    if left >= 0 and top >= 0:
        return np.ascontiguousarray(resized)
    canvas = np.full((size, size, 3), preprocessing.fill, np.uint8)  # larger than the image
    canvas[-top : -top + resized.shape[0], -left : -left + resized.shape[1]] = resized
    return canvas


def shrink_pixels(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Pixels [H, W, 3] with the longer side at most side pixels; smaller images stay as they are."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(width, height))
    return _resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)), "bilinear")


def _placement(width: int, height: int, size: int, mode: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """The width and height that an image is resized to, and where in it the encoder's square begins.

    A negative beginning is the border on that side.
    """
    if mode == "squash":
        return (size, size), (0, 0)
    if mode == "longest":
        scale = size / max(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        return (width, height), (-((size - width) // 2), -((size - height) // 2))
    if width <= height:
        width, height = size, int(size * height / width)
    else:
        width, height = int(size * width / height), size
    return (width, height), (round((width - size) / 2), round((height - size) / 2))


def _resize(pixels: NDArray[np.uint8], width: int, height: int, interpolation: str) -> NDArray[np.uint8]:
    from training.models.resize import resize  # its library is loaded with the first image; most commands read none

    return resize(pixels, width, height, interpolation)
