"""From a file's bytes to what a tower sees: upright RGB, resized and cropped as it was trained."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from training.models.errors import UserError

MOST_MEGAPIXELS = 170  # beyond it lies a bomb; just below the size at which Pillow itself refuses
MOST_RATIO = 200  # of the longer side to the shorter: resized, a line a pixel wide would fill gigabytes
# What is only data. Other formats Pillow hands to a program (PostScript to Ghostscript), or reads by rarely used code.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "PPM")
ImageFile.LOAD_TRUNCATED_IMAGES = False  # half an image is a failure, not an image with a grey half

MODES = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}


ORIENTATION = 0x0112  # EXIF's tag for how the camera was held


@dataclass(frozen=True)
class Preprocessing:
    """How a tower wants its images.

    size: of its square, in pixels. mode: shortest (shorter side to size, centre cropped), longest
    (longer side to size, padded with fill) or squash. interpolation: bicubic or bilinear.
    """

    size: int
    mode: str = "shortest"
    interpolation: str = "bicubic"
    fill: int = 0


class ImageError(UserError):
    """Bytes that are no image we can read; the message is the reason, without the name of the file."""


@dataclass(frozen=True)
class DecodedImage:
    """An upright RGB image. width, height: of the original once upright; image may be a reduced one."""

    image: Image.Image
    width: int
    height: int


def read_image(data: bytes, min_side: int | None = None) -> DecodedImage:
    """Decode an image of any common format: EXIF orientation applied, transparency on white, first frame.

    min_side: the shorter side that will be needed; a much larger JPEG is then decoded at a fraction of
    its size, never below twice min_side, which keeps the embedding (cosine .999). ImageError for
    what is empty, truncated, not an image, or over MOST_MEGAPIXELS (found before decoding).
    """
    if not data:
        raise ImageError("not an image: the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit is checked below; odd EXIF is of no account
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
                return _decode(opened, min_side)
    except ImageError:
        raise
    except Image.UnidentifiedImageError as error:
        raise ImageError("not an image that can be read: its format is unknown or its header is broken") from error
    except Image.DecompressionBombError as error:
        raise ImageError(f"too large: over the limit of {MOST_MEGAPIXELS} megapixels") from error
    except Exception as error:  # Pillow's decoders raise many kinds on broken files
        raise ImageError(f"broken or truncated: {str(error) or type(error).__name__}") from error


def _decode(opened: Image.Image, min_side: int | None) -> DecodedImage:
    width, height = opened.size
    if width * height > MOST_MEGAPIXELS * 1_000_000:
        raise ImageError(f"too large: {width} x {height} pixels is over the limit of {MOST_MEGAPIXELS} megapixels")
    if refused(opened.size):
        raise ImageError(f"too thin: {width} x {height} pixels; a side may be {MOST_RATIO} times the other at most")
    small = scaled_size(opened.size, min_side)
    if small and opened.format in ("JPEG", "MPO"):
        opened.draft("RGB", small)
    opened.load()
    turned = ImageOps.exif_transpose(opened)
    if opened.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8):
        width, height = height, width
    return DecodedImage(to_rgb(turned), width, height)


def refused(size: tuple[int, int]) -> bool:
    """Whether an image of this width and height is over a limit."""
    return size[0] * size[1] > MOST_MEGAPIXELS * 1_000_000 or max(size) > MOST_RATIO * min(size)


def scaled_size(size: tuple[int, int], min_side: int | None) -> tuple[int, int] | None:
    """The least size at which a JPEG of this size may be decoded, or None if it is decoded whole."""
    shorter = min(size)
    if not min_side or shorter < 4 * min_side:
        return None
    return 2 * min_side * size[0] // shorter, 2 * min_side * size[1] // shorter


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as RGB: transparency on white, 16-bit and float greys scaled to 8 bits, not clipped."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I;16", "I", "F")):
        return _scaled(np.asarray(image))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _scaled(grey: NDArray) -> Image.Image:
    """Deep greys as 8-bit RGB. 16 bits keep their own scale; what goes beyond it is stretched to its range."""
    grey = np.nan_to_num(grey.astype(np.float64))
    low, high = float(grey.min()), float(grey.max())
    low, high = (
        (0.0, 65535.0) if low >= 0 and 255 < high <= 65535 else (0.0, 255.0) if 0 <= low <= high <= 255 else (low, high)
    )
    eight = (np.clip((grey - low) / max(high - low, 1e-12), 0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(eight).convert("RGB")


def fit(
    image: Image.Image, size: int, mode: str = "shortest", interpolation: str = "bicubic", fill: int = 0
) -> NDArray[np.uint8]:
    """An image resized and cropped, uint8 [size, size, 3], equal to open_clip's transform; see Preprocessing."""
    image = to_rgb(image)
    (width, height), (left, top) = placed(*image.size, size, mode)
    resized = image if (width, height) == image.size else image.resize((width, height), MODES[interpolation])
    if mode != "longest":
        return np.asarray(resized.crop((left, top, left + size, top + size)))
    canvas = Image.new("RGB", (size, size), (fill,) * 3)
    canvas.paste(resized, (-left, -top))
    return np.asarray(canvas)


def placed(width: int, height: int, size: int, mode: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """The width and height that an image is resized to, and where in it the tower's square begins.

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
