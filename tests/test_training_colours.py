"""Colours of things by words and by pixels, and the place of a caption among its other orders."""

import numpy as np
import pytest
from PIL import Image

from tests.samples import PALETTE, ColourEncoder
from tests.test_training_wording import BagOfWords, FirstWordCounts
from training.evaluation.colours import colour_probabilities, greyed, turned
from training.evaluation.word_order import OrderScore, order_scores, rank_as_written


def square(colour: tuple[int, int, int], size: tuple[int, int] = (60, 60)) -> Image.Image:
    return Image.new("RGB", size, colour)


def test_what_cannot_be_told_apart_counts_against_the_caption():
    told = [("original", 0.5), ("reverse", 0.5), ("shuffle", 0.6), ("shuffle", 0.4)]
    assert rank_as_written([OrderScore(kind, "", score, 0.0) for kind, score in told]) == 3
    found = order_scores(BagOfWords(), None, "a brown dog on a white couch", shuffles=10)
    assert rank_as_written(found) == len(found)  # without an image all are tied


def test_an_encoder_that_hears_order_moves_with_it():
    found = order_scores(FirstWordCounts(), None, "couch of a dog", shuffles=6)
    for one in found:
        same_start = one.text.startswith("couch") and one.kind != "drop relation words"
        assert (one.moved < 1e-6) == same_start


def test_colours_follow_the_pixels_for_an_encoder_of_colour():
    encoder, colours = ColourEncoder(), list(PALETTE)
    vectors = encoder.embed_images([square(PALETTE[colour]) for colour in colours])
    probabilities = colour_probabilities(encoder, ["thing"] * len(colours), colours, vectors)
    assert probabilities.shape == (5, 5) and probabilities.sum(axis=1) == pytest.approx(np.ones(5))
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    # By words alone it knows nothing of a "thing": "a thing" is grey to it, whatever colour is named.
    assert colour_probabilities(encoder, ["thing"], colours)[0].argmax() == 4


def test_grey_has_no_colour_and_a_full_turn_changes_nothing():
    red = square((200, 40, 40))
    assert len(set(np.asarray(greyed(red))[0, 0])) == 1
    assert np.abs(np.asarray(turned(red, 360), int) - np.asarray(red, int)).max() <= 3
    r, g, b = np.asarray(turned(red, 120))[0, 0].astype(int)
    assert g > 180 and r < 60 and b < 60  # red becomes green
