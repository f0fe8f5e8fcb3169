"""Classes, templates and probabilities of zero-shot classification."""

from dataclasses import replace

import numpy as np
import pytest

from index.build import build_collection
from index.collection import Collection
from index.label import LabelRequest, label_collection, labels_csv
from index.labels.classifier import Calibration, Classifier, make_classifier
from index.labels.ground_truth import named_truth
from index.labels.predictions import two_best
from tests.samples import ColourEncoder
from training.models.encoder import unit
from training.models.errors import UserError
from training.models.prompts import template_set
from training.models.zero_shot import (
    ClassEmbeddings,
    ClassName,
    everyday_words,
    parse_classes,
    zero_shot_classifier,
)


def request(classes: str, **settings) -> LabelRequest:
    return LabelRequest(
        tuple(parse_classes(classes)), **{"templates": ("{}",), "calibration": "uncalibrated"} | settings
    )


def test_classes_are_read_one_a_line_with_commas_literal_and_synonyms_after_a_colon():
    classes = parse_classes("salt, pepper\n\n dog: puppy, hound \ncat")
    assert classes == [ClassName("salt, pepper"), ClassName("dog", ("dog", "puppy", "hound")), ClassName("cat")]


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
    [row] = zero_shot_classifier(encoder, [ClassName("red", ("red", "orange"))], ["{}", "a {} thing"])
    prompts = encoder.embed_texts(["red", "a red thing", "orange", "a orange thing"])
    mean = sum(prompts) / 4
    assert np.allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_probabilities_are_a_softmax_of_scaled_cosines(encoder):
    classifier = make_classifier(request("red\nblue"), ClassEmbeddings(encoder))
    vectors = encoder.embed_texts(["orange", "green"])
    exponentials = [[np.exp(encoder.logit_scale * float(v @ c)) for c in classifier.embeddings] for v in vectors]
    expected = [[o / sum(row) for o in row] for row in exponentials]
    assert np.allclose(classifier.probabilities(vectors), expected, atol=1e-6)


def test_none_of_these_wins_where_another_thing_is_nearer(encoder):
    asked = request("red\norange", none=True)
    classes = zero_shot_classifier(encoder, asked.classes, asked.templates)
    classifier = Classifier(asked, encoder, classes, none_embeddings=encoder.embed_texts(["blue", "green"]))
    probabilities = classifier.probabilities(encoder.embed_texts(["blue", "red"]))
    assert probabilities.shape == (2, 3)
    assert probabilities.argmax(axis=1).tolist() == [2, 0]


def test_another_name_for_a_class_does_not_stand_for_none_and_some_words_always_do():
    from training.models.encoders import load_encoder

    starter = load_encoder("starter")
    words = everyday_words()
    bank = zero_shot_classifier(starter, [ClassName(word) for word in words], ["{}"])

    def left(*names):
        classifier = zero_shot_classifier(starter, [ClassName(name) for name in names], ["{}"])
        rows = ClassEmbeddings(starter).none_embeddings(classifier, ["{}"])
        return {words[int((bank @ row).argmax())] for row in rows}

    assert {"dog", "cat"}.isdisjoint(left("puppy", "kitten"))
    assert {"guitar", "bread", "lighthouse"} <= left("puppy", "kitten")
    assert len(left(*words)) >= len(words) // 5


def test_a_whole_collection_is_labelled_by_its_stored_vectors(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    embedded = encoder.embedded
    collection = Collection.open(tmp_path / "c.gelato")
    result = label_collection(collection, encoder, request("red\nblue\ngreen", templates=("a {} thing",)))
    labels, by_path = result.table, result.table.set_index("path")
    assert encoder.embedded == embedded
    assert by_path.loc["warm/red.png", "label"] == "red"
    assert by_path.loc["warm/orange.webp", ["label", "runner_up"]].tolist() == ["red", "green"]
    assert (labels["probability"].between(0, 1) & (labels["margin"] >= 0)).all()
    assert labels_csv(result).splitlines()[0] == "path,label,probability,runner_up,margin"


def test_one_class_alone_takes_everything_and_has_no_runner_up(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    labels = label_collection(Collection.open(tmp_path / "c.gelato"), encoder, request("red")).table
    assert set(labels["label"]) == {"red"} and set(labels["runner_up"]) == {""}
    assert np.allclose(labels["probability"], 1)


def test_accuracy_counts_what_is_known_and_gives_an_interval(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    (tmp_path / "truth.csv").write_text("file,label\nwarm/red.png,red\nwarm/orange.webp,blue\n")
    result = label_collection(collection, encoder, request("red\nblue"))
    measured = result.accuracy(named_truth(collection, result.request, str(tmp_path / "truth.csv")))
    assert (measured["value"], measured["n"]) == (0.5, 2)
    assert measured["low"] <= 0.5 <= measured["high"]
    (tmp_path / "truth.csv").write_text("file,label\nwarm/red.png,red\nwarm/orange.webp,a bird\n")
    truth = named_truth(collection, result.request, str(tmp_path / "truth.csv"))
    assert truth.others == 1 and result.accuracy(truth)["n"] == 2  # what is not offered cannot be right
    warm = label_collection(collection, encoder, request("warm: red, orange\nblue"))
    assert warm.accuracy(named_truth(collection, warm.request, "folder"))["value"] == 2 / 5
    with pytest.raises(UserError, match="neither a file nor a column"):
        named_truth(collection, result.request, "nothing")


def test_a_class_cannot_be_called_as_the_answer_for_none_of_them(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    with pytest.raises(UserError, match="'none', which is also the answer"):
        label_collection(collection, encoder, request("none\nred", none=True))
    assert len(label_collection(collection, encoder, request("none\nred")).table) == 5


@pytest.mark.parametrize("none", [False, True])
@pytest.mark.parametrize("classes", [1, 2, 7])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_two_best_are_the_two_largest_probabilities(classes, none, temperature):
    rng = np.random.default_rng(0)
    asked = request("\n".join(map(str, range(classes))), none=none)
    vectors, embeddings = unit(rng.normal(size=(50, 3))).astype(np.float16), unit(rng.normal(size=(classes, 3)))
    classifier = Classifier(asked, ColourEncoder(), embeddings, unit(rng.normal(size=(4, 3))) if none else None)
    classifier = replace(classifier, calibration=Calibration(temperature=temperature))
    probabilities = classifier.probabilities(vectors)
    best, largest = two_best(classifier.logits(vectors), temperature)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    answers = order.shape[1]
    assert np.array_equal(best[:, :answers], order)
    assert np.allclose(largest[:, :answers], np.take_along_axis(probabilities, order, axis=1), atol=1e-6)
    assert answers == 2 or ((largest[:, 1] == 0).all() and (best[:, 1] == -1).all())
