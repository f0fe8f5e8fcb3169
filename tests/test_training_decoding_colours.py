"""Every way in gives sRGB: ICC profiles are applied, in every mode, and by every decoder alike."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from index.thumbnails import thumbnail
from tests.heic import heic
from tests.icc import cmyk_as_lab, cmyk_profile, grey_profile, grey_to_srgb, lab_to_srgb, rgb_profile, to_srgb
from tests.test_training_decoding import encoded, gradient, photograph
from training.models.decoding import decode_by_pillow, decode_image, to_rgb
from training.models.decoding.colours import transform_of

WIDE = ("Display P3", "Adobe RGB", "ProPhoto")
LOSSLESS = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True, "quality": 0}}


def soft_colours(width: int, height: int) -> Image.Image:
    """Colours that every space can hold, so that nothing is clipped."""
    return Image.fromarray((np.asarray(gradient(width, height)) // 3 + 80).astype(np.uint8))


def difference(pixels: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(pixels.astype(float) - expected).max())


@pytest.mark.parametrize("space", WIDE)
@pytest.mark.parametrize("format", LOSSLESS)
def test_a_profile_is_applied(format, space):
    image = soft_colours(40, 30)
    pixels = decode_image(encoded(image, format, icc_profile=rgb_profile(space), **LOSSLESS[format])).pixels
    assert difference(pixels, to_srgb(np.asarray(image), space)) <= 2


@pytest.mark.parametrize("space", WIDE)
@pytest.mark.parametrize("min_side", [None, 100])
def test_a_jpeg_with_a_profile_is_converted_alike_on_the_fast_path_and_reduced(space, min_side):
    image, profile = soft_colours(480, 420), rgb_profile(space)
    data = encoded(image, "JPEG", quality=95, icc_profile=profile)
    pixels = decode_image(data, min_side).pixels
    assert np.array_equal(pixels, decode_by_pillow(data, min_side).pixels)
    bare = decode_image(encoded(image, "JPEG", quality=95), min_side).pixels
    assert difference(pixels, to_srgb(bare, space)) <= 2
    assert np.abs(pixels.astype(int) - bare).max() > 4


def test_heic_and_avif_with_a_profile_are_converted():
    profile = rgb_profile("Display P3")
    bare, converted = decode_image(heic()).pixels, decode_image(heic(profile=profile)).pixels
    inside = [(20, 30), (20, 100), (70, 30), (70, 100)]
    for y, x in inside:
        assert difference(converted[y, x], to_srgb(bare[y, x], "Display P3")) <= 2
    image = soft_colours(64, 48)
    bare = decode_image(encoded(image, "AVIF", quality=100)).pixels
    converted = decode_image(encoded(image, "AVIF", quality=100, icc_profile=profile)).pixels
    assert difference(converted, to_srgb(bare, "Display P3")) <= 2


@pytest.mark.parametrize("mode", ["P", "RGBA", "L", "LA"])
def test_a_profile_is_applied_in_every_mode_that_has_colours(mode):
    image = soft_colours(40, 30).convert(mode)
    pixels = decode_image(encoded(image, "PNG", icc_profile=rgb_profile("Adobe RGB"))).pixels
    if mode in ("L", "LA"):
        assert np.ptp(pixels, axis=2).max() <= 1  # grey stays grey
    assert difference(pixels, to_srgb(np.asarray(image.convert("RGB")), "Adobe RGB")) <= 2


def test_transparency_is_on_white_after_the_profile():
    image = Image.new("RGBA", (4, 4), (200, 100, 50, 0))
    image.putpixel((0, 0), (200, 100, 50, 255))
    pixels = decode_image(encoded(image, "PNG", icc_profile=rgb_profile("ProPhoto"))).pixels
    assert pixels[3, 3].tolist() == [255, 255, 255]
    assert difference(pixels[0, 0], to_srgb(np.array([200, 100, 50], np.uint8), "ProPhoto")) <= 2


@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_a_grey_profile_is_applied(format):
    grey = Image.fromarray(np.arange(0, 256, 4, dtype=np.uint8)[None].repeat(16, axis=0))
    pixels = decode_image(encoded(grey, format, icc_profile=grey_profile(1.0))).pixels
    expected = grey_to_srgb(np.asarray(grey), 1.0)
    assert difference(pixels[:, 4:], expected[:, 4:]) <= (3 if format == "JPEG" else 2)
    deep = Image.fromarray(np.linspace(0, 65535, 64).astype(np.uint16)[None])
    pixels = decode_image(encoded(deep, "PNG", icc_profile=grey_profile(1.0))).pixels
    assert difference(pixels[0, 4:], grey_to_srgb(np.linspace(0, 255, 64)[None], 1.0)[0, 4:]) <= 3


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_a_cmyk_profile_is_applied(format):
    for inks in ((0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (1, 1, 0, 0), (0, 0, 0, 1)):
        image = Image.new("CMYK", (16, 16), tuple(255 * ink for ink in inks))
        pixels = decode_image(encoded(image, format, icc_profile=cmyk_profile())).pixels
        assert difference(pixels[8, 8], lab_to_srgb(*cmyk_as_lab(*inks))) <= 4, inks


def test_lab_is_read_by_its_own_definition():
    lab = Image.merge("LAB", [Image.new("L", (8, 8), value) for value in (153, 168, 98)])  # L 60, a 40, b -30
    assert difference(decode_image(encoded(lab, "TIFF")).pixels[4, 4], lab_to_srgb(60, 40, -30)) <= 2


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_profile_that_is_srgb_changes_no_pixel(format):
    image = photograph(80, 60)
    bare = decode_image(encoded(image, format)).pixels
    for profile in (rgb_profile("sRGB"), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        assert np.array_equal(decode_image(encoded(image, format, icc_profile=profile)).pixels, bare)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    "profile",
    [
        b"not a profile",
        rgb_profile("ProPhoto")[:300],
        rgb_profile("ProPhoto")[:128] + bytes(400),
        cmyk_profile(),
        grey_profile(1.0),
        bytes(100_000),
    ],
    ids=["text", "cut", "no tags", "of CMYK", "of greys", "zeros"],
)
def test_a_profile_that_is_broken_or_does_not_fit_is_ignored(format, profile):
    image = photograph(60, 40)
    bare = decode_image(encoded(image, format)).pixels
    assert np.array_equal(decode_image(encoded(image, format, icc_profile=profile)).pixels, bare)


def test_queries_and_thumbnails_see_the_same_colours_as_a_build():
    image, profile = soft_colours(60, 40), rgb_profile("ProPhoto")
    data = encoded(image, "PNG", icc_profile=profile)
    built = decode_image(data).pixels
    query = to_rgb(Image.open(io.BytesIO(data)))  # an image that a caller opened
    assert np.array_equal(np.asarray(query), built)
    assert np.array_equal(np.asarray(to_rgb(query)), built)  # not applied twice
    small = np.asarray(Image.open(io.BytesIO(thumbnail(built))).convert("RGB"))
    assert np.abs(small.astype(float) - to_srgb(np.asarray(image), "ProPhoto")).mean() < 3


def test_a_transform_is_made_once_a_profile():
    profile = rgb_profile("Display P3")
    assert transform_of(profile, "RGB") is transform_of(bytes(bytearray(profile)), "RGB")
    assert transform_of(rgb_profile("sRGB"), "RGB") is None
