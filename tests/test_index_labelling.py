"""A labelled collection: labels, reviews, corrections that stay, learning, the matrix and exports."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest

from index.build import build_collection
from index.collection import Collection
from index.label import Labelling, LabelRequest, label_collection
from index.labels.calibration import class_calibrations
from index.labels.confusion import by_class, confusion
from index.labels.export import label_rows, sorting_script
from index.labels.ground_truth import named_truth
from index.labels.labelling import collection_classifier
from index.labels.template_effects import template_effects
from index.retrieval.relevance import null_distribution
from index.storage.annotations import ANNOTATIONS
from index.storage.corrections import read_corrections
from index.storage.json_files import CORRECTIONS_FILE
from tests.samples import PALETTE, ColourEncoder, WarmthEncoder, make_read_only, paint
from training.models.errors import UserError
from training.models.zero_shot import ClassEmbeddings, ClassName, parse_classes, zero_shot_classifier

COLOURS = tuple(ClassName(name) for name in PALETTE)


@pytest.fixture
def painted(tmp_path):
    """Eight shades of each colour in a folder of its name."""
    for name, (r, g, b) in PALETTE.items():
        for i in range(8):
            paint(tmp_path / "images" / name / f"{i}.png", (r, max(0, g - 3 * i), min(255, b + 2 * i)))
    build_collection([tmp_path / "images"], tmp_path / "colours.gelato", ColourEncoder())
    return Collection.open(tmp_path / "colours.gelato")


def labelled(collection, classes=COLOURS, earlier=None, **settings) -> Labelling:
    request = LabelRequest(tuple(classes), ("{}",), **{"calibration": "uncalibrated"} | settings)
    return Labelling(collection, ClassEmbeddings(ColourEncoder()), request, earlier=earlier)


def row(collection, path: str) -> int:
    return collection.items["path"].tolist().index(path)


def test_a_line_of_commas_is_a_list_of_classes_and_several_lines_keep_their_commas():
    assert [c.name for c in parse_classes("cat, dog , a red car")] == ["cat", "dog", "a red car"]
    assert [c.name for c in parse_classes("salt, pepper\ncat")] == ["salt, pepper", "cat"]
    assert parse_classes("food: meal, dish") == [ClassName("food", ("food", "meal", "dish"))]


def test_only_what_changed_is_embedded_again_and_the_classifier_stays_that_of_the_definition(encoder):
    cached, templates = ClassEmbeddings(encoder), ["{}", "a {} thing"]
    first = [ClassName("red", ("red", "orange")), ClassName("blue")]
    assert np.allclose(cached.classifier(first, templates), zero_shot_classifier(encoder, first, templates), atol=1e-6)
    assert cached.embedded == 6
    second = [ClassName("green"), *first[:1]]
    defined = zero_shot_classifier(encoder, second, templates)
    assert np.allclose(cached.classifier(second, templates), defined, atol=1e-6)
    assert cached.embedded == 8


@pytest.mark.parametrize("none, none_margin", [(False, 0), (True, 0), (True, 0.25)])
def test_labels_and_margins_are_those_of_the_softmax_of_each_image(painted, none, none_margin):
    classes = COLOURS[:4]  # to this encoder grey is the colour of every other word: a tie
    encoder = ColourEncoder()
    encoder.none_margin = none_margin
    request = LabelRequest(classes, ("{}",), none=none, calibration="uncalibrated")
    found = label_collection(painted, encoder, request).table
    embeddings = ClassEmbeddings(encoder)
    rows = embeddings.classifier(classes, ["{}"])
    others = embeddings.none_embeddings(rows, ["{}"])
    names = [c.name for c in classes] + (["none"] if none else [])
    for at, image in enumerate(painted.vectors[:].astype(np.float32)):
        cosines = [float(image @ row) for row in rows] + (
            [max(float(image @ o) for o in others) - none_margin] if none else []
        )
        exponentials = np.exp(encoder.logit_scale * (np.array(cosines) - max(cosines)))
        probabilities = sorted(zip(exponentials / exponentials.sum(), names, strict=True), key=lambda one: -one[0])
        (best, label), (second, runner_up) = probabilities[:2]
        row = found.iloc[at]
        assert row["label"] == label and row["runner_up"] == runner_up
        assert row["probability"] == pytest.approx(best, abs=1e-5)
        assert row["margin"] == pytest.approx(best - second, abs=1e-5)


def test_any_of_these_says_yes_and_no_for_each_class_by_itself(painted):
    both = labelled(painted, [ClassName("red"), ClassName("crimson red"), ClassName("blue")], mode="any").result
    yes = both.predictions.yes
    assert (yes[:, 0] == yes[:, 1]).all()  # the same words to this encoder: neither takes from the other
    reds = painted.items["folder"] == "red"
    assert yes[reds, 0].all() and not yes[reds, 2].any()
    silent = ~yes.any(axis=1)
    assert (both.predictions.label[silent] == 3).all() and (both.predictions.label[~silent] < 3).all()
    assert both.counts == [*yes.sum(axis=0), silent.sum()]
    null, classes = null_distribution(painted, ColourEncoder()), both.classifier.embeddings
    one_by_one = np.stack([null.normalised_scores(row, painted.vectors) for row in classes], axis=1)
    assert np.allclose(both.classifier.text_logits(painted.vectors), one_by_one, atol=1e-5)
    assert (yes == (one_by_one > 1)).all()  # a half is where the relevance line is


def test_the_level_of_none_of_these_moves_images_into_and_out_of_it(painted):
    classes = [ClassName("red"), ClassName("blue")]
    counts = [labelled(painted, classes, none=True, none_level=level).result.counts[2] for level in (-200, 0, 200)]
    assert counts[0] == 0 and counts[0] <= counts[1] <= counts[2] == len(painted)


def test_the_smallest_margins_come_first_to_be_reviewed_and_reviewed_images_leave(painted):
    labelling = labelled(painted)
    rows = labelling.to_review("margin", 5)
    assert rows.tolist() == np.argsort(labelling.result.predictions.margin, kind="stable")[:5].tolist()
    labelling.correct([painted.items["id"][rows[0]]], 2)
    assert rows[0] not in labelling.to_review("margin", 5)
    drawn = labelling.to_review("random", 100)
    assert sorted(drawn) == sorted(set(range(len(painted))) - {rows[0]}) and (np.diff(drawn) < 0).any()


@pytest.mark.parametrize("mode", ["one", "any"])
def test_the_queue_is_ordered_by_entropy_and_by_the_disagreement_of_two_encoders(painted, mode):
    labelling = labelled(painted, mode=mode)
    result, folder = labelling.result, painted.path.parent
    probabilities = result.classifier.probabilities(painted.vectors[:]).astype(float)

    def entropy_of(row: np.ndarray) -> float:
        terms = [*row, *(1 - row)] if mode == "any" else row
        return -sum(p * math.log(p) for p in terms if p > 0)

    entropies = np.array([entropy_of(row) for row in probabilities])
    assert np.allclose(entropies[labelling.to_review("entropy", 40)], np.sort(entropies)[::-1])
    build_collection([folder / "images"], folder / "other.gelato", WarmthEncoder())
    other = Collection.open(folder / "other.gelato")
    second = collection_classifier(result.request, ClassEmbeddings(WarmthEncoder()), other, {})
    by_id = dict(zip(other.column("id"), second.probabilities(other.vectors[:]).astype(float), strict=True))
    divergences = []
    for id, one in zip(painted.column("id"), probabilities, strict=True):
        mean = (one + by_id[id]) / 2
        divergences.append(entropy_of(mean) - (entropy_of(one) + entropy_of(by_id[id])) / 2)
    found = labelling.to_review("disagreement", 40, (other, second))
    assert np.allclose(np.array(divergences)[found], np.sort(divergences)[::-1], atol=1e-6) and max(divergences) > 0.01
    with pytest.raises(UserError, match="second one"):
        labelling.to_review("disagreement", 5)


def test_classes_are_called_calibrated_only_where_twenty_labels_were_checked():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [60, 30, 10])
    probabilities = rng.dirichlet([0.3, 0.3, 0.3], 100)
    probabilities[:, 2] *= 0.1  # hardly an image is labelled as the third
    found = class_calibrations(probabilities, truth, yes=False)
    labels = probabilities.argmax(axis=1)
    assert [one.answer for one in found] == [k for k in range(3) if (labels == k).sum() >= 20] == [0, 1]
    for one in found:
        here = labels == one.answer
        assert one.probability == pytest.approx(sum(row.max() for row in probabilities[here]) / here.sum())
        assert one.accuracy["value"] == (truth[here] == one.answer).mean() and one.accuracy["n"] == here.sum()
    each = class_calibrations(probabilities, truth, yes=True)
    assert [one.accuracy["n"] for one in each] == [n for n in (probabilities > 0.5).sum(axis=0) if n >= 20]


def test_many_images_get_another_class_at_once_and_it_is_one_step_to_undo(painted):
    labelling = labelled(painted, classes=COLOURS[:2])
    ids = painted.items["id"].tolist()
    labelling.correct(ids[:3], 0)
    labelling.correct(ids, 1)
    assert labelling.can_undo == 40 and labelling.result.counts == [0, 40]
    assert labelling.undo() == ids and list(read_corrections(painted.path).values()) == ["red"] * 3
    with pytest.raises(UserError, match="not in the collection any more"):
        labelling.correct([ids[5], "f" * 16], 1)
    assert len(read_corrections(painted.path)) == 3


def test_an_image_may_show_none_of_the_classes_though_the_classifier_has_no_such_answer(painted):
    labelling = labelled(painted, classes=COLOURS[:2], calibration="calibrated")
    greys = painted.items["id"][painted.items["folder"] == "grey"].tolist()
    labelling.correct(greys, 2)
    result = labelling.result
    assert result.answers == ("red", "orange", "none") and result.counts[2] == 8
    assert set(result.table["label"][painted.items["folder"] == "grey"]) == {"none"}
    assert result.matrix.shape == (3, 3) and result.accuracy()["n"] == 24
    labelling.recalibrate()
    assert labelling.result.classifier.calibration.covered == 2  # none of them is no class
    labelling.undo()
    assert labelling.result.answers == ("red", "orange")


def test_a_class_added_in_the_review_labels_the_collection_anew_and_is_taken_back_by_undo(painted):
    labelling = labelled(painted, classes=COLOURS[:2])
    at = row(painted, "blue/0.png")
    labelling.add_class("  blue ", [painted.items["id"][at]])
    assert labelling.result.answers == ("red", "orange", "blue")
    assert labelling.result.predictions.label[row(painted, "blue/1.png")] == 2
    assert read_corrections(painted.path) == {painted.items["id"][at]: "blue"}
    with pytest.raises(UserError, match="already"):
        labelling.add_class("Blue", [painted.items["id"][at]])
    labelling.undo()
    assert labelling.result.answers == ("red", "orange") and read_corrections(painted.path) == {}


def test_a_correction_is_undone_in_a_later_labelling_whose_classes_stay(painted):
    first = labelled(painted, classes=COLOURS[:2])
    ids = list(painted.items["id"][:2])
    first.correct(ids[:1], 1)
    first.add_class("blue", ids[1:])
    later = labelled(painted, classes=COLOURS, earlier=first)
    assert later.can_undo == 1 and later.undo() == ids[1:] and later.undo() == ids[:1]
    assert later.result.answers == labelled(painted).result.answers and read_corrections(painted.path) == {}
    assert not first.can_undo  # what is taken back once is not taken back again


def test_corrections_stay_with_the_collection_outweigh_the_label_and_can_be_undone(painted):
    labelling = labelled(painted)
    at = row(painted, "red/0.png")
    id = painted.items["id"][at]
    labelling.correct([id], 3)
    labelling.correct([id], 2)
    assert read_corrections(painted.path) == {id: "green"}
    assert labelled(painted).result.labels[at] == 2
    assert labelling.undo() == [id] and read_corrections(painted.path) == {id: "blue"}
    labelling.undo()
    assert read_corrections(painted.path) == {} and labelling.result.labels[at] == 0
    with pytest.raises(UserError, match="nothing to undo"):
        labelling.undo()


def test_corrections_outlive_a_rebuild(painted):
    labelled(painted).correct([painted.items["id"][0]], 1)
    build_collection([painted.path.parent / "images"], painted.path, ColourEncoder())
    assert read_corrections(painted.path) == {painted.items["id"][0]: "orange"}


def test_a_collection_that_cannot_be_written_to_says_so(painted, monkeypatch):
    labelling = labelled(painted)
    with monkeypatch.context() as patched:
        make_read_only(patched, painted.path)
        with pytest.raises(UserError, match="cannot be written: the folder may not be written to"):
            labelling.correct([painted.items["id"][0]], 1)
    assert not labelling.can_undo
    (painted.path / ANNOTATIONS).unlink()
    (painted.path / CORRECTIONS_FILE).write_text("{nonsense")
    with pytest.raises(UserError, match="cannot be read as corrections"):
        labelled(painted)


def test_true_labels_are_found_in_the_folder_and_the_matrix_counts_them(painted):
    swapped = [ClassName("red", ("red", "blue")), *COLOURS[1:3], ClassName("grey")]
    result = labelled(painted, swapped).result
    assert result.ground_truth.column == "folder"
    matrix = result.matrix
    expected = np.zeros((4, 4), int)
    for truth, given in zip(result.ground_truth.truth, result.predictions.label, strict=True):
        if truth >= 0:
            expected[truth, given] += 1
    assert (matrix == expected).all() and matrix.sum() == 40  # blue is a word for red
    cell = result.cell(0, int(matrix[0].argmax()))
    assert len(cell) == matrix[0].max() and (np.diff(result.predictions.probability[cell]) <= 0).all()


NESTED = {  # classes, and which of them each depth of the folders says; None is the one that names the most
    None: (["red", "orange", "green"], ["red", "orange", "", "red"]),
    1: (["warm", "red"], ["warm", "warm", "", "red"]),
    2: (["red", "orange", "green"], ["red", "orange", "", "red"]),
    3: (["red", "orange", "green"], ["red", "", "green", "red"]),
    0: (["red", "orange", "green"], ["red", "", "green", "red"]),
}


@pytest.mark.parametrize("depth", NESTED)
def test_folders_are_ground_truth_down_to_a_depth_as_in_training(tmp_path, depth):
    names, expected = NESTED[depth]
    for place in ("warm/red", "warm/orange/new", "cold/deep/green", "red"):
        paint(tmp_path / "images" / place / "0.png", PALETTE["red"])
    paint(tmp_path / "images/0.png", PALETTE["blue"])
    build_collection([tmp_path / "images"], tmp_path / "c.gelato", ColourEncoder())
    collection = Collection.open(tmp_path / "c.gelato")
    request = LabelRequest(tuple(map(ClassName, names)), ("{}",))
    found = named_truth(collection, request, "folder", depth)
    said = {path: number for path, number in zip(collection.column("path"), found.truth, strict=True)}
    places = ("warm/red", "warm/orange/new", "cold/deep/green", "red")
    assert [said[f"{place}/0.png"] for place in places] == [names.index(name) if name else -1 for name in expected]
    assert said["0.png"] == -1 and found.others == expected.count("")


def test_precision_and_recall_worked_out_by_hand():
    matrix = confusion(np.array([0, 0, 0, 1, -1]), np.array([0, 0, 1, 1, 1]), 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    first, second, third = by_class(matrix)
    assert first["precision"]["value"] == 1 and first["recall"]["value"] == pytest.approx(2 / 3)
    assert second["precision"]["value"] == 0.5 and second["recall"]["value"] == 1
    assert third == {"precision": None, "recall": None}


def test_probabilities_are_calibrated_where_labels_are_known_and_say_on_how_many(painted):
    plain, fitted = labelled(painted).result, labelled(painted, calibration="calibrated").result
    assert plain.classifier.calibration.labels == 0 and fitted.classifier.calibration.labels == len(painted)
    assert fitted.classifier.calibration.temperature < 1  # every label is right, so it may be surer
    few = labelled(painted, [ClassName("red"), ClassName("blue")], calibration="calibrated").result.classifier
    assert few.calibration.labels == 0 and few.calibration.known == 16


def test_learning_from_corrections_turns_labels_and_says_what_held_out_ones_gain(painted):
    wrong = [ClassName("warm", ("warm", "blue")), ClassName("cold", ("cold", "red"))]  # the wrong way round
    labelling = labelled(painted, wrong)
    with pytest.raises(UserError, match="0 corrections"):
        labelling.learn(True)
    for i in range(6):
        labelling.correct([painted.items["id"][row(painted, f"red/{i}.png")]], 0)
        labelling.correct([painted.items["id"][row(painted, f"blue/{i}.png")]], 1)
    labelling.learn(True)
    assert labelling.result.learned.helps
    assert (labelling.result.learned.before["value"], labelling.result.learned.after["value"]) == (0, 1)
    assert labelling.result.learned.after["n"] == 12
    assert labelling.result.predictions.label[row(painted, "red/7.png")] == 0
    assert labelled(painted, wrong, learn=True).result.predictions.label[row(painted, "blue/7.png")] == 1
    labelling.learn(False)
    assert labelling.result.predictions.label[row(painted, "red/7.png")] == 1


def test_what_a_template_does_is_what_the_labels_are_without_the_others(painted):
    embeddings = ClassEmbeddings(ColourEncoder())
    classes = (ClassName("red"), ClassName("blue"))
    request = LabelRequest(classes, ("{}", "a grey {}"), calibration="uncalibrated")
    result = Labelling(painted, embeddings, request).result
    rows = result.ground_truth.rows
    truth = result.ground_truth.truth[rows]
    first, second = template_effects(result.classifier, embeddings, painted.vectors[rows], truth)
    alone = labelled(painted, classes).result
    assert first.right == int((alone.predictions.label == alone.ground_truth.truth)[rows].sum()) == 16
    assert first.probability == pytest.approx(float(alone.predictions.probability[rows[0]]), abs=1e-5)
    assert second.without_right == first.right and first.known == 16
    for one in first.by_class:
        of_class = alone.predictions.label[alone.ground_truth.truth == one.answer]
        assert one.images == 8 and one.alone == (of_class == one.answer).mean()
    unknown = list(template_effects(result.classifier, embeddings, painted.vectors[:]))[1]
    top = result.classifier.probabilities(painted.vectors[:]).argmax(axis=1)
    others = alone.classifier.probabilities(painted.vectors[:])
    for one in unknown.by_class:
        assert one.without == pytest.approx(float(others[top == one.answer, one.answer].mean()), abs=1e-5)


def test_labels_are_exported_as_rows_and_as_folders(painted, tmp_path):
    labelling = labelled(painted)
    labelling.correct([painted.items["id"][row(painted, "red/0.png")]], 3)
    rows = list(label_rows(labelling.result))
    assert {r["by"] for r in rows} == {"encoder", "person"} and len({r["prompt_hash"] for r in rows}) == 1
    assert [r["label"] for r in rows if r["path"] == "red/0.png"] == ["blue"]
    assert json.dumps(rows)
    script = tmp_path / "sort_images.py"
    script.write_text(sorting_script(labelling.result))
    for extra in ([], ["--link"]):
        into = tmp_path / ("links" if extra else "copies")
        done = subprocess.run([sys.executable, script, into, *extra], capture_output=True, text=True, check=True)
        assert done.stdout.startswith("40 images sorted")
        assert sorted(os.listdir(into)) == sorted(PALETTE) and len(os.listdir(into / "blue")) == 9
        assert all(p.is_symlink() == bool(extra) for p in into.glob("*/*"))
    again = subprocess.run([sys.executable, script, tmp_path / "copies"], capture_output=True, text=True, check=True)
    assert again.stdout.startswith("0 images sorted, 40 were there")


def test_a_class_called_like_a_way_out_stays_in_its_folder(painted):
    labelling = labelled(painted, [ClassName("../../etc"), ClassName("red")])
    script = sorting_script(labelling.result)
    assert '"..' not in script.replace("\\\\", "") and "-..-etc" in script
