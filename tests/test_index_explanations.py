"""Explanations are checked where the answer is known: an encoder of colours and images of squares."""

import numpy as np
import pytest
from PIL import Image

from index.query import parse_query
from index.retrieval.explanations import GRID, heat_map, word_shares
from tests.samples import PALETTE, ColourEncoder


def test_the_word_that_carries_the_score_has_the_largest_share():
    encoder = ColourEncoder()
    red = encoder.embed_images([Image.new("RGB", (8, 8), PALETTE["red"])])[0]
    (shares,) = word_shares(parse_query("a red thing"), red, encoder)
    assert [share.word for share in shares] == ["a", "red", "thing"]
    assert max(shares, key=lambda share: share.share).word == "red"
    whole = float(encoder.embed_texts(["a red thing"])[0] @ red)
    assert shares[1].share == pytest.approx(whole - float(encoder.embed_texts(["a thing"])[0] @ red), abs=1e-6)
    assert shares[0].share == pytest.approx(0, abs=1e-6)  # without "a" nothing changes for this encoder


def test_unwanted_words_carry_a_score_by_their_absence():
    encoder = ColourEncoder()
    red = encoder.embed_images([Image.new("RGB", (8, 8), PALETTE["red"])])[0]
    wanted, unwanted = word_shares(parse_query("red - blue"), red, encoder)
    assert wanted[0].share > 0
    assert [share.word for share in unwanted] == ["blue"]


def test_the_map_is_hot_where_the_colour_is():
    image = Image.new("RGB", (140, 70), PALETTE["blue"])
    image.paste(PALETTE["red"], (100, 0, 140, 35))  # the upper right
    encoder = ColourEncoder()
    heat = heat_map(image, encoder.embed_texts(["red"])[0], encoder)
    assert heat.shape == (GRID, GRID) and heat.max() == pytest.approx(1)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert row <= 3 and column >= 4
    assert heat[-1, 0] < 0.2


def test_a_image_of_one_colour_has_no_hot_part():
    encoder = ColourEncoder()
    heat = heat_map(Image.new("RGB", (64, 64), PALETTE["red"]), encoder.embed_texts(["blue"])[0], encoder)
    assert not heat.any()
