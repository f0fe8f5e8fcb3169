"""From a file's bytes to upright RGB pixels: the one decoder of builds, training, evaluation and queries.

libjpeg-turbo decodes ordinary JPEGs in less time; Pillow decodes everything else and is the reference that both
agree with, bit for bit.
"""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps
from simplejpeg import decode_jpeg

from training.models.errors import UserError

MOST_MEGAPIXELS = 170  # beyond it lies a decompression bomb; just below the size at which Pillow itself refuses
MOST_RATIO = 200  # of the longer side to the shorter: resized, a line a pixel wide would fill gigabytes
# What is only data. Other formats Pillow hands to a program (PostScript to Ghostscript), or reads by rarely used code.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "PPM")
ImageFile.LOAD_TRUNCATED_IMAGES = False  # half an image is a failure, not an image with a grey half

ORIENTATION = 0x0112  # EXIF's tag for how the camera was held
QUARTER_TURNS = {3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}  # counterclockwise, by EXIF orientation
MIRRORED = (2, 4, 5, 7)  # orientations in which left and right change places, after turning


class ImageError(UserError):
    """Bytes that are no image we can read; the message is the reason, without the name of the file."""


class UnsupportedFormat(ImageError):
    """A file that is sound as far as we know, in a format that this installation does not read."""


@dataclass(frozen=True)
class DecodedImage:
    """An upright RGB image. pixels: uint8 [H, W, 3], maybe reduced. width, height: of the original once upright."""

    pixels: NDArray[np.uint8]
    width: int
    height: int

    @property
    def image(self) -> Image.Image:
        """The pixels as a Pillow image."""
        return Image.fromarray(self.pixels)


def decode_image(data: bytes, min_side: int | None = None) -> DecodedImage:
    """Decode an image of any common format: EXIF orientation applied, transparency on white, first frame.

    min_side: the shorter side that will be needed; a much larger JPEG is then decoded at a fraction of
    its size, never below twice min_side, which keeps the embedding (cosine .999). ImageError for
    what is empty, truncated, not an image, or over MOST_MEGAPIXELS (found before decoding).
    """
    return _decode_jpeg(data, min_side) or decode_by_pillow(data, min_side)


def decode_by_pillow(data: bytes, min_side: int | None = None) -> DecodedImage:
    """The reference: what `decode_image` gives, by Pillow alone."""
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
    if _over_limit(opened.size):
        raise ImageError(f"too thin: {width} x {height} pixels; a side may be {MOST_RATIO} times the other at most")
    small = _reduced_size(opened.size, min_side)
    if small and opened.format in ("JPEG", "MPO"):
        opened.draft("RGB", small)
    opened.load()
    upright = ImageOps.exif_transpose(opened)
    if opened.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8):
        width, height = height, width
    return DecodedImage(np.asarray(to_rgb(upright)), width, height)


def _decode_jpeg(data: bytes, min_side: int | None) -> DecodedImage | None:
    """A JPEG as cameras and the web make them; None for what Pillow decodes better, or has a reason against."""
    if data[:2] != b"\xff\xd8":
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as opened:  # reads the header only
                size, mode = opened.size, opened.mode
                if opened.format not in ("JPEG", "MPO") or mode not in ("RGB", "L") or _over_limit(size):
                    return None
                if _reduced_size(size, min_side):
                    return None  # decoded at a fraction is faster still, and Pillow chooses the fraction
                orientation = opened.getexif().get(ORIENTATION, 1)
        pixels = decode_jpeg(data)
    except Exception:  # Pillow will say what is wrong with it, if anything is
        return None
    if pixels.shape != (size[1], size[0], 3):
        return None
    pixels = np.rot90(pixels, QUARTER_TURNS.get(orientation, 0))
    if orientation in MIRRORED:
        pixels = pixels[:, ::-1]
    return DecodedImage(np.ascontiguousarray(pixels), pixels.shape[1], pixels.shape[0])


def _over_limit(size: tuple[int, int]) -> bool:
    return size[0] * size[1] > MOST_MEGAPIXELS * 1_000_000 or max(size) > MOST_RATIO * min(size)


def _reduced_size(size: tuple[int, int], min_side: int | None) -> tuple[int, int] | None:
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
        return _grey_to_rgb(np.asarray(image))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _grey_to_rgb(grey: NDArray[np.generic]) -> Image.Image:
    """Deep greys as 8-bit RGB. 16 bits keep their own scale; what goes beyond it is stretched to its range."""
    values = np.nan_to_num(grey.astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if 0 <= low <= high <= 255:
        low, high = 0.0, 255.0
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    eight = (np.clip((values - low) / max(high - low, 1e-12), 0, 1) * 255).round().astype(np.uint8)
    return Image.fromarray(eight).convert("RGB")
