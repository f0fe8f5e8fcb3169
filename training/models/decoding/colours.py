"""Colours as screens show them: the ICC profile that an image carries is applied, so that all pixels are sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms

from training.models.lru_cache import LRUCache

MOST_PROFILE = 4 << 20  # bytes; what is larger is no profile of an image
PROFILES = LRUCache[tuple[bytes, str], ImageCms.ImageCmsTransform | None](64)
SPACES = {"RGB": b"RGB ", "L": b"GRAY", "CMYK": b"CMYK"}  # of the profile that fits a mode
NEAR = 2  # levels of 255 by which a profile may differ from sRGB and still be taken for it: rounding of its tables


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An image of mode RGB, L, CMYK or LAB as RGB in sRGB.

    profile: its ICC profile. One that is broken, is sRGB already or describes another kind of pixels changes nothing.
    """
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _from_lab()) or image
    if image.mode == "L" and profile and profile[16:20] == b"RGB ":
        image = image.convert("RGB")
    transform = transform_of(profile, image.mode)
    if transform is None:
        return image.convert("RGB")
    return ImageCms.applyTransform(image, transform) or image


def transform_of(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """How pixels of a mode become sRGB; None if they are sRGB already, or nothing is known of them.

    Cached by the profile's bytes: reading one takes a millisecond, looking it up a few microseconds.
    """
    if not profile or profile[16:20] != SPACES.get(mode) or len(profile) > MOST_PROFILE:
        return None
    return PROFILES.get_or_make((profile, mode), lambda: _make(profile, mode))


def _make(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        intent = ImageCms.Intent(ImageCms.getDefaultIntent(source))
        transform = _to_srgb(source, mode, intent)
        colours = _sample(mode)
        seen = ImageCms.applyTransform(colours, transform)
    except Exception:  # littleCMS and Pillow raise many kinds on broken profiles; the pixels are still good
        return None
    if seen is None or (mode != "CMYK" and _difference(seen, colours.convert("RGB")) <= NEAR):
        return None
    return transform


def _to_srgb(source: ImageCms.ImageCmsProfile, mode: str, intent: ImageCms.Intent) -> ImageCms.ImageCmsTransform:
    target = ImageCms.createProfile("sRGB")
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    return ImageCms.buildTransform(source, target, mode, "RGB", intent, flags)


def _from_lab() -> ImageCms.ImageCmsTransform:
    make = lambda: _to_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB", ImageCms.Intent.PERCEPTUAL)  # noqa: E731
    found = PROFILES.get_or_make((b"", "LAB"), make)
    assert found is not None
    return found


def _sample(mode: str) -> Image.Image:
    """Colours from all of a mode's cube, one a pixel."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(*[steps] * len(mode)), axis=-1).reshape(1, -1, len(mode))
    return Image.fromarray(np.ascontiguousarray(cube), mode)


def _difference(one: Image.Image, other: Image.Image) -> int:
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())
