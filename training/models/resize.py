"""Pixels at another size, antialiased: fast_image_resize, or Pillow where that is not installed."""

import threading

import numpy as np
from numpy.typing import NDArray
from PIL import Image

try:
    from cykooz_resizer import FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer
except ImportError:  # not made for every kind of machine
    Resizer = None

INTERPOLATIONS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}
_of_thread = threading.local()  # a resizer serves one call at a time, so each thread has its own


def resize(pixels: NDArray[np.uint8], width: int, height: int, interpolation: str) -> NDArray[np.uint8]:
    """Pixels [H, W, 3] at another size, antialiased."""
    before = pixels.shape[1], pixels.shape[0]
    if before == (width, height):
        return pixels
    if Resizer is None:
        return np.asarray(Image.fromarray(pixels).resize((width, height), INTERPOLATIONS[interpolation]))
    if not hasattr(_of_thread, "resizer"):
        filters = {"bicubic": FilterType.catmull_rom, "bilinear": FilterType.bilinear}
        _of_thread.options = {
            name: ResizeOptions(resize_alg=ResizeAlg.convolution(filters[name])) for name in INTERPOLATIONS
        }
        _of_thread.resizer = Resizer()
    now = ImageData(*before, PixelType.U8x3, pixels.tobytes())
    for size in ((width, before[1]), (width, height)):  # across and then down, each rounded, as Pillow does
        then = ImageData(*size, PixelType.U8x3)
        _of_thread.resizer.resize(now, then, _of_thread.options[interpolation])
        now = then
    return np.frombuffer(now.get_buffer(), np.uint8).reshape(height, width, 3)
