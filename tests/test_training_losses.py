"""Losses of images and words against open_clip's, plain loops, and values worked out by hand."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from open_clip.loss import ClipLoss, SigLipLoss

from training.methods.clip import clip_loss, rows_loss
from training.methods.devise import hinge_rank_loss
from training.methods.siglip import siglip_loss


def pairs(batch=7, dim=5, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(2, batch, dim, generator=generator, dtype=torch.float64)
    return tuple(row.to(dtype).requires_grad_() for row in F.normalize(rows, dim=-1))


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_the_clip_loss_and_its_gradients_are_open_clips(scale):
    ours, theirs = pairs(), pairs()
    loss = clip_loss(*ours, torch.tensor(scale))
    expected = ClipLoss()(*theirs, torch.tensor(scale))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    expected.backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("scale, bias", [(10.0, -10.0), (2.0, 0.5)])
def test_the_siglip_loss_and_its_gradients_are_open_clips(scale, bias):
    ours, theirs = pairs(), pairs()
    loss = siglip_loss(*ours, torch.tensor(scale), torch.tensor(bias))
    expected = SigLipLoss()(*theirs, torch.tensor(scale), torch.tensor(bias))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    loss.backward()
    expected.backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-5, atol=1e-7)


def test_embeddings_that_say_nothing_score_log_of_the_batch():
    same = torch.ones(6, 4) / 2
    assert clip_loss(same, same, 50.0).item() == pytest.approx(math.log(6))


def test_the_siglip_loss_begins_at_ten():
    image, text = torch.eye(8)[:4], torch.eye(8)[4:]
    by_hand = math.log1p(math.exp(10)) + 3 * math.log1p(math.exp(-10))
    assert siglip_loss(image, text, 10.0, -10.0).item() == pytest.approx(by_hand, rel=1e-6)
    assert by_hand == pytest.approx(10.0, abs=1e-3)


def test_the_hinge_rank_loss_is_devises_sum_over_wrong_words():
    rng = np.random.default_rng(0)
    projected, target, negatives = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), rng.normal(size=(3, 6, 4))
    total = 0.0
    for i in range(3):
        for wrong in negatives[i]:
            total += max(0.0, 0.1 - target[i] @ projected[i] + wrong @ projected[i])
    loss = hinge_rank_loss(*(torch.from_numpy(a) for a in (projected, target, negatives)), margin=0.1)
    assert loss.item() == pytest.approx(total / 3, rel=1e-10)


def test_every_loss_has_the_gradients_of_finite_differences():
    image, text = pairs(4, 3, dtype=torch.float64)
    scale, bias = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (5.0, -1.0))
    negatives = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *a: clip_loss(*a, negatives=negatives[0]), (image, text, scale))
    assert torch.autograd.gradcheck(siglip_loss, (image, text, scale, bias))
    assert torch.autograd.gradcheck(hinge_rank_loss, (image, text, negatives))


def test_a_batch_of_one_is_refused():
    one = torch.ones(1, 1)
    for loss in (lambda: clip_loss(one, one, 1.0), lambda: siglip_loss(one, one, 1.0, 0.0)):
        with pytest.raises(ValueError, match="at least two"):
            loss()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_under_autocast_the_logits_stay_in_full_precision(dtype):
    image, text = (rows.detach() for rows in pairs(64, 16))
    exact = clip_loss(image, text, 100.0), siglip_loss(image, text, 100.0, -10.0)
    with torch.autocast("cpu", dtype):
        half = clip_loss(image, text, 100.0), siglip_loss(image, text, 100.0, -10.0)
    assert exact == half


def test_hard_negatives_are_columns_for_images_and_nothing_for_texts():
    image, text = (rows.detach() for rows in pairs(5, 4))
    negatives = F.normalize(torch.randn(3, 4), dim=1)
    logits = 9.0 * image @ torch.cat([text, negatives]).T
    by_hand = 0.0
    for i in range(5):
        by_hand += math.log(sum(math.exp(v) for v in logits[i].tolist())) - logits[i, i].item()
        column = 9.0 * text[i] @ image.T
        by_hand += math.log(sum(math.exp(v) for v in column.tolist())) - column[i].item()
    assert clip_loss(image, text, 9.0, negatives).item() == pytest.approx(by_hand / 10, rel=1e-5)
    with_gaps = torch.cat([negatives, torch.zeros(2, 4)])
    assert clip_loss(image, text, 9.0, with_gaps).item() == pytest.approx(by_hand / 10, rel=1e-5)


def test_pairs_that_are_alike_share_the_target_and_can_still_reach_zero():
    text = torch.eye(4)[[0, 1, 0, 2]]  # captions 0 and 2 are the same
    same = text @ text.T > 0.5
    assert clip_loss(text, text, 100.0).item() == pytest.approx(math.log(2) / 2, abs=1e-4)
    assert clip_loss(text, text, 100.0, same=same).item() == pytest.approx(0.0, abs=1e-4)
    image, text = (rows.detach() for rows in pairs(4, 3))
    assert clip_loss(image, text, 7.0, same=torch.eye(4) > 0).item() == pytest.approx(
        clip_loss(image, text, 7.0).item(), rel=1e-6
    )


def test_slices_of_the_rows_average_to_the_whole():
    image, text = (rows.detach() for rows in pairs(6, 4))
    halves = [rows_loss(image[i : i + 3], text, 5.0, first=i) for i in (0, 3)]
    assert sum(halves).item() / 2 == pytest.approx(rows_loss(image, text, 5.0).item(), rel=1e-6)
