"""Each loss against its formula written as loops, at its landmarks, and (where it is installed) against lightly."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from training.methods.byol import byol_loss
from training.methods.colorisation import colour_bins, rarity, rgb_to_lab, soft_bins
from training.methods.dino import dino_loss
from training.methods.jigsaw import distant_permutations
from training.methods.mae import mae_loss
from training.methods.moco import info_nce
from training.methods.moco_v3 import contrast
from training.methods.simclr import nt_xent
from training.methods.swav import sinkhorn, swav_loss
from training.models.patches import patchify


def rows(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(rows(*shape, seed=seed), dim=-1)


def softmax(values: np.ndarray) -> np.ndarray:
    grown = np.exp(values - values.max())
    return grown / grown.sum()


def by_loops_nt_xent(z1, z2, temperature):
    z = [v / np.linalg.norm(v) for v in [*z1, *z2]]
    total = 0.0
    for i in range(len(z)):
        pair = (i + len(z1)) % len(z)
        below = sum(math.exp(z[i] @ z[k] / temperature) for k in range(len(z)) if k != i)
        total -= math.log(math.exp(z[i] @ z[pair] / temperature) / below)
    return total / len(z)


def by_loops_info_nce(query, key, queue, temperature):
    losses = []
    for q, k in zip(query, key, strict=True):
        chances = softmax(np.array([q @ k, *(q @ old for old in queue)]) / temperature)
        losses.append(-math.log(chances[0]))
    return np.mean(losses)


def by_loops_contrast(query, key, temperature):
    losses = []
    for i, q in enumerate(query):
        cosines = [q @ k / np.linalg.norm(q) / np.linalg.norm(k) for k in key]
        losses.append(-2 * temperature * math.log(softmax(np.array(cosines) / temperature)[i]))
    return np.mean(losses)


def by_loops_byol(prediction, target):
    each = [
        np.sum((p / np.linalg.norm(p) - t / np.linalg.norm(t)) ** 2) for p, t in zip(prediction, target, strict=True)
    ]
    return np.mean(each)


def by_loops_sinkhorn(scores, epsilon, iterations):
    shares = np.exp(scores / epsilon)
    batch, count = shares.shape
    for _ in range(iterations):
        for k in range(count):
            shares[:, k] /= shares[:, k].sum() * count
        for i in range(batch):
            shares[i] /= shares[i].sum() * batch
    return shares * batch


def by_loops_swav(scores, codes, temperature):
    total = 0.0
    for number, code in enumerate(codes):
        others = [s for crop, s in enumerate(scores) if crop != number]
        per_code = 0.0
        for other in others:
            chances = np.array([softmax(row / temperature) for row in other])
            per_code += np.mean([-np.sum(code[i] * np.log(chances[i])) for i in range(len(code))])
        total += per_code / len(others)
    return total / len(codes)


def by_loops_dino(student, teacher, center, student_temp, teacher_temp):
    total, pairs = 0.0, 0
    for t, answer in enumerate(teacher):
        for s, guess in enumerate(student):
            if s == t:
                continue
            pairs += 1
            for i in range(len(answer)):
                target = softmax((answer[i] - center) / teacher_temp)
                total -= np.sum(target * np.log(softmax(guess[i] / student_temp))) / len(answer)
    return total / pairs


def by_loops_mae(prediction, patches, mask):
    errors = []
    for b in range(len(patches)):
        for n in range(patches.shape[1]):
            if mask[b, n]:
                patch = patches[b, n]
                target = (patch - patch.mean()) / np.sqrt(patch.var(ddof=1) + 1e-6)
                errors.append(np.mean((prediction[b, n] - target) ** 2))
    return np.mean(errors)


MASK = rows(4, 9, seed=3) > 0
CASES = {
    "nt_xent": (nt_xent, by_loops_nt_xent, (rows(5, 7), rows(5, 7, seed=1), 0.3)),
    "info_nce": (info_nce, by_loops_info_nce, (unit(5, 7), unit(5, 7, seed=1), unit(11, 7, seed=2), 0.2)),
    "contrast": (contrast, by_loops_contrast, (rows(5, 7), rows(5, 7, seed=1), 0.2)),
    "byol": (byol_loss, by_loops_byol, (rows(5, 7), rows(5, 7, seed=1))),
    "sinkhorn": (sinkhorn, by_loops_sinkhorn, (unit(12, 6) / 2, 0.05, 3)),
    "swav": (
        swav_loss,
        by_loops_swav,
        ([rows(4, 6, seed=s) for s in range(4)], [rows(4, 6, seed=s).softmax(1) for s in (8, 9)], 0.1),
    ),
    "dino": (
        dino_loss,
        by_loops_dino,
        ([rows(4, 6, seed=s) for s in range(5)], [rows(4, 6, seed=s) for s in (8, 9)], rows(6, seed=7), 0.1, 0.04),
    ),
    "mae": (mae_loss, by_loops_mae, (rows(4, 9, 12), rows(4, 9, 12, seed=1), MASK)),
}


def as_arrays(thing):
    if isinstance(thing, torch.Tensor):
        return thing.numpy().copy()
    return [as_arrays(part) for part in thing] if isinstance(thing, list) else thing


def as_type(thing, dtype):
    if isinstance(thing, torch.Tensor):
        return thing.to(dtype) if thing.is_floating_point() else thing
    return [as_type(part, dtype) for part in thing] if isinstance(thing, list) else thing


@pytest.mark.parametrize("name", CASES)
def test_the_loss_is_its_formula(name):
    ours, loops, arguments = CASES[name]
    expected = loops(*(as_arrays(a) for a in arguments))
    exact = ours(*arguments)
    assert exact.dtype == torch.float64
    np.testing.assert_allclose(exact.numpy(), expected, rtol=1e-10, atol=1e-12)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.15)):
        low = ours(*(as_type(a, dtype) for a in arguments))
        assert low.dtype == torch.float32
        np.testing.assert_allclose(low.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [name for name in CASES if name != "sinkhorn"])
def test_gradients_of_the_loss_are_those_of_small_differences(name):
    ours, _, arguments = CASES[name]
    first = arguments[0]
    parts = [part.clone().requires_grad_() for part in (first if isinstance(first, list) else [first])]

    def loss(*parts):
        return ours(list(parts) if isinstance(first, list) else parts[0], *arguments[1:])

    assert torch.autograd.gradcheck(loss, parts, eps=1e-6, atol=1e-6)


def test_collapsed_embeddings_score_chance():
    alike = torch.ones(8, 4)
    assert nt_xent(alike, alike, temperature=0.2).item() == pytest.approx(math.log(15))
    one = F.normalize(alike, dim=1)
    assert info_nce(one, one, one[:1].repeat(20, 1), 0.2).item() == pytest.approx(math.log(21))
    even = [torch.zeros(4, 6)] * 3
    assert swav_loss(even, [torch.full((4, 6), 1 / 6)] * 2, 0.1).item() == pytest.approx(math.log(6))
    assert dino_loss(even, even[:2], torch.zeros(6), 0.1, 0.04).item() == pytest.approx(math.log(6))
    assert byol_loss(alike, alike).item() == pytest.approx(0)
    assert byol_loss(alike, -alike).item() == pytest.approx(4)


def test_mocos_loss_goes_below_ln_2_which_it_could_not_if_the_positive_were_among_the_negatives():
    key = unit(4, 16)
    away = F.normalize(-key.mean(0, keepdim=True).repeat(9, 1), dim=1)
    assert info_nce(key, key, away, 0.1) < math.log(2) / 10
    assert info_nce(key, key, torch.cat([away, key]), 0.1) > math.log(2)


def test_ranks_share_one_loss():
    z1, z2 = rows(6, 5), rows(6, 5, seed=1)
    parts = [nt_xent(z1[i : i + 2], z2[i : i + 2], 0.3, (z1, z2), i) for i in (0, 2, 4)]
    assert sum(parts) / 3 == pytest.approx(nt_xent(z1, z2, 0.3).item(), abs=1e-12)
    keyed = [contrast(z1[i : i + 2], z2, 0.3, i) for i in (0, 2, 4)]
    assert sum(keyed) / 3 == pytest.approx(contrast(z1, z2, 0.3).item(), abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_sinkhorn_stays_finite_whatever_the_scores(dtype):
    for scale in (1, 100, 60000):
        codes = sinkhorn((unit(16, 8) * scale).to(dtype), 0.05, 3)
        assert torch.isfinite(codes).all() and torch.allclose(codes.sum(1), torch.ones(16), atol=1e-5)


def test_sinkhorn_uses_all_prototypes_alike_in_the_limit():
    codes = sinkhorn(unit(24, 6), 0.05, 200)
    assert torch.allclose(codes.sum(0), torch.full((6,), 4.0, dtype=torch.float64), atol=1e-6)


def test_the_losses_need_no_autocast_to_be_exact():
    z1, z2 = rows(6, 8, dtype=torch.float32), rows(6, 8, seed=1, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        assert nt_xent(z1, z2, 0.1).item() == pytest.approx(nt_xent(z1.double(), z2.double(), 0.1).item(), rel=1e-5)


def test_patches_are_cut_row_by_row_with_channels_last():
    image = torch.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4).float()
    patches = patchify(image, 2)
    assert patches.shape == (2, 4, 12)
    assert patches[1, 1, :6].tolist() == [image[1, c, 0, x].item() for x in (2, 3) for c in range(3)]


def test_colours_are_those_of_scikit_image():
    from skimage.color import rgb2lab

    image = rows(2, 3, 5, 4).sigmoid()
    ours = rgb_to_lab(image).permute(0, 2, 3, 1)
    assert np.allclose(ours, rgb2lab(image.permute(0, 2, 3, 1).numpy()), atol=0.02)


def test_soft_colours_are_shares_of_five_near_bins():
    bins = colour_bins()
    assert 220 < len(bins) < 330  # the paper has 313, of a gamut with a margin
    shares = soft_bins(bins[::7] + 0.1, bins)
    assert torch.allclose(shares.sum(1), torch.ones(len(shares))) and ((shares > 0).sum(1) <= 5).all()
    assert torch.equal(shares.argmax(1), torch.arange(len(bins))[::7])
    prior = soft_bins(bins[:3], bins).mean(0)
    assert (rarity(prior) * prior).sum().item() == pytest.approx(1) and rarity(prior)[-1] > rarity(prior)[0]


def test_permutations_are_distinct_and_far_apart():
    orders = distant_permutations(30)
    assert (orders.sort(1).values == torch.arange(9)).all()
    apart = (orders[:, None] != orders[None]).sum(2)
    assert apart[~torch.eye(30, dtype=torch.bool)].min() >= 7
    assert torch.equal(orders[:10], distant_permutations(10))


@pytest.mark.slow
def test_losses_and_gradients_equal_lightlys():
    loss = pytest.importorskip("lightly.loss", reason="pip install lightly")
    from lightly.loss import swav_loss as lightly_swav

    def same(ours, theirs, *tensors):
        results = []
        for function in (ours, theirs):
            parts = [t.detach().clone().requires_grad_() for t in tensors]
            value = function(*parts).squeeze()
            value.backward()
            results.append([value.detach(), *(p.grad for p in parts if p.grad is not None)])
        for one, other in zip(*results, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)

    z1, z2 = rows(8, 16), rows(8, 16, seed=1)
    for temperature in (0.1, 0.5):
        same(lambda a, b, t=temperature: nt_xent(a, b, t), loss.NTXentLoss(temperature), z1, z2)
    same(byol_loss, lambda a, b: 2 + 2 * loss.NegativeCosineSimilarity()(a, b), z1, z2)  # the one factor
    queued = loss.NTXentLoss(0.2, memory_bank_size=(32, 16))
    queued(z1.float(), z2.float())  # fills the bank's storage
    bank = queued.memory_bank.bank.clone()  # [D, K] or [K, D], by version
    bank = bank if bank.shape == (32, 16) else bank.T
    k = F.normalize(z2, dim=1).float()
    same(lambda a: info_nce(F.normalize(a, dim=1), k, bank, 0.2), lambda a: queued(a, k), z1.float())
    scores = [rows(12, 6, seed=s).tanh() for s in range(4)]
    for iterations in (1, 3):
        ours, theirs = sinkhorn(scores[0], 0.05, iterations), lightly_swav.sinkhorn(scores[0], iterations, 0.05)
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)

    def our_swav(*parts):
        return swav_loss(parts, [sinkhorn(p.detach(), 0.05, 3) for p in parts[:2]], 0.1)

    same(our_swav, lambda *parts: loss.SwaVLoss()(list(parts[:2]), list(parts[2:])), *scores)
    dino, center = loss.DINOLoss(output_dim=6, student_temp=0.1), rows(6, seed=7) / 10
    teacher = [rows(12, 6, seed=s) for s in (8, 9)]

    def lightlys(*parts):
        dino.center = center.view(1, 1, 6).clone()  # it moves with every call
        return dino(teacher, list(parts), teacher_temp=0.04)

    same(lambda *parts: dino_loss(parts, teacher, center, 0.1, 0.04), lightlys, *scores)
