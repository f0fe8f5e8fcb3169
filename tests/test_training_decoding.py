"""Images are read as people see them; ordinary JPEGs are read by libjpeg-turbo exactly as Pillow reads them."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from training.models.decoding import ImageError, decode_by_pillow, decode_image
from training.models.preprocess import Preprocessing, preprocess_pixels


def encoded(image: Image.Image, format: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def gradient(width: int, height: int) -> Image.Image:
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.dstack([across, down, 255 - across]).astype(np.uint8))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_common_format_is_read(format):
    image = decode_image(encoded(gradient(64, 48), format))
    assert (image.image.mode, image.image.size, image.width, image.height) == ("RGB", (64, 48), 64, 48)
    assert np.abs(np.asarray(image.image, int) - np.asarray(gradient(64, 48), int)).mean() < 25


def test_a_image_taken_sideways_stands_upright():
    upright = gradient(64, 48)
    sideways = upright.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to show
    image = decode_image(encoded(sideways, "PNG", exif=exif))
    assert (image.width, image.height) == (64, 48)
    assert np.array_equal(np.asarray(image.image), np.asarray(upright))


def test_what_is_transparent_is_white():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    clear.putpixel((0, 0), (255, 0, 0, 255))
    clear.putpixel((1, 0), (0, 0, 0, 127))
    pixels = decode_image(encoded(clear, "PNG")).pixels
    assert pixels[3, 3].tolist() == [255, 255, 255]
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert pixels[0, 1].tolist() == [128, 128, 128]
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    assert decode_image(encoded(palette, "PNG", transparency=0)).pixels.min() == 255


def test_deep_greys_are_scaled_and_not_clipped():
    grey = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    pixels = decode_image(encoded(Image.fromarray(grey), "PNG")).pixels
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "F", "I"])
def test_every_mode_becomes_rgb(mode):
    image = gradient(32, 32).convert("L" if mode in "FI" else "RGB").convert(mode)
    format = "TIFF" if mode in ("CMYK", "F", "I") else "PNG"
    assert decode_image(encoded(image, format)).image.mode == "RGB"


def test_the_first_frame_of_an_animation_is_the_image():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode_image(data).pixels[0, 0].tolist() == [255, 0, 0]


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
        decode_image(data)


def test_a_large_photograph_is_decoded_small_and_keeps_its_size_on_record():
    image = decode_image(encoded(gradient(2400, 1800), "JPEG", quality=90), min_side=100)
    assert (image.width, image.height) == (2400, 1800)
    assert 200 <= min(image.image.size) < 1800
    whole = decode_image(encoded(gradient(2400, 1800), "JPEG", quality=90))
    difference = preprocess_pixels(image.pixels, Preprocessing(100)).astype(int) - preprocess_pixels(
        whole.pixels, Preprocessing(100)
    )
    assert np.abs(difference).mean() < 1


def photograph(width: int, height: int) -> Image.Image:
    """Edges, gradients and noise: what resizing and chroma subsampling can get wrong."""
    rng = np.random.default_rng(width * height)
    rough = np.asarray(gradient(width, height), float) + rng.normal(0, 40, (height, width, 3))
    rough[height // 4 : height // 2, width // 3 : width // 2] = (250, 20, 30)
    return Image.fromarray(rough.clip(0, 255).astype(np.uint8))


def both(data: bytes, min_side: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    return decode_image(data, min_side).pixels, decode_by_pillow(data, min_side).pixels


@pytest.mark.parametrize("quality", [30, 95])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_decoded_bit_for_bit_as_pillow_decodes_it(quality, subsampling, progressive):
    for size in ((201, 133), (64, 48), (1, 1)):
        data = encoded(
            photograph(*size), "JPEG", quality=quality, subsampling=subsampling, progressive=progressive, optimize=True
        )
        assert np.array_equal(*both(data))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_stands_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(photograph(90, 50), "JPEG", exif=exif)
    assert np.array_equal(*both(data))
    ours, reference = decode_image(data), decode_by_pillow(data)
    assert (ours.width, ours.height) == (reference.width, reference.height) == reference.image.size


@pytest.mark.parametrize(
    "mode, format", [("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "GIF"), ("RGB", "WEBP")]
)
def test_whatever_else_is_read_is_read_by_pillow(mode, format):
    assert np.array_equal(*both(encoded(photograph(80, 60).convert(mode), format)))


def test_a_large_photograph_is_decoded_small_as_before():
    data = encoded(photograph(1300, 900), "JPEG")
    assert np.array_equal(*both(data, min_side=100))
    assert decode_image(data, min_side=100).pixels.shape[0] < 900
    assert (decode_image(data, min_side=100).width, decode_image(data, min_side=100).height) == (1300, 900)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"these are words",
        encoded(gradient(300, 300), "JPEG")[:2000],
        bomb(14_000, 12_500),
    ],
)
def test_what_is_no_image_has_pillows_reason(data):
    with pytest.raises(ImageError) as ours:
        decode_image(data)
    with pytest.raises(ImageError) as reference:
        decode_by_pillow(data)
    assert str(ours.value) == str(reference.value)


def test_damaged_jpegs_are_refused_or_read_as_pillow_refuses_or_reads_them():
    rng = np.random.default_rng(0)
    whole = encoded(photograph(120, 90), "JPEG")
    agreed = {"read": 0, "refused": 0}
    for _ in range(300):
        damaged = bytearray(whole)
        for at in rng.integers(2, len(damaged), rng.integers(1, 4)):
            damaged[at] = rng.integers(256)
        data = bytes(damaged[: rng.integers(len(damaged) // 2, len(damaged) + len(damaged) // 2)])
        try:
            reference = decode_by_pillow(data).pixels
        except ImageError:
            reference = None
        try:
            ours = decode_image(data).pixels
        except ImageError:
            ours = None
        assert (ours is None) == (reference is None)
        if ours is not None:
            assert ours.shape == reference.shape
        agreed["refused" if ours is None else "read"] += 1
    assert min(agreed.values()) > 20
