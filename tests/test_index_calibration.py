"""Temperatures, reliability and intervals, against the formulas as loops and against known answers."""

import math

import numpy as np
import pytest

from index.labels.calibration import (
    fit_platt,
    fit_temperature,
    held_out,
    negative_log_likelihood,
    reliability,
)
from training.models.intervals import wilson_figure
from training.models.softmax import softmax


def drawn(temperature: float, n: int = 4000, classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn with the probabilities that the logits divided by temperature give."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 6, (n, classes))
    probabilities = softmax(logits, temperature)
    return logits, np.array([rng.choice(classes, p=row / row.sum()) for row in probabilities.astype(float)])


@pytest.mark.parametrize("temperature", [0.5, 2.0, 4.0])
def test_the_temperature_that_labels_were_drawn_with_is_found_again(temperature):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.08)


def test_the_fitted_temperature_is_the_likeliest_of_a_fine_grid():
    logits, truth = drawn(2.0, n=200)
    grid = np.exp(np.linspace(-3, 3, 601))
    best = min(grid, key=lambda t: negative_log_likelihood(logits, truth, t))
    assert fit_temperature(logits, truth) == pytest.approx(best, rel=0.02)


def test_the_negative_log_likelihood_is_the_mean_written_as_a_loop():
    logits, truth = drawn(1.0, n=20)
    total = 0.0
    for row, label in zip(logits, truth, strict=True):
        total -= math.log(math.exp(row[label] / 3) / sum(math.exp(x / 3) for x in row))
    assert negative_log_likelihood(logits, truth, 3.0) == pytest.approx(total / 20)


def test_calibration_mends_overconfidence_on_images_it_was_not_fitted_on():
    logits, truth = drawn(4.0)
    before, after = softmax(logits), held_out(logits, truth)
    errors = [reliability(p.max(axis=1), p.argmax(axis=1) == truth).error for p in (before, after)]
    assert errors[0] > 0.2 and errors[1] < 0.03


def test_calibration_error_is_the_mean_gap_over_bins_worked_out_by_hand():
    # Bin .5-.6: three answers at .55, one right (gap .55 - 1/3). Bin .9-1: two at .95 and 1.0, both right (gap .025).
    found = reliability(np.array([0.55, 0.55, 0.55, 0.95, 1.0]), np.array([True, False, False, True, True]))
    assert found.error == pytest.approx((3 * (0.55 - 1 / 3) + 2 * 0.025) / 5)
    assert [(b["from"], b["accuracy"]["n"]) for b in found.bins] == [(0.5, 3), (0.9, 2)]


def test_wilson_intervals_are_those_of_the_textbook():
    # Newcombe 1998, table I: 81 of 263 gives .2553 to .3662, 15 of 148 .0624 to .1605, 0 of 20 0 to .1611.
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson_figure(hits, n)
        assert (round(found["low"], 4), round(found["high"], 4)) == (low, high)


def test_a_logistic_curve_finds_the_slope_that_answers_were_drawn_with():
    rng = np.random.default_rng(2)
    strengths = rng.normal(0, 1.5, 20_000)
    yes = rng.random(20_000) < 1 / (1 + np.exp(-(3 * strengths - 2)))
    slope, offset = fit_platt(strengths, yes)
    assert slope == pytest.approx(3, rel=0.05) and offset == pytest.approx(-2, rel=0.05)


def test_perfectly_parted_answers_keep_a_finite_slope():
    slope, offset = fit_platt(np.array([-1.0, -0.5, 0.5, 1.0]), np.array([False, False, True, True]))
    assert 0 < slope < 10 and abs(offset) < 1
