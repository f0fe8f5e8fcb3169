"""Every measure equals something independent: scikit-learn, scipy, or its formula as loops."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from training.evaluation.geometry import alignment, effective_rank, uniformity
from training.evaluation.knn import knn_accuracy, knn_predict
from training.evaluation.linear import fit_linear, linear_accuracy
from training.evaluation.retrieval import recall_at_k, retrieval_ranks
from training.evaluation.winoground import winoground_scores
from training.evaluation.zero_shot import zero_shot_accuracy
from training.models import intervals
from training.models.encoder import unit


def random_unit(n: int, dim: int, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(n, dim)))


def blobs(n: int, classes: int = 4, dim: int = 6, seed: int = 0, spread: float = 1.0):
    """Overlapping clouds, so that neither everything nor nothing is right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, n)
    return np.random.default_rng(99).normal(size=(classes, dim))[labels] + spread * rng.normal(size=(n, dim)), labels


def test_winoground_of_random_unit_vectors_is_chance():
    scores = winoground_scores(*(random_unit(40_000, 16, seed) for seed in range(4)))
    assert scores["text"] == pytest.approx(1 / 4, abs=0.01)
    assert scores["image"] == pytest.approx(1 / 4, abs=0.01)
    assert scores["group"] == pytest.approx(1 / 6, abs=0.01)


def test_winoground_is_the_papers_formula():
    i0, i1, c0, c1 = (random_unit(300, 5, seed) for seed in range(4))
    text = image = group = 0
    for row in range(300):
        s = {(c, i): float(cap[row] @ img[row]) for c, cap in enumerate((c0, c1)) for i, img in enumerate((i0, i1))}
        won_text = s[0, 0] > s[1, 0] and s[1, 1] > s[0, 1]
        won_image = s[0, 0] > s[0, 1] and s[1, 1] > s[1, 0]
        text, image, group = text + won_text, image + won_image, group + (won_text and won_image)
    expected = {"text": text / 300, "image": image / 300, "group": group / 300}
    assert winoground_scores(i0, i1, c0, c1) == pytest.approx(expected)
    assert winoground_scores(*(torch.tensor(part) for part in (i0, i1, c0, c1))) == pytest.approx(expected)


def test_a_collapsed_encoder_wins_nothing_even_when_rounding_differs():
    rng = np.random.default_rng(0)
    same = np.tile(random_unit(1, 64), (500, 1))
    noisy = [unit(same + 1e-8 * rng.normal(size=same.shape)) for _ in range(4)]
    assert winoground_scores(*noisy) == {"text": 0, "image": 0, "group": 0}


def test_a_bag_of_words_wins_nothing_even_when_its_words_are_added_in_another_order():
    rng = np.random.default_rng(0)
    words = rng.normal(size=(500, 7, 32)).astype(np.float32)
    backwards = words[:, ::-1]
    caption_0, caption_1 = np.zeros((500, 32), np.float32), np.zeros((500, 32), np.float32)
    for place in range(7):
        caption_0, caption_1 = caption_0 + words[:, place], caption_1 + backwards[:, place]
    assert (caption_0 != caption_1).any()  # the rounding does differ
    scores = winoground_scores(random_unit(500, 32, 1), random_unit(500, 32, 2), unit(caption_0), unit(caption_1))
    assert scores == {"text": 0, "image": 0, "group": 0}


@pytest.mark.parametrize(("ahead", "won"), [(0.9e-6, 0.0), (1.1e-6, 1.0)])
def test_a_win_by_less_than_a_millionth_is_a_tie(ahead, won):
    image_0, image_1 = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])
    near = 0.5
    caption_0 = np.array([[near + ahead, near, math.sqrt(1 - (near + ahead) ** 2 - near**2)]])
    caption_1 = np.array([[near, near + ahead, math.sqrt(1 - (near + ahead) ** 2 - near**2)]])
    assert winoground_scores(image_0, image_1, caption_0, caption_1) == {"text": won, "image": won, "group": won}


def test_winoground_says_what_does_not_fit():
    good = random_unit(3, 4)
    with pytest.raises(ValueError, match=r"the same shape: image_0 \(3, 4\).*caption_1 \(2, 4\)"):
        winoground_scores(good, good, good, good[:2])
    with pytest.raises(ValueError, match="caption_0 holds values that are not finite"):
        winoground_scores(good, good, good * np.nan, good)
    with pytest.raises(ValueError, match="no examples"):
        winoground_scores(*[good[:0]] * 4)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_knn_equals_scikit_learn_with_the_same_votes(k):
    (train, train_labels), (test, test_labels) = blobs(300, seed=1), blobs(200, seed=2)
    oracle = KNeighborsClassifier(k, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07))
    oracle.fit(train, train_labels)
    assert (knn_predict(train, train_labels, test, k, 0.07) == oracle.predict(test)).all()
    assert knn_accuracy(train, train_labels, test, test_labels, k) == oracle.score(test, test_labels)


def test_knn_takes_tensors_any_labels_and_more_neighbours_than_there_are():
    train, labels = torch.eye(3), torch.tensor([7, 7, -2])
    assert knn_accuracy(train, labels, train, labels, k=1) == 1.0
    assert knn_accuracy(train, labels, train, labels, k=500, temperature=1e9) == pytest.approx(2 / 3)  # all vote alike


@pytest.mark.parametrize("strength", [1e-3, 1e-1])
def test_the_linear_probe_equals_scikit_learns(strength):
    (train, train_labels), (test, test_labels) = blobs(400, seed=1), blobs(300, seed=2)
    mean, scale = train.mean(axis=0), train.std(axis=0)
    oracle = LogisticRegression(C=1 / (strength * len(train)), tol=1e-10, max_iter=5000)
    oracle.fit((train - mean) / scale, train_labels)
    ours = fit_linear(train, train_labels, [strength])
    difference = ours.logits(test) - oracle.decision_function((test - mean) / scale)
    assert np.ptp(difference, axis=1).max() < 1e-2  # a shift of all classes alike changes nothing
    assert linear_accuracy(train, train_labels, test, test_labels, [strength]) == pytest.approx(
        oracle.score((test - mean) / scale, test_labels), abs=0.004
    )


def test_the_linear_probe_is_fair_to_the_scale_of_features_and_finds_a_good_strength():
    (train, train_labels), (test, test_labels) = blobs(300, seed=1), blobs(300, seed=2)
    noise = np.random.default_rng(3).normal(size=(600, 200))  # needs regularisation
    train, test = np.hstack([train, noise[:300]]), np.hstack([test, noise[300:]])
    swept = linear_accuracy(train, train_labels, test, test_labels)
    assert swept == pytest.approx(linear_accuracy(1e4 * train + 3, train_labels, 1e4 * test + 3, test_labels), abs=0.01)
    assert swept > linear_accuracy(train, train_labels, test, test_labels, [1e-6])
    dead = np.hstack([train, np.full((300, 1), 7.0)])  # a feature that never changes
    assert np.isfinite(fit_linear(dead, train_labels, [1e-2]).weights).all()


def test_recall_counts_any_of_several_captions_and_ties_as_wrong():
    images = np.eye(3)
    texts = np.array([[1, 0, 0], [0.2, 1, 0], [0, 1, 0.1], [1, 0, 0.9]])  # the last is about image 2, seen as 0
    scores = recall_at_k(images, texts, [0, 0, 1, 2], k=1)
    assert scores == {"image_to_text": 1.0, "text_to_image": pytest.approx(2 / 4)}
    assert recall_at_k(images, texts, [0, 0, 1, 2], k=2)["text_to_image"] == 1.0
    collapsed = np.ones((5, 4))
    assert recall_at_k(collapsed, collapsed, k=4) == {"image_to_text": 0.0, "text_to_image": 0.0}


def test_recall_equals_its_formula_as_loops():
    images, texts = random_unit(40, 5, 1), random_unit(100, 5, 2)
    about = np.random.default_rng(3).integers(0, 40, 100)
    for k in (1, 5, 10):
        hits = [about[t] in np.argsort(-images @ texts[t])[:k] for t in range(100)]
        asked = [i for i in range(40) if (about == i).any()]
        found = [(about[np.argsort(-texts @ images[i])[:k]] == i).any() for i in asked]
        measured = recall_at_k(images, torch.tensor(texts), about, k)
        assert measured["text_to_image"] == pytest.approx(np.mean(hits))
        assert measured["image_to_text"] == pytest.approx(np.mean(found))


def test_a_caption_that_is_right_for_two_images_is_no_error():
    images, texts = np.eye(2), np.array([[1.0, 0.9]])
    assert recall_at_k(images, texts, np.array([[True], [True]]), k=1)["image_to_text"] == 1.0
    assert retrieval_ranks(images, texts, [1])["text_to_image"].tolist() == [2]


def test_alignment_and_uniformity_are_wang_and_isolas():
    x, y = random_unit(30, 8, 1), random_unit(30, 8, 2)
    pairs = [np.exp(-2 * np.sum((x[i] - x[j]) ** 2)) for i in range(30) for j in range(i)]
    assert alignment(x, y) == pytest.approx(np.mean([np.sum((a - b) ** 2) for a, b in zip(x, y, strict=True)]))
    assert uniformity(torch.tensor(x)) == pytest.approx(math.log(np.mean(pairs)), rel=1e-6)
    assert uniformity(np.ones((9, 3))) == 0 and alignment(x, x) == 0


def test_effective_rank_counts_directions():
    assert effective_rank(np.ones((20, 5))) == pytest.approx(1)
    assert effective_rank(np.eye(6)) == pytest.approx(6)
    singular = np.linalg.svd(random_unit(50, 7), compute_uv=False)
    share = singular / singular.sum()
    assert effective_rank(random_unit(50, 7)) == pytest.approx(math.exp(-sum(p * math.log(p) for p in share)))


def test_zero_shot_wants_the_right_class_strictly_first():
    classes = np.eye(3)
    assert zero_shot_accuracy(np.array([[1, 0.2, 0], [0.5, 1, 0]]), classes, [0, 0]) == 0.5
    assert zero_shot_accuracy(np.array([[1, 1, 0]]), classes, [0]) == 0  # a tie
    assert zero_shot_accuracy(np.array([[1, 1, 0]]), classes, [0], k=2) == 1
    with pytest.raises(ValueError, match=r"labels lie in 0\.\.3; there are 3 classes"):
        zero_shot_accuracy(np.eye(4, 3), classes, [0, 1, 2, 3])


def test_an_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(200):
        figure = intervals.figure_of(rng.random(100) < 0.3, seed=trial)
        inside += figure["low"] <= 0.3 <= figure["high"]
    assert 0.90 <= inside / 200 <= 0.99
    assert set(figure) == {"value", "low", "high", "n"} and figure["n"] == 100


def test_the_interval_over_seeds_is_students():
    values = [0.41, 0.47, 0.44, 0.52]
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert intervals.student_interval(values) == pytest.approx((low, high))
    assert intervals.student_interval([0.4]) == (-math.inf, math.inf)


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (15, 148), (81, 263), (20, 20)])
def test_the_interval_of_a_share_is_wilsons(hits, n):
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    figure = intervals.wilson_figure(hits, n)
    assert (figure["low"], figure["high"]) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert figure["value"] == hits / n and figure["n"] == n


def test_where_all_items_agree_the_interval_is_not_a_point():
    none, all_ = intervals.figure_of(np.zeros(30)), intervals.figure_of(np.ones(30))
    assert (none["value"], none["low"]) == (0, 0) and none["high"] == pytest.approx(0.1157, abs=1e-3)
    assert (all_["value"], all_["high"]) == (1, 1) and all_["low"] == pytest.approx(1 - none["high"])
