"""Crops of whole images: the boxes against torchvision's, and what is cut out against the original."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torchvision.transforms import RandomResizedCrop

from tests.samples import noise_image
from training.data.config import DataConfig
from training.data.crop_boxes import centre_squares, random_boxes
from training.data.dataset import ImageDataset
from training.data.keyed import Keyed
from training.data.views import View
from training.engine.distributed import join
from training.methods import METHODS
from training.pretrain import canvas_for, plan

COUNT, CANVAS = 4000, 2000


AREAS, ASPECTS = [(0.08, 1.0), (0.2, 1.0), (0.9, 1.0), (0.05, 0.25)], [1.0, 1.5, 0.6, 3.0]
EVERYDAY = [*zip(AREAS, ASPECTS, strict=True)]  # each area and each aspect once


@pytest.mark.parametrize(
    ("area", "aspect"),
    [one if one in EVERYDAY else pytest.param(*one, marks=pytest.mark.slow) for one in product(AREAS, ASPECTS)],
)
def test_boxes_are_distributed_as_torchvisions(aspect, area):
    width, height = round(1000 * aspect), 1000
    blank = torch.empty(1, height, width)
    torch.manual_seed(0)
    theirs = torch.tensor([RandomResizedCrop.get_params(blank, list(area), [3 / 4, 4 / 3]) for _ in range(COUNT)])
    theirs = theirs / torch.tensor([height, width, height, width])
    boxes = random_boxes(Keyed(0, 0, np.arange(COUNT)), torch.full((COUNT,), aspect), CANVAS, area)
    ours = torch.stack(boxes, dim=1) / CANVAS
    for side in range(4):
        levels = torch.linspace(0.02, 0.98, 25)
        apart = ours[:, side].quantile(levels) - theirs[:, side].quantile(levels)
        assert apart.abs().max() < 0.05, ("top", "left", "height", "width")[side]
    assert (ours[:, 0] + ours[:, 2]).max() <= 1 and (ours[:, 1] + ours[:, 3]).max() <= 1


def test_without_crops_the_box_is_the_centre_square():
    aspects = torch.tensor([1.0, 2.0, 0.5])
    expected = [[0, 0, 64, 64], [0, 16, 64, 32], [16, 0, 32, 64]]
    for boxes in (centre_squares(aspects, 64), random_boxes(Keyed(0, 0, np.arange(3)), aspects, 64, (1.0, 1.0))):
        assert torch.stack(boxes, dim=1).tolist() == expected


@pytest.fixture
def ramps(tmp_path):
    """Wide images whose red is the place from left to right, and green from top to bottom, in a parquet file."""
    rows = []
    for number in range(6):
        across, down = np.meshgrid(np.linspace(0, 255, 300), np.linspace(0, 255, 200))
        pixels = np.stack([across, down, np.full_like(across, number)], axis=2).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows.append({"path": str(tmp_path / f"{number}.png"), "label": number % 2})
    pd.DataFrame(rows).to_parquet(tmp_path / "ramps.parquet")
    return str(tmp_path / "ramps.parquet")


def test_crops_show_what_lies_there_in_the_original_and_reach_every_border(ramps):
    images = ImageDataset([ramps], 96)
    whole = images.whole(0)
    assert whole.pixels.shape == (3, 96, 96) and whole.aspect == 1.5
    count = 400
    pixels = torch.from_numpy(whole.pixels.copy()).float().div(255).expand(count, -1, -1, -1)
    aspects, samples = torch.full((count,), whole.aspect), np.arange(count)
    view = View(32, (0.2, 1.0), flip=0.0, jitter=0.0, grey=0.0)(pixels, Keyed(0, 0, samples), aspects)
    top, left, height, width = (side / 96 for side in random_boxes(Keyed(0, 0, samples), aspects, 96, (0.2, 1.0)))
    for channel, start, length, pick in ((0, left, width, view[:, 0, 16]), (1, top, height, view[:, 1, :, 16])):
        middle = start + length * 16.5 / 32
        assert torch.allclose(pick[:, 16], middle, atol=0.02), channel
    assert view[:, 0].amin() < 0.02 and view[:, 0].amax() > 0.98
    assert view[:, 1].amin() < 0.02 and view[:, 1].amax() > 0.98
    ratio = width * 300 / (height * 200)
    assert ratio.min() > 0.73 and ratio.max() < 1.36


def test_a_cached_image_is_the_image(ramps, monkeypatch, tmp_path):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path / "cache"))
    plain, cached = ImageDataset([ramps], 40), ImageDataset([ramps], 40)
    cached.cache_pixels()
    assert cached.cache is not None
    for number in range(6):
        one, other = plain.whole(number), cached.whole(number)
        assert np.array_equal(one.pixels, other.pixels) and one.aspect == other.aspect


@pytest.mark.parametrize(
    ("method", "settings", "size", "longest", "canvas"),
    [
        ("clip", {}, 224, 4000, 296),
        ("simclr", {}, 224, 4000, 448),
        ("dino", {}, 224, 500, 448),
        ("simclr", {}, 224, 375, 375),
        ("clip", {}, 32, 32, 32),
        ("simclr", {}, 32, 500, 64),
        ("untrained", {}, 32, 500, 40),
        ("simclr", {}, 32, 0, 32),
    ],
)
def test_the_canvas_has_what_crops_need_and_no_more_than_the_images(method, settings, size, longest, canvas):
    assert canvas_for(size, METHODS[method].Config(**settings), longest) == canvas


def test_a_run_remembers_its_canvas(ramps, tmp_path):
    for number, side in enumerate((32, 100)):
        folder = tmp_path / f"images{side}"
        folder.mkdir()
        for image in range(4):
            noise_image(image, (side, side)).save(folder / f"{image}.png")
        data = DataConfig(data=(str(folder),), tower="tiny", cache=0)
        planned = plan("simclr", data, {"batch_size": 4}, {}, join("cpu"))
        assert planned.document()["data"]["canvas"] == planned.batches.images.canvas == (32, 64)[number]
