"""Views against torchvision's operations, one image at a time."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as T

from training.data.batch import Batch
from training.data.keyed import Keyed
from training.data.pixel_changes import brightness, contrast, gaussian_blur, hue, luma, saturation
from training.data.views import (
    SIMCLR_COLOURS,
    CropKnobs,
    View,
    ViewKnobs,
    Views,
    asymmetric,
    crop_and_resize,
    multi_crop,
    two_alike,
)
from training.models.errors import UserError


def made_images(count: int = 6, side: int = 40) -> torch.Tensor:
    noise = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))
    return T.gaussian_blur(noise, [5, 5], [1.5, 1.5]).sub(0.4).mul(4).clamp(0, 1)


def batch_of(images: torch.Tensor, epoch: int = 0) -> Batch:
    count = len(images)
    bytes_ = (images * 255).round().to(torch.uint8)
    return Batch(bytes_, [[]] * count, torch.zeros(count), Keyed(0, epoch, np.arange(count)), torch.ones(count))


@pytest.mark.parametrize("side", [40, 90])  # large images are resized one by one
@pytest.mark.parametrize("size", [12, 32, 60])
def test_crops_are_resized_as_torchvision_does(size, side):
    images = made_images(side=side)
    top, left, height, width = (
        torch.tensor(v)
        for v in ([0, 3, 7, 0, 1, 39], [5, 0, 9, 0, 2, 39], [40, 9, 20, 40, 33, 1], [20, 37, 8, 40, 30, 1])
    )
    flip = torch.tensor([False, True, False, False, True, False])
    ours = crop_and_resize(images, top, left, height, width, size, flip)
    for i, image in enumerate(images):
        box = int(top[i]), int(left[i]), int(height[i]), int(width[i])
        expected = T.resized_crop(image, *box, [size, size], antialias=True)
        expected = T.horizontal_flip(expected) if flip[i] else expected
        assert torch.allclose(ours[i], expected, atol=2e-5)


def test_colours_change_as_torchvision_changes_them():
    images = made_images()
    factors = torch.tensor([0.2, 0.7, 1.0, 1.4, 1.8, 0.0])
    turns = torch.tensor([-0.5, -0.2, 0.0, 0.1, 0.33, 0.5])
    for ours, theirs, amounts in (
        (brightness, T.adjust_brightness, factors),
        (contrast, T.adjust_contrast, factors),
        (saturation, T.adjust_saturation, factors),
        (hue, T.adjust_hue, turns),
    ):
        got = ours(images, amounts)
        for i, image in enumerate(images):
            assert torch.allclose(got[i], theirs(image, float(amounts[i])), atol=2e-3), ours.__name__
    assert torch.allclose(luma(images).expand(-1, 3, -1, -1), T.rgb_to_grayscale(images, 3), atol=1e-3)


def test_the_blur_is_torchvisions():
    images, deviation = made_images(side=60), torch.tensor([0.1, 0.5, 1.0, 1.5, 2.0, 3.0])
    ours = gaussian_blur(images, deviation)
    for i, image in enumerate(images):
        assert torch.allclose(ours[i], T.gaussian_blur(image, [7, 7], [float(deviation[i])] * 2), atol=1e-5)


def test_a_view_that_changes_nothing_is_the_image():
    images = made_images(side=32)
    nothing = View(32, crop=(1.0, 1.0), flip=0.0, jitter=0.0, grey=0.0)
    assert torch.allclose(nothing(images, Keyed(0, 0, np.arange(6)), torch.ones(6)), images, atol=1e-6)


def test_each_change_happens_as_often_as_it_should():
    images = made_images(1, side=16).expand(1500, -1, -1, -1)
    still = {"crop": (1.0, 1.0), "flip": 0.0, "jitter": 0.0, "grey": 0.0}
    for name, probability in (("flip", 0.5), ("grey", 0.2), ("blur", 0.3), ("solarise", 0.2), ("jitter", 0.8)):
        view = View(16, **(still | {name: probability}))
        changed = (view(images, Keyed(1, 0, np.arange(1500)), torch.ones(1500)) - images).abs().amax(
            dim=(1, 2, 3)
        ) > 1e-4
        assert abs(changed.float().mean() - probability) < 0.05, name


def test_colours_change_in_every_order():
    images = made_images(1, side=8).expand(400, -1, -1, -1)
    draws = torch.tensor([[0.0, 0.9, 0.1, 0.9, 0.7]]).expand(400, -1)  # the same amounts for all: only orders differ
    order = Keyed(0, 0, np.arange(400)).uniform(4).argsort(dim=1)
    views = images.clone()
    View(8, colours=(0.8, 0.8, 0.8, 0.2))._colour(views, draws, order)
    kinds = {tuple((view * 1000).round().flatten().tolist()) for view in views}
    assert 12 <= len(kinds) <= 24


def test_small_images_are_not_blurred_unless_asked():
    assert two_alike(ViewKnobs(), 32, SIMCLR_COLOURS)[0].blur == 0
    assert two_alike(ViewKnobs(), 224, SIMCLR_COLOURS)[0].blur == 0.5
    assert two_alike(ViewKnobs(blur=0.3), 32, SIMCLR_COLOURS)[0].blur == 0.3


def test_recipes_are_the_papers():
    one, other = asymmetric(ViewKnobs(jitter=1.0), 224)
    assert (one.blur, other.blur, one.solarise, other.solarise) == (1.0, 0.1, 0.0, 0.2)
    assert one.colours == (0.4, 0.4, 0.2, 0.1)
    crops = multi_crop(CropKnobs(crop=0.14, small_crops=6, small_least=0.05), 224, 16, SIMCLR_COLOURS)
    assert [view.size for view in crops] == [224] * 2 + [96] * 6
    assert crops[0].crop == (0.14, 1.0) and crops[-1].crop == (0.05, 0.14)
    assert {view.size for view in multi_crop(CropKnobs(small_size=32), 32, None, SIMCLR_COLOURS)} == {32}
    assert [CropKnobs().small(224, step) for step in (1, 14, 16, 32)] == [96, 98, 96, 96]


def test_views_are_normalised_and_differ_from_each_other():
    images = made_images(4, side=32)
    views = Views(two_alike(ViewKnobs(), 32, SIMCLR_COLOURS), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    one, other = views(batch_of(images))
    assert one.shape == other.shape == (4, 3, 32, 32) and not torch.allclose(one, other)
    back = one * torch.tensor([0.2, 0.3, 0.4]).view(3, 1, 1) + torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)
    assert back.min() > -1e-5 and back.max() < 1 + 1e-5


@pytest.mark.parametrize("wrong", [{"crop": 0.0}, {"grey": 1.5}, {"jitter": -1.0}])
def test_settings_of_views_that_cannot_be_say_so(wrong):
    with pytest.raises(UserError, match=next(iter(wrong))):
        ViewKnobs(**wrong)
