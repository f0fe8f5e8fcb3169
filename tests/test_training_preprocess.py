"""Images are read as people see them, and fitted as open_clip's own transform fits them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from training.models.preprocess import ImageError, fit, read_image


def encoded(image: Image.Image, format: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def gradient(width: int, height: int) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.dstack([across, down, 255 - across]).astype(np.uint8))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_common_format_is_read(format):
    image = read_image(encoded(gradient(64, 48), format))
    assert (image.image.mode, image.image.size, image.width, image.height) == ("RGB", (64, 48), 64, 48)
    assert np.abs(np.asarray(image.image, int) - np.asarray(gradient(64, 48), int)).mean() < 25


def test_a_image_taken_sideways_stands_upright():
    upright = gradient(64, 48)
    sideways = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to show
    image = read_image(encoded(sideways, "PNG", exif=exif))
    assert (image.width, image.height) == (64, 48)
    assert np.array_equal(np.asarray(image.image), np.asarray(upright))


def test_what_is_transparent_is_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    clear.putpixel((0, 0), (255, 0, 0, 255))
    clear.putpixel((1, 0), (0, 0, 0, 127))
    pixels = np.asarray(read_image(encoded(clear, "PNG")).image)
    assert pixels[3, 3].tolist() == [255, 255, 255]
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert pixels[0, 1].tolist() == [128, 128, 128]
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    assert np.asarray(read_image(encoded(palette, "PNG", transparency=0)).image).min() == 255


def test_deep_greys_are_scaled_and_not_clipped():
    grey = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    pixels = np.asarray(read_image(encoded(Image.fromarray(grey), "PNG")).image)
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "F", "I"])
def test_every_mode_becomes_rgb(mode):
    image = gradient(32, 32).convert("L" if mode in "FI" else "RGB").convert(mode)
    format = "TIFF" if mode in ("CMYK", "F", "I") else "PNG"
    assert read_image(encoded(image, format)).image.mode == "RGB"


def test_the_first_frame_of_an_animation_is_the_image():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(read_image(data).image)[0, 0].tolist() == [255, 0, 0]


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises width x height pixels and whose data is nearly nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty"),
        (b"these are words", "not an image"),
        (encoded(gradient(300, 300), "JPEG")[:2000], "truncated"),
        (encoded(gradient(300, 300), "PNG")[:500], "truncated"),
        (bomb(100_000, 100_000), "too large"),
        (bomb(14_000, 12_500), "14000 x 12500 pixels is over the limit"),
    ],
)
def test_what_is_no_image_has_a_reason(data, reason):
    with pytest.raises(ImageError, match=reason):
        read_image(data)


def test_a_large_photograph_is_decoded_small_and_keeps_its_size_on_record():
    image = read_image(encoded(gradient(2400, 1800), "JPEG", quality=90), min_side=100)
    assert (image.width, image.height) == (2400, 1800)
    assert 200 <= min(image.image.size) < 1800
    whole = read_image(encoded(gradient(2400, 1800), "JPEG", quality=90))
    difference = fit(image.image, 100).astype(int) - fit(whole.image, 100)
    assert np.abs(difference).mean() < 1


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (224, 224), (31, 57), (1000, 37)])
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_fitting_is_open_clips_own_pixel_for_pixel(size, mode, interpolation):
    from open_clip.transform import image_transform

    transform = image_transform(
        64, is_train=False, mean=(0, 0, 0), std=(1, 1, 1), resize_mode=mode, interpolation=interpolation
    )
    expected = (transform(gradient(*size)).numpy().transpose(1, 2, 0) * 255).round().astype(int)
    assert np.abs(fit(gradient(*size), 64, mode, interpolation).astype(int) - expected).max() == 0
