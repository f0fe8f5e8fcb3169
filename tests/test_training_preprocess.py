"""Images are resized and cropped as open_clip's own transform does it."""

import numpy as np
import pytest
from PIL import Image

from tests.test_training_decoding import gradient, photograph
from training.models import resize
from training.models.preprocess import Preprocessing, preprocess_pixels, shrink_pixels


@pytest.fixture
def by_pillow(monkeypatch):
    """As on a machine without fast_image_resize."""
    monkeypatch.setattr(resize, "Resizer", None)


def of_open_clip(image: Image.Image, mode: str, interpolation: str) -> np.ndarray:
    from open_clip.transform import image_transform

    settings = {"resize_mode": mode, "interpolation": interpolation, "fill_color": 9}
    transform = image_transform(64, is_train=False, mean=(0, 0, 0), std=(1, 1, 1), **settings)
    return (transform(image).numpy().transpose(1, 2, 0) * 255).round().astype(int)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (64, 64), (224, 224), (31, 57), (1000, 37)])
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_pillow_preprocesses_as_open_clip_pixel_for_pixel(size, mode, interpolation, by_pillow):
    ours = preprocess_pixels(np.asarray(gradient(*size)), Preprocessing(64, mode, interpolation, fill=9))
    assert np.array_equal(ours, of_open_clip(gradient(*size), mode, interpolation))


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (64, 64), (31, 57), (1000, 37), (640, 480)])
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_the_fast_resizer_differs_from_open_clip_by_rounding_alone(size, mode, interpolation):
    ours = preprocess_pixels(np.asarray(photograph(*size)), Preprocessing(64, mode, interpolation, fill=9))
    assert ours.shape == (64, 64, 3) and ours.dtype == np.uint8
    difference = np.abs(ours.astype(int) - of_open_clip(photograph(*size), mode, interpolation))
    assert difference.max() <= 2 and difference.mean() < 0.02


def test_a_thumbnail_fits_its_side_and_is_never_enlarged():
    for size, expected in {(400, 100): (320, 80), (20, 1000): (6, 320), (30, 40): (30, 40)}.items():
        assert shrink_pixels(np.asarray(photograph(*size)), 320).shape == (*expected[::-1], 3)


def test_the_starter_sees_the_same_by_either_resizer(monkeypatch):
    from skimage import data as photographs

    from training.models.encoders import load_encoder

    encoder = load_encoder("starter", precision="f32")
    images = [Image.fromarray(getattr(photographs, name)()) for name in ("cat", "coffee")]
    ours = encoder.embed_images(images)
    monkeypatch.setattr(resize, "Resizer", None)
    assert (ours * encoder.embed_images(images)).sum(axis=1).min() > 0.9999
