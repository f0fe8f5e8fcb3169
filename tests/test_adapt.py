"""Learning from corrections: Tip-Adapter by hand and as loops, and what it claims on corrections it had not seen."""

import math

import numpy as np
import pytest

from index.adapt import Adapter, learn
from training.models.encoder import unit


def test_a_cache_of_two_pictures_worked_out_by_hand():
    adapter = Adapter(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), alpha=2.0, beta=math.log(4))
    # cosines .6 and .8 to the keys: 2 * 4 ** -(1 - .6) and 2 * 4 ** -(1 - .8)
    added = adapter.logits(np.array([[0.6, 0.8]]))
    assert added[0] == pytest.approx([2 * 4**-0.4, 2 * 4**-0.2], rel=1e-5)


def test_the_cache_is_the_formula_written_as_loops():
    rng = np.random.default_rng(0)
    keys, pictures = unit(rng.normal(size=(6, 4))), unit(rng.normal(size=(3, 4)))
    labels = [0, 1, 2, 0, 1, 1]
    adapter = Adapter(keys, np.eye(3, dtype=np.float32)[labels], alpha=1.7, beta=5.5)
    expected = np.zeros((3, 3))
    for i, x in enumerate(pictures):
        for key, label in zip(keys, labels, strict=True):
            expected[i, label] += 1.7 * math.exp(-5.5 * (1 - float(x @ key)))
    assert np.allclose(adapter.logits(pictures), expected, atol=1e-5)


def test_a_corrected_picture_is_judged_by_the_others_alone():
    keys = unit(np.array([[1.0, 0.0], [0.0, 1.0]]))
    adapter = Adapter(keys, np.eye(2, dtype=np.float32), alpha=1.0, beta=1.0)
    added = adapter.logits(keys, judged_by_others=True)
    assert added[0, 0] == 0 and added[0, 1] == pytest.approx(math.exp(-1))


def blobs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    return unit(np.eye(8)[truth] + rng.normal(0, 0.25, (n, 8))), truth


def test_words_that_mix_up_two_classes_are_put_right_and_the_gain_holds_on_new_pictures():
    vectors, truth = blobs(60, 0)
    words = np.eye(8)[[1, 0, 2]]  # the first two are confused
    learned = learn(20 * vectors @ words.T, vectors, truth)
    assert learned.helps and learned.before["value"] < 0.5 < 0.9 < learned.after["value"]
    assert learned.gained - learned.lost == round(60 * (learned.after["value"] - learned.before["value"]))
    new, new_truth = blobs(500, 1)
    after = (20 * new @ words.T + learned.adapter.logits(new)).argmax(axis=1) == new_truth
    assert after.mean() == pytest.approx(learned.after["value"], abs=0.1)


def test_labels_that_pictures_do_not_show_teach_nothing_and_are_not_said_to_help():
    vectors, truth = blobs(60, 0)
    words = np.eye(8)[[0, 1, 2]]
    shuffled = np.random.default_rng(5).permutation(truth)
    gains = []
    for seed in range(5):
        by_chance = np.random.default_rng(seed).permutation(shuffled)
        learned = learn(20 * vectors @ words.T, vectors, by_chance)
        gains.append(learned.gained - learned.lost)
    assert np.mean(gains) < 6  # of 60: no more than chance gives
    perfect = learn(20 * vectors @ words.T, vectors, truth)
    assert not perfect.helps and perfect.before["value"] == 1.0
