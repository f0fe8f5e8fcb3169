"""Builds read images by libjpeg-turbo and fast_image_resize; Pillow is what they are held to."""

import numpy as np
import pytest
from PIL import Image

from tests.test_training_preprocess import bomb, encoded, gradient
from training.models import pixels
from training.models.pixels import fit_pixels, read_pixels, shrink_pixels
from training.models.preprocess import ImageError, Preprocessing, fit, read_image


def photograph(width: int, height: int) -> Image.Image:
    """Edges, gradients and noise: what resizing and chroma subsampling can get wrong."""
    rng = np.random.default_rng(width * height)
    rough = np.asarray(gradient(width, height), float) + rng.normal(0, 40, (height, width, 3))
    rough[height // 4 : height // 2, width // 3 : width // 2] = (250, 20, 30)
    return Image.fromarray(rough.clip(0, 255).astype(np.uint8))


def both(data: bytes, min_side: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(read_pixels(data, min_side).image), np.asarray(read_image(data, min_side).image)


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
    ours, reference = read_pixels(data), read_image(data)
    assert (ours.width, ours.height) == (reference.width, reference.height) == reference.image.size


@pytest.mark.parametrize(
    "mode, format", [("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("P", "GIF"), ("RGB", "WEBP")]
)
def test_whatever_else_is_read_is_read_by_pillow(mode, format):
    assert np.array_equal(*both(encoded(photograph(80, 60).convert(mode), format)))


def test_a_large_photograph_is_decoded_small_as_before():
    data = encoded(photograph(1300, 900), "JPEG")
    assert np.array_equal(*both(data, min_side=100))
    assert read_pixels(data, min_side=100).values.shape[0] < 900
    assert (read_pixels(data, min_side=100).width, read_pixels(data, min_side=100).height) == (1300, 900)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (64, 64), (31, 57), (1000, 37), (640, 480)])
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_fitting_differs_from_pillows_by_rounding_alone(size, mode, interpolation):
    data = encoded(photograph(*size), "PNG")
    reference = fit(read_image(data).image, 64, mode, interpolation, fill=9)
    ours = fit_pixels(read_pixels(data), Preprocessing(64, mode, interpolation, fill=9))
    assert ours.shape == (64, 64, 3) and ours.dtype == np.uint8
    difference = np.abs(ours.astype(int) - reference)
    assert difference.max() <= 2 and difference.mean() < 0.02


def test_without_the_fast_resizer_pillow_resizes(monkeypatch):
    image = read_pixels(encoded(photograph(300, 200), "PNG"))
    monkeypatch.setattr(pixels, "Resizer", None)
    assert np.array_equal(fit_pixels(image, Preprocessing(64)), fit(image.image, 64))


def test_a_preview_fits_its_side_and_is_never_enlarged():
    assert shrink_pixels(read_pixels(encoded(photograph(400, 100), "JPEG")), 320).size == (320, 80)
    assert shrink_pixels(read_pixels(encoded(photograph(20, 1000), "JPEG")), 320).size == (6, 320)
    assert shrink_pixels(read_pixels(encoded(photograph(30, 40), "JPEG")), 320).size == (30, 40)


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
        read_pixels(data)
    with pytest.raises(ImageError) as reference:
        read_image(data)
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
            reference = np.asarray(read_image(data).image)
        except ImageError:
            reference = None
        try:
            ours = np.asarray(read_pixels(data).image)
        except ImageError:
            ours = None
        assert (ours is None) == (reference is None)
        if ours is not None:
            assert ours.shape == reference.shape
        agreed["refused" if ours is None else "read"] += 1
    assert min(agreed.values()) > 20


def test_the_starter_sees_the_same_either_way():
    from skimage import data as photographs

    from training.models.encoders import load_encoder

    encoder = load_encoder("starter", precision="f32")
    assert encoder.preprocessing is not None
    jpegs = [encoded(Image.fromarray(getattr(photographs, name)()), "JPEG", quality=92) for name in ("cat", "coffee")]
    reference = encoder.embed_images([read_image(jpeg).image for jpeg in jpegs])
    ours = encoder.embed_pixels(np.stack([fit_pixels(read_pixels(jpeg), encoder.preprocessing) for jpeg in jpegs]))
    assert (reference * ours).sum(axis=1).min() > 0.9999
