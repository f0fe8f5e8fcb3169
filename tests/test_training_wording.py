"""Captions in other orders: the variants themselves, and encoders that notice or cannot."""

import hashlib

import numpy as np
import pytest

from tests.samples import ColourEncoder
from training.evaluation.wording import noun_groups, order_effect, order_matters, variants, words_of
from training.models.encoder import unit


def vector_of(word: str) -> np.ndarray:
    seed = int(hashlib.sha256(word.encode()).hexdigest()[:8], 16)
    return np.random.default_rng(seed).normal(size=64)


class BagOfWords(ColourEncoder):
    """Adds up its words, in the order they come, as a computer rounds."""

    dim, name, fingerprint = 64, "bag", "ba9" * 5

    def embed_text_batch(self, texts):
        return unit(np.array([sum(vector_of(word).astype(np.float32) for word in p.split()) for p in texts]))


class FirstWordCounts(BagOfWords):
    """A bag of words that hears its first word three times as loud."""

    fingerprint = "f125" * 4

    def embed_text_batch(self, texts):
        return unit(np.array([sum((1 + 2 * (i == 0)) * vector_of(w) for i, w in enumerate(p.split())) for p in texts]))


class SeesOnly(ColourEncoder):
    reads_text, fingerprint = False, "5ee5" * 4


@pytest.mark.parametrize(
    ("caption", "nouns"),
    [
        ("a brown dog on a white couch", ["dog", "couch"]),
        ("a person on a horse", ["person", "horse"]),
        ("the dog chases the black cat", ["dog", "cat"]),
        ("two small red boats sailing near an island", ["boats", "island"]),
        ("people riding an elephant", ["people", "elephant"]),
        ("lemons", ["lemons"]),
    ],
)
def test_nouns_are_found_in_captions(caption, nouns):
    words = words_of(caption)
    assert [words[noun] for _, noun in noun_groups(words)] == nouns


def test_variants_are_the_same_words_in_other_orders():
    found = variants("a brown dog on a white couch", shuffles=5)
    by_kind = {v.kind: v.text for v in found}
    assert by_kind["swap nouns"] == "a brown couch on a white dog"
    assert by_kind["swap adjectives"] == "a white dog on a brown couch"
    assert by_kind["reverse"] == "couch white a on dog brown a"
    assert by_kind["drop relation words"] == "a brown dog a white couch"
    assert sum(v.kind == "shuffle" for v in found) == 5
    assert len({v.text for v in found}) == len(found)
    original = sorted(words_of("a brown dog on a white couch"))
    assert all(sorted(v.text.split()) == original for v in found if v.kind != "drop relation words")


def test_a_swap_moves_all_words_that_describe_a_thing():
    texts = [v.text for v in variants("a big old red bus beside a car and a small bike") if v.kind == "swap adjectives"]
    assert texts == ["a small bus beside a car and a big old red bike"]


def test_a_single_word_has_no_other_order():
    assert variants("lemons") == [] and variants("") == [] and variants("dog dog dog dog") == []


def test_a_bag_of_words_does_not_notice_order_though_rounding_differs():
    effect = order_effect(BagOfWords(), "a brown dog on a white couch")
    assert effect.reordered < 1e-5 and effect.shortened > 0.01
    assert order_matters(BagOfWords(), "a brown dog on a white couch") is False


def test_an_encoder_that_hears_the_first_word_louder_notices():
    assert order_matters(FirstWordCounts(), "a brown dog on a white couch") is True


def test_there_is_no_answer_without_an_order_or_without_words():
    assert order_matters(BagOfWords(), "brown dog") is None
    assert order_matters(BagOfWords(), "dog dog dog") is None
    assert order_matters(SeesOnly(), "a brown dog on a couch") is None
