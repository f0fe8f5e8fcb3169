"""The laid-open loss is CLIP's, to the last digit."""

import math

import numpy as np
import pytest
import torch

from training.evaluation.contrast import contrast
from training.methods.clip import clip_loss
from training.models.encoder import unit


def test_it_is_the_loss_that_training_minimises():
    rng = np.random.default_rng(0)
    images, texts = (unit(rng.normal(size=(8, 16))) for _ in range(2))
    found = contrast(images, texts, 14.3)
    theirs = clip_loss(
        torch.from_numpy(images).double(), torch.from_numpy(texts).double(), torch.tensor(14.3, dtype=torch.float64)
    )
    assert found.value == pytest.approx(float(theirs), abs=1e-9)
    assert found.to_text.sum(axis=1) == pytest.approx(np.ones(8))
    assert found.to_image.sum(axis=0) == pytest.approx(np.ones(8))


def test_an_encoder_that_tells_nothing_apart_is_at_chance():
    same = np.ones((8, 4), np.float32) / 2
    assert contrast(same, same, 100.0).value == pytest.approx(math.log(8)) == contrast(same, same, 100.0).chance
    with pytest.raises(ValueError, match="one image and one caption"):
        contrast(same, same[:4], 1.0)
