"""Words are embedded once a machine, by encoder, and a broken cache costs nothing but time."""

import numpy as np
import pytest

from tests.samples import ColourEncoder
from training.models.text_cache import cached_texts, embed_texts_cached
from training.models.zero_shot import ClassName, zero_shot_classifier


class Counting(ColourEncoder):
    cache_texts = True

    def __init__(self):
        super().__init__()
        self.read = 0

    def embed_text_batch(self, texts):
        self.read += len(texts)
        return super().embed_text_batch(texts)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GELATO_CACHE", str(tmp_path))
    return tmp_path


def test_another_process_finds_what_one_has_embedded():
    first, second = Counting(), Counting()
    made = embed_texts_cached(first, ["red", "blue"])
    assert np.array_equal(made, first.embed_texts(["red", "blue"]))
    assert cached_texts(second, ["red", "green"]) is None
    again = embed_texts_cached(second, ["blue", "green", "red"])
    assert second.read == 1
    assert np.array_equal(again[[2, 0]], made)
    assert np.array_equal(cached_texts(second, ["red", "green"]), again[[2, 1]])


@pytest.mark.parametrize("other", [{"fingerprint": "0" * 16}, {"precision": "bf16"}, {"runtime": "openvino"}])
def test_encoders_that_may_differ_share_nothing(other):
    embed_texts_cached(Counting(), ["red"])
    encoder = Counting()
    vars(encoder).update(other)
    assert cached_texts(encoder, ["red"]) is None


def test_an_encoder_that_is_not_identified_by_its_fingerprint_is_not_remembered(cache):
    embed_texts_cached(ColourEncoder(), ["red"])
    assert not list(cache.rglob("*.sqlite"))


def test_a_class_is_embedded_again_only_if_its_words_or_the_templates_change():
    encoder = Counting()
    classes, templates = [ClassName("red"), ClassName("blue", ("blue", "green"))], ["{}", "a {} thing"]
    first = zero_shot_classifier(encoder, classes, templates)
    assert encoder.read == 6
    assert np.array_equal(zero_shot_classifier(encoder, classes, templates), first)
    assert encoder.read == 6
    zero_shot_classifier(encoder, [*classes, ClassName("grey")], templates)
    assert encoder.read == 8
    zero_shot_classifier(encoder, classes, ["{}"])
    assert encoder.read == 11


def test_a_broken_cache_is_made_again(cache):
    encoder = Counting()
    expected = embed_texts_cached(encoder, ["red"])
    [file] = cache.rglob("*.sqlite")
    file.write_bytes(b"this is no database, and long enough to be looked at" * 50)
    assert np.array_equal(embed_texts_cached(encoder, ["red"]), expected)
    embed_texts_cached(encoder, ["red"])
    assert cached_texts(Counting(), ["red"]) is not None


def test_a_cache_that_cannot_be_written_is_done_without(cache):
    (cache / "texts").write_text("a file where the folder should be")
    assert embed_texts_cached(Counting(), ["red"]).shape == (1, 3)
