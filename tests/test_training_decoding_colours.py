"""Every way in gives sRGB: ICC profiles are applied, in every mode, and by every decoder alike."""

import io
import struct

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


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "f4"])
def test_greys_of_which_zero_is_white_are_turned_round(kind):
    import tifffile

    greys = np.linspace(0, 1, 64 * 48).reshape(48, 64)
    full = np.float64(1 if kind == "f4" else np.iinfo(kind).max)
    out = io.BytesIO()
    tifffile.imwrite(out, (full - greys * full).astype(kind), photometric="miniswhite")
    assert np.abs(decode_image(out.getvalue()).pixels[..., 0] - greys * 255).max() <= 2


@pytest.mark.parametrize("kind", ["u2", "f4"])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_what_is_transparent_in_deep_pixels_is_white(kind, colours, planes, extra):
    import tifffile

    full = 1 if kind == "f4" else np.iinfo(kind).max
    values = np.full((40, 40, colours + 1), full // 2 if full > 1 else 0.5).astype(kind)
    values[..., -1] = full
    values[:20] = 0
    shown = np.moveaxis(values, -1, 0) if planes == "separate" else values
    out = io.BytesIO()
    photometric = "rgb" if colours == 3 else "minisblack"
    tifffile.imwrite(out, shown, photometric=photometric, planarconfig=planes, extrasamples=[extra])
    pixels = decode_image(out.getvalue()).pixels
    assert pixels[5, 5].tolist() == [255] * 3 and abs(int(pixels[30, 30, 0]) - 128) < 3


def test_a_fourth_byte_that_is_zero_everywhere_is_padding():
    pixels = bytes([10, 20, 200, 0]) * 8
    tga = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, 4, 2, 32, 40) + pixels
    header = struct.pack("<IiiHHIIiiII", 108, 4, 2, 1, 32, 3, 0, 2835, 2835, 0, 0)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    bmp = b"BM" + struct.pack("<IHHI", 122 + len(pixels), 0, 0, 122) + (header + masks).ljust(108, b"\0") + pixels
    for data in (tga, bmp):
        assert decode_image(data).pixels[0, 0].tolist() == [200, 20, 10]
