"""Classes, templates and probabilities of zero-shot classification."""

import numpy as np
import pytest

from index.build import build_collection
from index.collection import Collection
from index.label import label_collection, labels_csv
from index.labels.true_labels import accuracy, true_labels
from tests.samples import ColourEncoder
from training.models.encoder import unit
from training.models.errors import UserError
from training.models.prompts import template_set
from training.models.zero_shot import (
    ClassName,
    class_probabilities,
    everyday_words,
    parse_classes,
    rivals,
    two_best,
    zero_shot_classifier,
)


def test_classes_are_read_one_a_line_with_commas_literal_and_synonyms_after_a_colon():
    classes = parse_classes("salt, pepper\n\n dog: puppy, hound \ncat")
    assert classes == [ClassName("salt, pepper"), ClassName("dog", ("puppy", "hound")), ClassName("cat")]


@pytest.mark.parametrize("text, message", [(" \n", "no classes"), ("cat\ndog\ncat", "'cat' is given twice")])
def test_wrong_classes_are_answered_in_a_sentence(text, message):
    with pytest.raises(UserError, match=message):
        parse_classes(text)


def test_template_sets_are_those_of_open_clip():
    from open_clip import OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES

    assert template_set("7") == [template("{}") for template in SIMPLE_IMAGENET_TEMPLATES]
    assert template_set("80") == [template("{}") for template in OPENAI_IMAGENET_TEMPLATES]
    assert len(template_set("80")) == 80
    assert template_set("plain") == ["{}"]


def test_a_users_templates_come_from_a_file(tmp_path):
    (tmp_path / "mine.txt").write_text("a {} at night\n\nthe {}\n")
    assert template_set(str(tmp_path / "mine.txt")) == ["a {} at night", "the {}"]
    (tmp_path / "mine.txt").write_text("a {}\nno place for the class\n")
    with pytest.raises(UserError, match="'no place for the class'"):
        template_set(str(tmp_path / "mine.txt"))
    with pytest.raises(UserError, match="no template set called 'eighty'"):
        template_set("eighty")


def test_a_class_is_the_mean_of_its_prompts_renormalised(encoder):
    [row] = zero_shot_classifier(encoder, [ClassName("red", ("orange",))], ["{}", "a {} thing"])
    prompts = encoder.embed_texts(["red", "a red thing", "orange", "a orange thing"])
    mean = sum(prompts) / 4
    assert np.allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_probabilities_are_a_softmax_of_scaled_cosines(encoder):
    classifier = zero_shot_classifier(encoder, [ClassName("red"), ClassName("blue")], ["{}"])
    vectors = encoder.embed_texts(["orange", "green"])
    probabilities = [[np.exp(encoder.logit_scale * float(v @ c)) for c in classifier] for v in vectors]
    expected = [[o / sum(row) for o in row] for row in probabilities]
    assert np.allclose(class_probabilities(encoder, vectors, classifier), expected, atol=1e-6)


def test_none_of_these_wins_where_another_thing_is_nearer(encoder):
    classifier = zero_shot_classifier(encoder, [ClassName("red"), ClassName("orange")], ["{}"])
    others = encoder.embed_texts(["blue", "green"])
    probabilities = class_probabilities(encoder, encoder.embed_texts(["blue", "red"]), classifier, others)
    assert probabilities.shape == (2, 3)
    assert probabilities.argmax(axis=1).tolist() == [2, 0]


def test_another_name_for_a_class_is_no_rival_and_some_rivals_always_stay():
    from training.models.encoders import load_encoder

    starter = load_encoder("starter")
    words = everyday_words()
    bank = zero_shot_classifier(starter, [ClassName(word) for word in words], ["{}"])

    def left(*names):
        classifier = zero_shot_classifier(starter, [ClassName(name) for name in names], ["{}"])
        rows = rivals(starter, classifier, ["{}"])
        return {words[int((bank @ row).argmax())] for row in rows}

    assert {"dog", "cat"}.isdisjoint(left("puppy", "kitten"))
    assert {"guitar", "bread", "lighthouse"} <= left("puppy", "kitten")
    assert len(left(*words)) >= len(words) // 5


def test_a_whole_collection_is_labelled_by_its_stored_vectors(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    embedded = encoder.embedded
    collection = Collection.open(tmp_path / "c.gelato")
    labels = label_collection(collection, encoder, parse_classes("red\nblue\ngreen"), ["a {} thing"])
    by_path = labels.set_index("path")
    assert encoder.embedded == embedded
    assert by_path.loc["warm/red.png", "label"] == "red"
    assert by_path.loc["warm/orange.webp", ["label", "runner_up"]].tolist() == ["red", "green"]
    assert (labels["probability"].between(0, 1) & (labels["margin"] >= 0)).all()
    assert labels_csv(labels).splitlines()[0] == "path,label,probability,runner_up,margin"


def test_one_class_alone_takes_everything_and_has_no_runner_up(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    labels = label_collection(Collection.open(tmp_path / "c.gelato"), encoder, [ClassName("red")], ["{}"])
    assert set(labels["label"]) == {"red"} and set(labels["runner_up"]) == {""}
    assert np.allclose(labels["probability"], 1)


def test_accuracy_counts_what_is_known_and_gives_an_interval(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    (tmp_path / "truth.csv").write_text("file,label\nwarm/red.png,red\nwarm/orange.webp,blue\n")
    labels = label_collection(collection, encoder, parse_classes("red\nblue"), ["{}"])["label"]
    measured = accuracy(labels, true_labels(collection, str(tmp_path / "truth.csv")))
    assert (measured["value"], measured["n"]) == (0.5, 2)
    assert measured["low"] <= 0.5 <= measured["high"]
    assert accuracy(labels, true_labels(collection, "folder").map({"warm": "red"}))["value"] == 1.0
    with pytest.raises(UserError, match="neither a file nor a column"):
        true_labels(collection, "nothing")


def test_a_class_cannot_be_called_as_the_answer_for_none_of_them(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    with pytest.raises(UserError, match="'none', which is also the answer"):
        label_collection(collection, encoder, parse_classes("none\nred"), ["{}"], none=True)
    assert len(label_collection(collection, encoder, parse_classes("none\nred"), ["{}"])) == 5


@pytest.mark.parametrize("none", [False, True])
@pytest.mark.parametrize("classes", [1, 2, 7])
def test_the_two_best_are_the_two_largest_probabilities(classes, none):
    rng = np.random.default_rng(0)
    encoder = ColourEncoder()
    vectors, classifier = unit(rng.normal(size=(50, 3))).astype(np.float16), unit(rng.normal(size=(classes, 3)))
    others = unit(rng.normal(size=(4, 3))) if none else None
    probabilities = class_probabilities(encoder, vectors, classifier, others)
    best, chances = two_best(encoder, vectors, classifier, others)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    kept = order.shape[1]
    assert np.array_equal(best[:, :kept], order)
    assert np.allclose(chances[:, :kept], np.take_along_axis(probabilities, order, axis=1), atol=1e-6)
    assert kept == 2 or (chances[:, 1] == 0).all()
