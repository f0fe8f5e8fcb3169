"""Every mode of pixels as 8-bit RGB: colours as sRGB, transparency on white, deep greys scaled by their content."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.models.decoding.colours import to_srgb

FULL_SCALES = (255, 1023, 4095, 16383, 65535)  # white in 8, 10, 12, 14 and 16 bits


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB in sRGB, by its ICC profile; transparency on white. A second call changes nothing."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith(("I;16", "I", "F")):
        values, transparent = np.asarray(image), image.info.get("transparency")
        grey = eight_bits(values)
        if isinstance(transparent, int):
            grey[values == transparent] = 255
        return to_srgb(Image.fromarray(grey), profile)
    if not image.has_transparency_data:
        return image if image.mode == "RGB" and not profile else to_srgb(_colours(image), profile)
    rgba = image.convert("RGBA")
    colours = to_srgb(image.convert("L") if image.mode in ("LA", "La") else rgba.convert("RGB"), profile)
    colours.putalpha(rgba.getchannel("A"))
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, colours).convert("RGB")


def _colours(image: Image.Image) -> Image.Image:
    """image in one of the modes that a profile can describe."""
    return image if image.mode in ("RGB", "L", "CMYK", "LAB") else image.convert("RGB")


def eight_bits(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Values of any depth, [H, W] or [H, W, 3], as 8 bits, so that what the image shows can be seen.

    Black is 0, and white the least usual full scale that no value exceeds: 1 for floats, else 8, 10, 12, 14 or 16
    bits. An image with negative or larger values, or one that uses less than a quarter of that scale, is stretched from
    its darkest to its lightest value; one of a single value never is. Values that are not finite do not count.
    """
    values = grey.astype(np.float64)
    finite = np.isfinite(values)
    low, high = (float(values[finite].min()), float(values[finite].max())) if finite.any() else (0.0, 0.0)
    scales = (1, *FULL_SCALES) if np.issubdtype(grey.dtype, np.floating) else FULL_SCALES
    white = next((scale for scale in scales if high <= scale), high)
    black = 0.0
    if low < high and (low < 0 or high > FULL_SCALES[-1] or high - low < white / 4):
        black, white = low, high
    values = np.nan_to_num(values, nan=black, posinf=white, neginf=black)
    scaled = np.clip((values - black) / max(white - black, 1e-300), 0, 1)
    return (scaled * 255).round().astype(np.uint8)
