"""Version 2 of `starter`: what is fitted on captioned photographs, and what a text means by it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.everyday import average_precision, shown
from benchmarks.starter_ablation import RESULT, with_tables
from index.storage.manifest import Manifest
from training.data.sources import open_source
from training.models.bridge import CLASSES, caption_weight, exactness, gate, read_bridge, text_vectors
from training.models.encoder import unit
from training.models.encoders import RENAMED, SAME_IMAGES, load_encoder
from training.models.errors import UserError
from training.models.sentence_encoder import SentenceEncoder
from training.models.starter import BRIDGE, BRIDGES, fingerprint
from training.starter.drawings import Captioned
from training.starter.kinds import kinds
from training.starter.photographs import RIDGE, Photographs, fit_photographs, map_arrays, unfitted_vectors, word_bank
from training.starter.words import LONGEST, PENALTY, shows, word_shifts, words_below

NOUNS = """\
  1 This software and database is being provided to you
00001740 03 n 01 entity 0 000 | that which is
00002000 05 n 02 animal 0 beast 0 001 @ 00001740 n 0000 | a living thing
00003000 05 n 02 dog 0 domestic_dog 0 001 @ 00002000 n 0000 | it barks
00003100 05 n 01 carnivore 0 001 @ 00002000 n 0000 | it eats meat
00004000 05 n 01 pug 0 002 @ 00003000 n 0000 @ 00003100 n 0000 | small
00004100 05 n 01 collie 0 002 @ 00003000 n 0000 ~ 00001740 n 0000 | it herds
00004200 05 n 01 tabby 0 001 @i 00003100 n 0000 | a cat
"""


@pytest.fixture(scope="module")
def bridge():
    return read_bridge(BRIDGE)


@pytest.fixture(scope="module")
def embed():
    return SentenceEncoder("openvino", "f32")


def test_a_kind_has_all_classes_below_it_and_a_name_that_people_use(tmp_path):
    (tmp_path / "data.noun").write_text(NOUNS)
    found = kinds(["n00004000", "n00004100", "n00004200"], {"dog", "animal", "beast", "pug"}, tmp_path)
    assert [(kind.names, kind.classes) for kind in found] == [(("animal", "beast"), (0, 1, 2)), (("dog",), (0, 1))]


def test_without_wordnet_the_package_that_brings_it_is_named(tmp_path):
    with pytest.raises(UserError, match="Debian's package wordnet-base"):
        fit_photographs([], tmp_path / "out.safetensors", wordnet=tmp_path)


def photographs(count=40, each=(1, 2)):
    rng = np.random.default_rng(0)
    captions = [tuple(f"a dog and {number}" for _ in range(each[number % 2])) for number in range(count)]
    embedded = unit(rng.normal(size=(sum(map(len, captions)), 5)))
    return Photographs(rng.normal(size=(count, 8)).astype(np.float32), captions, embedded)


def test_an_image_is_the_mean_of_its_sentences_also_among_some():
    all_of_them = photographs()
    kept = np.arange(40) % 3 == 0
    some = all_of_them.only(kept)
    expected = np.stack([all_of_them.embedded[all_of_them.owners == n].mean(axis=0) for n in np.flatnonzero(kept)])
    assert np.allclose(some.sentences, unit(expected), atol=1e-6) and len(some.features) == kept.sum()


def test_the_map_is_ridge_regression_where_a_drawing_counts_by_its_weight():
    from sklearn.linear_model import Ridge

    photos, rng = photographs(), np.random.default_rng(1)
    drawings = Captioned(rng.normal(size=(10, 8)).astype(np.float32), unit(rng.normal(size=(10, 5))), 0.25)
    fitted = map_arrays(photos, drawings)
    rows, targets = [], []
    for features, sentences in ((photos.features, photos.sentences), (drawings.features, drawings.sentences)):
        target = unit(sentences - sentences.mean(axis=0))
        rows.append(features - features.mean(axis=0))
        targets.append(target - target.mean(axis=0))
    weights = np.repeat([1, 0.25], [40, 10])
    features = np.concatenate(rows).astype(np.float64)
    penalty = RIDGE * (weights * np.square(features).sum(axis=1)).sum() / 8
    oracle = Ridge(alpha=penalty, fit_intercept=False).fit(features, np.concatenate(targets), sample_weight=weights)
    assert np.allclose(fitted["lift"], oracle.coef_.T, atol=1e-5)
    assert np.allclose(fitted["feature_mean"], photos.features.mean(axis=0), atol=1e-6)


def test_a_word_is_the_mean_of_the_captions_that_have_it():
    captions = [("A red dog.", "dogs run"), ("the Dog",), ("dog, asleep",), ("red car",)]
    embedded = np.arange(10, dtype=np.float32).reshape(5, 2)
    bank = word_bank(Photographs(np.zeros((4, 3), np.float32), captions, embedded))
    assert list(bank) == ["dog"], "three captions have it; red is in two, and the is no word to search"
    assert np.allclose(bank["dog"], embedded[[0, 2, 3]].mean(axis=0))


INDEX = """\
  1 This software and database is being provided to you
animal n 1 1 @ 1 0 00002000
dog n 2 1 @ 2 0 00003000 00004000
pug n 1 1 @ 1 0 00004000
puppy n 1 1 @ 1 0 00004000
tabby n 2 1 @ 2 0 00004200 00003000
man n 1 1 @ 1 0 00004100
"""


def test_a_word_has_those_below_it_by_their_commonest_senses(tmp_path):
    (tmp_path / "data.noun").write_text(NOUNS)
    (tmp_path / "index.noun").write_text(INDEX)
    words = ["animal", "dogs", "pug", "puppies", "tabby", "men", "asleep"]
    below = words_below(words, tmp_path / "data.noun")
    assert below["dogs"] == {"dogs", "pug", "puppies", "men"}, "plurals count, and a second sense does not"
    assert below["pug"] == {"pug", "puppies"} and below["asleep"] == {"asleep"}
    assert below["animal"] == {*words} - {"asleep"}
    shown = shows([("Two pugs? A Pug!",), ("dogs", "a tabby."), ("spugs",)], words, below)
    assert [{word for word, one in zip(words, of, strict=True) if one} for of in shown] == [
        {"animal", "dogs", "pug", "puppies"},
        {"animal", "dogs", "tabby"},
        set(),
    ]


def test_a_shift_is_the_penalised_part_of_a_regression_in_units_of_the_other():
    from sklearn.linear_model import Ridge

    rng = np.random.default_rng(5)
    vectors, texts = unit(rng.normal(size=(60, 6))), unit(rng.normal(size=(3, 6)))
    shown = vectors @ texts.T + 0.3 * rng.normal(size=(60, 3)) > 0.2
    shifts = word_shifts(vectors, shown, texts)
    rows = vectors.astype(np.float64) - vectors.mean(axis=0)
    for word, text in enumerate(texts):
        wanted = shown[:, word] - shown[:, word].mean()
        slope = np.linalg.lstsq((rows @ text)[:, None], wanted, rcond=None)[0][0]
        rest = Ridge(alpha=PENALTY * np.square(rows).sum() / 6, fit_intercept=False).fit(
            rows, wanted - slope * rows @ text
        )
        expected = rest.coef_ / slope
        assert np.allclose(shifts[word], expected / max(1, np.linalg.norm(expected) / LONGEST), atol=1e-5)


def test_a_shift_finds_photographs_that_the_text_alone_ranks_last():
    rng = np.random.default_rng(6)
    vectors, text = unit(rng.normal(size=(400, 8))), np.eye(8, dtype=np.float32)[:1]
    shown = (vectors[:, 0] > 0.1) & (vectors[:, 1] > 0.2)
    [shift] = word_shifts(vectors, shown[:, None], text)
    assert average_precision(vectors @ (text[0] + shift), shown) > average_precision(vectors @ text[0], shown) + 0.05
    [rare] = word_shifts(vectors, np.zeros((400, 1), bool), text)
    assert np.linalg.norm(rare) <= LONGEST


def test_a_photograph_is_seen_by_a_map_that_was_not_fitted_on_it():
    photos, rng = photographs(), np.random.default_rng(1)
    drawings = Captioned(rng.normal(size=(10, 8)).astype(np.float32), unit(rng.normal(size=(10, 5))), 0.25)
    bridge = {"project": rng.normal(size=(8, 3)).astype(np.float32), **map_arrays(photos, drawings)}
    vectors = unfitted_vectors(photos, drawings, bridge)
    turned = replace(photos, embedded=photos.embedded * np.where(photos.owners == 7, -1, 1)[:, None])
    differs = np.abs(unfitted_vectors(turned, drawings, bridge) - vectors).max(axis=1) > 1e-6
    assert not differs[7] and differs.sum() >= 30, "its own caption moves the others alone"


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("dog", False),
        ("a photo of a golden retriever.", False),
        ("food", False),
        ("teddy bear", False),
        ("two dogs play on a beach", True),
        ("a woman is holding an umbrella in the rain", True),
        ("people sitting around a table with food", True),
    ],
)
def test_the_gate_tells_a_sentence_from_a_name(bridge, embed, text, sentence):
    assert (float(gate(embed([text]), bridge)[0, 0]) > 0.5) is sentence


def test_a_sentence_counts_by_its_captions_and_the_name_of_a_class_by_its_class(bridge):
    """The weight at the three corners is the one that the weights name, whatever the logarithm does between."""
    likeness = np.zeros((3, len(bridge["names"])), np.float32)
    likeness[0, 5] = 1  # exactly one class
    likeness[1, CLASSES] = 1  # a kind
    name = np.array([[1], [1], [0]], np.float32)
    weights = caption_weight(exactness(likeness, name, bridge), name, bridge)[:, 0]
    expected = [bridge[name] for name in ("class_weight", "name_weight", "sentence_weight")]
    assert np.allclose(weights, expected, rtol=1e-3)


BIRDS = {*range(7, 25), *range(80, 101), *range(127, 147)}  # ImageNet lists kinds one after another


@pytest.mark.parametrize(
    "word, kinds_of_it", [("dog", set(range(151, 269))), ("bird", BIRDS), ("snake", set(range(52, 69)))]
)
def test_a_general_word_means_its_kinds(bridge, embed, word, kinds_of_it):
    depth = bridge["prototypes"].shape[1]
    classes = unit(text_vectors(embed([word]), bridge)[:, :depth])
    near = np.argsort(-(classes @ unit(bridge["prototypes"][:CLASSES]).T)[0])[:10].tolist()
    assert len(kinds_of_it.intersection(near)) >= 8


def test_a_collection_of_version_1_is_read_with_it_and_one_of_the_same_images_with_the_weights_of_now(tmp_path):
    [(made_with, name)] = RENAMED.items()
    assert made_with == ("starter", fingerprint(BRIDGES[name]))
    manifest = Manifest(made_with[0], made_with[1], 768, "openvino", "bf16", 1)
    (tmp_path / "manifest.json").write_bytes(manifest.as_json())
    encoder = load_encoder(Manifest.read(tmp_path).encoder)
    assert (encoder.name, encoder.fingerprint, encoder.dim) == ("starter-1", made_with[1], 768)
    stored = json.loads(manifest.as_json())
    for one in (fingerprint(BRIDGE), *SAME_IMAGES):
        (tmp_path / "manifest.json").write_text(json.dumps(stored | {"fingerprint": one}))
        read = Manifest.read(tmp_path)
        assert (read.encoder, read.fingerprint) == ("starter", fingerprint(BRIDGE))


def test_too_few_captioned_photographs_end_in_one_sentence(tmp_path):
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    (tmp_path / "captions.csv").write_text("path,caption,split\nred.png,a red wall,train\n")
    (tmp_path / "data.noun").write_text(NOUNS)
    source = open_source(str(tmp_path / "captions.csv"))
    with pytest.raises(UserError, match="have 0 captioned images of the split 'val', and at least 100 are needed"):
        fit_photographs([source], tmp_path / "out.safetensors", "val", tmp_path)


def test_a_photo_shows_a_word_that_its_captions_say_in_another_form_or_as_a_kind():
    truth = shown([("Two buses in a street.", "a city"), ("A puppy asleep",), ("an empty room",)])
    assert {word for word, images in truth.items() if images[0]} == {"vehicle", "bus", "street", "city"}
    assert truth["animal"].tolist() == truth["dog"].tolist() == [False, True, False]


def test_average_precision_is_the_mean_precision_at_each_relevant_image():
    scores, truth = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert average_precision(scores, truth) == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_the_card_shows_the_stored_ablation():
    card = BRIDGE.with_suffix(".md").read_text(encoding="utf-8")
    assert with_tables(card, json.loads(RESULT.read_text())) == card, "run: python benchmarks/starter_ablation.py"
