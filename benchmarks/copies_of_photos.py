"""Copies of a photo as people and programs make them, for near_duplicates.py.

Bursts are simulated from one photo, by a shift, a turn, another exposure and noise: nothing in them moves by itself,
so that real bursts are harder.
"""

from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def encoded(image: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    out = BytesIO()
    image.save(out, kind, quality=quality)
    return out.getvalue()


def resized(share: float) -> Change:
    def change(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        size = max(1, round(image.width * share)), max(1, round(image.height * share))
        return image.resize(size, Image.Resampling.LANCZOS)

    return change


def cropped(share: float) -> Change:
    """Take share off the width and the height, anywhere."""

    def change(image: Image.Image, rng: np.random.Generator) -> Image.Image:
        width, height = round(image.width * (1 - share)), round(image.height * (1 - share))
        left, top = rng.integers(0, image.width - width + 1), rng.integers(0, image.height - height + 1)
        return image.crop((left, top, left + width, top + height))

    return change


def enhanced(kind: Callable[[Image.Image], ImageEnhance._Enhance], factor: float) -> Change:
    return lambda image, rng: kind(image).enhance(factor)


def warm(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Sepia mixed with the photo, as filters of phones do."""
    sepia = ImageOps.colorize(ImageOps.grayscale(image), "#20100a", "#fff0d0")
    return Image.blend(image, sepia, 0.6)


def watermarked(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A half-transparent word across the middle, a third of the width."""
    layer = Image.new("RGBA", image.size)
    font = ImageFont.load_default(max(8, image.width // 8))
    draw = ImageDraw.Draw(layer)
    middle = image.width / 2, image.height / 2
    draw.text(middle, "SAMPLE", (255, 255, 255, 140), font, anchor="mm")
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def burst(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The next shot: up to 1.5 degrees and 4 % elsewhere, up to 12 % brighter or darker, with noise."""
    turned = image.rotate(rng.uniform(-1.5, 1.5), Image.Resampling.BICUBIC)
    margin = 0.05
    width, height = image.width, image.height
    left, top = (rng.uniform(margin - 0.04, margin + 0.04) for _ in range(2))
    frame = (left * width, top * height, (left + 1 - 2 * margin) * width, (top + 1 - 2 * margin) * height)
    shot = ImageEnhance.Brightness(turned.crop(tuple(map(round, frame)))).enhance(rng.uniform(0.88, 1.12))
    pixels = np.asarray(shot, np.float32) + rng.normal(0, 4, (shot.height, shot.width, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)


def same(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image


# By name: the change, the format and the quality it is saved at. SAME are the same image, SIMILAR similar shots.
SAME: dict[str, tuple[Change, str, int]] = {
    "resaved, quality 95": (same, "JPEG", 95),
    "resaved, quality 75": (same, "JPEG", 75),
    "resaved, quality 50": (same, "JPEG", 50),
    "resaved, quality 30": (same, "JPEG", 30),
    "converted to WebP": (same, "WEBP", 80),
    "resized to 75 %": (resized(0.75), "JPEG", 90),
    "resized to 50 %": (resized(0.5), "JPEG", 85),
    "resized to 25 %": (resized(0.25), "JPEG", 85),
}
SIMILAR: dict[str, tuple[Change, str, int]] = {
    "cropped by 5 %": (cropped(0.05), "JPEG", 90),
    "cropped by 10 %": (cropped(0.1), "JPEG", 90),
    "cropped by 15 %": (cropped(0.15), "JPEG", 90),
    "cropped by 20 %": (cropped(0.2), "JPEG", 90),
    "brighter by 30 %": (enhanced(ImageEnhance.Brightness, 1.3), "JPEG", 90),
    "darker by 30 %": (enhanced(ImageEnhance.Brightness, 0.7), "JPEG", 90),
    "more contrast": (enhanced(ImageEnhance.Contrast, 1.4), "JPEG", 90),
    "black and white": (enhanced(ImageEnhance.Color, 0.0), "JPEG", 90),
    "warm filter": (warm, "JPEG", 90),
    "blurred": (lambda image, rng: image.filter(ImageFilter.GaussianBlur(image.width / 250)), "JPEG", 90),
    "watermark": (watermarked, "JPEG", 90),
    "burst, simulated": (burst, "JPEG", 90),
}


def copy_of(image: Image.Image, name: str, seed: int) -> bytes:
    """One copy as a file."""
    change, kind, quality = (SAME | SIMILAR)[name]
    return encoded(change(image, np.random.default_rng(seed)).convert("RGB"), kind, quality)
