"""Learning from corrections: Tip-Adapter by hand and as loops, and what it claims on corrections it had not seen."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.corrections import with_table
from index.labels.tip_adapter import Adapter, learn
from training.models.encoder import unit


def cache(keys: np.ndarray, labels: list[int], alpha: float, beta: float) -> Adapter:
    """Seen from the origin, every key of weight 1, nothing taken off."""
    values = np.eye(max(labels) + 1, dtype=np.float32)[labels]
    dim, classes = keys.shape[1], values.shape[1]
    return Adapter(np.zeros(dim, np.float32), keys, values, np.zeros(classes, np.float32), alpha, beta)


def test_a_cache_of_two_images_worked_out_by_hand():
    adapter = cache(np.eye(2, dtype=np.float32), [0, 1], alpha=2.0, beta=math.log(4))
    # cosines .6 and .8 to the keys: 2 * 4 ** -(1 - .6) and 2 * 4 ** -(1 - .8)
    added = adapter.logits(np.array([[0.6, 0.8]]))
    assert added[0] == pytest.approx([2 * 4**-0.4, 2 * 4**-0.2], rel=1e-5)


def test_the_cache_is_the_formula_written_as_loops():
    rng = np.random.default_rng(0)
    keys, images = unit(rng.normal(size=(6, 4))), unit(rng.normal(size=(3, 4)))
    labels = [0, 1, 2, 0, 1, 1]
    expected = np.zeros((3, 3))
    for i, x in enumerate(images):
        for key, label in zip(keys, labels, strict=True):
            expected[i, label] += 1.7 * math.exp(-5.5 * (1 - float(x @ key)))
    assert np.allclose(cache(keys, labels, 1.7, 5.5).logits(images), expected, atol=1e-5)


def test_a_corrected_image_is_judged_by_the_others_alone():
    keys = unit(np.array([[1.0, 0.0], [0.0, 1.0]]))
    added = cache(keys, [0, 1], alpha=1.0, beta=1.0).logits(keys, judged_by_others=True)
    assert added[0, 0] == 0 and added[0, 1] == pytest.approx(math.exp(-1))


def test_what_is_learned_is_the_means_of_classes_drawn_to_nothing_less_what_all_images_hear():
    vectors, truth = blobs(30, 2)
    among, _ = blobs(50, 3)
    adapter = learn(20 * vectors @ np.eye(8)[[1, 0, 2]].T, vectors, truth, among).adapter

    def told(x: np.ndarray, label: int) -> float:
        keys = [v for v, t in zip(vectors, truth, strict=True) if t == label]
        centre = sum(among) / len(among)
        toward = [(x - centre) @ (k - centre) / math.dist(x, centre) / math.dist(k, centre) for k in keys]
        return sum(math.exp(adapter.beta * (cosine - 1)) for cosine in toward) / (len(keys) + 3)

    added = adapter.logits(vectors[:2])
    for i, label in ((0, 0), (1, 2)):
        everywhere = sum(told(x, label) for x in among) / len(among)
        assert added[i, label] == pytest.approx(adapter.alpha * (told(vectors[i], label) - everywhere), rel=1e-3)
    assert np.allclose(adapter.logits(among).mean(axis=0), 0, atol=1e-3)  # no class gains everywhere


def blobs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    return unit(np.eye(8)[truth] + rng.normal(0, 0.25, (n, 8))), truth


def test_words_that_mix_up_two_classes_are_put_right_and_the_gain_holds_on_new_images():
    vectors, truth = blobs(60, 0)
    words = np.eye(8)[[1, 0, 2]]  # the first two are confused
    learned = learn(20 * vectors @ words.T, vectors, truth, vectors)
    assert learned.helps and learned.before["value"] < 0.5 < 0.9 < learned.after["value"]
    assert learned.gained - learned.lost == round(60 * (learned.after["value"] - learned.before["value"]))
    new, new_truth = blobs(500, 1)
    after = (20 * new @ words.T + learned.adapter.logits(new)).argmax(axis=1) == new_truth
    assert after.mean() == pytest.approx(learned.after["value"], abs=0.1)


def test_labels_that_images_do_not_show_teach_nothing_and_are_not_said_to_help():
    vectors, truth = blobs(60, 0)
    words = np.eye(8)[[0, 1, 2]]
    shuffled = np.random.default_rng(5).permutation(truth)
    gains = []
    for seed in range(5):
        by_chance = np.random.default_rng(seed).permutation(shuffled)
        learned = learn(20 * vectors @ words.T, vectors, by_chance, vectors)
        gains.append(learned.gained - learned.lost)
    assert np.mean(gains) < 6  # of 60: no more than chance gives
    perfect = learn(20 * vectors @ words.T, vectors, truth, vectors)
    assert not perfect.helps and perfect.before["value"] == 1.0


def test_the_page_about_labelling_shows_the_stored_figures():
    root = Path(__file__).parent.parent
    result = json.loads((root / "benchmarks/results/corrections.json").read_text())
    text = (root / "docs/labelling.md").read_text()
    assert with_table(text, result) == text, "run: python benchmarks/corrections.py"
