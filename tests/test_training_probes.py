"""Probes of what an encoder cannot see, on encoders of which it is known."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from tests.samples import ColourEncoder, noise_image, paint
from training.data.scenes.contrasts import NEGATIVES, coloured_object
from training.data.scenes.graph import COLOURS, GREY, NATURAL
from training.evaluation.association import ANSWERS, ColourPrediction, nearest_texts, predict_colours, pull
from training.evaluation.collapse import collapsed, spread
from training.evaluation.controls import CONTROLS, BagOfWords, Collapsed, RandomVectors
from training.evaluation.detail import DETAILS, multiple_choices
from training.evaluation.few_shot import few_shot_accuracy
from training.evaluation.generated import generated_negatives, generated_pairs
from training.evaluation.hard_negatives import blind_wins, hard_negative_wins
from training.evaluation.negatives import read_negatives
from training.evaluation.order import moved, order_sensitivity
from training.evaluation.prompt_sensitivity import prompt_sensitivity
from training.evaluation.report import html
from training.evaluation.robustness import CORRUPTIONS
from training.evaluation.similarity import cosines
from training.evaluation.subject import Subject
from training.evaluation.suite import run_suite
from training.evaluation.typographic_attack import typographic_attack, with_note
from training.evaluation.winoground import wins_of_pair
from training.evaluation.word_order import order_scores
from training.models.encoder import unit
from training.models.errors import UserError

PAINTS = {**COLOURS, "grey": GREY}


class Painter(ColourEncoder):
    """Sees the one strong colour of an image, and reads the one colour of a phrase; knows no shape."""

    name, dim, image_size = "painter", 4, 64

    def preprocess(self, image):
        return np.asarray(image.convert("RGB").resize((64, 64)))

    def embed_pixels(self, pixels):
        rows = []
        for image in pixels.astype(float):
            strong = image[np.abs(image - np.median(image, axis=(0, 1))).max(axis=2) > 40]
            rows.append(self._row(np.median(strong, axis=0)) if len(strong) else np.ones(4))
        return unit(np.array(rows))

    def embed_text_batch(self, texts):
        said = [next((c for name, c in PAINTS.items() if f" {name} " in f" {p} "), None) for p in texts]
        return unit(np.array([np.zeros(4) if c is None else self._row(np.array(c, float)) for c in said]))

    @staticmethod
    def _row(colour):
        """On the sphere, so that the nearest colour has the largest cosine."""
        flat = (colour - 127) / 255
        return np.append(flat, math.sqrt(max(0.0, 1 - flat @ flat)))


@pytest.mark.parametrize("encoder", [BagOfWords(), Collapsed()], ids=lambda e: e.name)
def test_a_bag_of_words_and_a_collapsed_encoder_get_nothing_from_any_composition(encoder):
    found = run_suite(Subject(encoder, quick=True), "winoground,hard-negatives,order").results
    assert {figure["value"] for figure in found["winoground"].named.values()} == {0}
    assert found["hard-negatives"].named["swap colours"]["value"] == 0
    assert found["order"].named["order sensitivity"]["value"] == 0
    assert found["order"].named["correct order ranked first"]["value"] == 0
    if isinstance(encoder, Collapsed):
        assert found["hard-negatives"].named["all"]["value"] == 0


def test_random_vectors_are_at_chance_and_every_control_can_be_asked():
    found = run_suite(Subject(RandomVectors()), "winoground,hard-negatives").results
    for score, chance in (("text", 1 / 4), ("image", 1 / 4), ("group", 1 / 6)):
        assert found["winoground"].named[score]["value"] == pytest.approx(chance, abs=0.08)
    assert found["hard-negatives"].named["all"]["value"] == pytest.approx(0.5, abs=0.07)
    for control in CONTROLS:
        assert control().embed_images([noise_image(0)]).shape == control().embed_texts(["a cat"]).shape


def test_generated_pairs_come_by_kind_and_are_the_same_each_time():
    first, again = generated_pairs(3, 5, 64), generated_pairs(3, 5, 64)
    assert [pair.tag for pair in first] == [pair.tag for pair in again] and len(first) == 12
    assert [sorted(pair.captions[0].split()) for pair in first] == [sorted(pair.captions[1].split()) for pair in first]
    assert first[4].images[0]().tobytes() == again[4].images[0]().tobytes()


def test_sugarcrepes_and_aros_files_are_read_with_their_images_and_crops(tmp_path):
    sugar = {"0": {"filename": "1.jpg", "caption": "a red thing", "negative_caption": "a blue thing"}}
    (tmp_path / "replace_att.json").write_text(json.dumps(sugar))
    box = {"bbox_x": 20, "bbox_y": 0, "bbox_w": 20, "bbox_h": 30}
    relation = [{"image_path": "2.png", "true_caption": "red", "false_caption": "blue", "relation_name": "on", **box}]
    (tmp_path / "visual_genome_relation.json").write_text(json.dumps(relation))
    (tmp_path / "other.json").write_text('{"a": 1}')
    paint(tmp_path / "images" / "1.jpg", "red")
    half = Image.new("RGB", (40, 30), "blue")
    half.paste((255, 0, 0), (20, 0, 40, 30))
    half.save(tmp_path / "2.png")
    first, second = read_negatives(str(tmp_path))
    assert (first.kind, first.caption, first.negative) == ("replace_att", "a red thing", "a blue thing")
    assert first.image().getpixel((5, 5))[0] > 200
    assert second.kind == "relation" and second.image().size == (20, 30)
    assert second.image().getcolors() == [(600, (255, 0, 0))]
    found = run_suite(Subject(ColourEncoder(), str(tmp_path)), "hard-negatives").results["hard-negatives"]
    assert found.named["all"]["value"] == 1 and found.named["all"]["n"] == 2


def test_a_set_without_its_images_says_where_they_belong(tmp_path):
    row = {"filename": "../../etc/1.jpg", "caption": "a red thing", "negative_caption": "a blue thing"}
    (tmp_path / "swap_att.json").write_text(json.dumps({"0": row}))
    with pytest.raises(UserError, match=r"needs the images of .* none of the 1 is in its folder or in images, val2017"):
        run_suite(Subject(ColourEncoder(), str(tmp_path)), "hard-negatives")


def test_text_alone_finds_what_gives_itself_away_and_nothing_else():
    rng = np.random.default_rng(0)
    things = [" ".join(rng.choice(["cat", "dog", "cup", "tree", "car"], 3)) for _ in range(300)]
    longer = [text + " and more" for text in things]
    assert blind_wins(things, longer).mean() > 0.95
    other = [" ".join(rng.choice(["cat", "dog", "cup", "tree", "car"], 3)) for _ in range(300)]
    assert 0.4 < blind_wins(things, other).mean() < 0.6
    assert (blind_wins(things, things) == 0.5).all()


def test_generated_hard_negatives_are_not_given_away_by_their_words():
    made = generated_negatives(100, 0, 64)
    assert {m.kind for m in made} == set(NEGATIVES)
    right = blind_wins([m.caption for m in made], [m.negative for m in made])
    assert abs(right.mean() - 0.5) < 3 * 0.5 / math.sqrt(len(made))


def test_a_hard_negative_is_won_strictly():
    image = np.array([[1.0, 0.0]])
    assert hard_negative_wins(image, [[1.0, 0.1]], [[1.0, 0.2]]).tolist() == [True]
    assert hard_negative_wins(image, [[1.0, 0.1]], [[1.0, 0.1]]).tolist() == [False]


def test_who_sees_colours_answers_them_whatever_the_object_usually_is():
    asked = predict_colours(Painter(), "wrong", False, 80)
    right = np.mean([a.predicted == a.colour for a in asked])
    assert right > 0.8
    assert abs(pull(asked).mean()) < 0.1


def test_who_answers_the_usual_colour_is_pulled_and_who_guesses_is_not():
    image = Image.new("RGB", (4, 4))

    def asked(answer, shape="lemon", colour="blue"):
        return ColourPrediction(image, shape, colour, "", answer)

    assert pull([asked("yellow")]).tolist() == [1]
    assert pull([asked("blue"), asked("")]).tolist() == [0, 0]
    assert pull([asked(answer) for answer in ANSWERS]).sum() == pytest.approx(0)  # every answer once
    assert len(pull([asked("yellow", colour="yellow")])) == 0  # no question
    always_red = [asked("red", shape, colour) for shape in NATURAL for colour in COLOURS if colour != NATURAL[shape]]
    assert abs(pull(always_red).mean()) < 0.02


def test_a_tie_is_no_answer():
    assert nearest_texts(
        np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[[1, 0], [1, 0]], [[1, 0], [0, 1]]])
    ).tolist() == [
        -1,
        0,
    ]


def test_a_painted_object_differs_from_the_natural_one_in_its_colour_alone():
    natural, wrong = (coloured_object(0, 3, paint, "lemon", pixels=64) for paint in ("natural", "wrong"))
    assert natural.graph.things[0].shape == wrong.graph.things[0].shape == "lemon"
    assert natural.graph.things[0].colour == "yellow" != wrong.graph.things[0].colour


def test_order_sensitivity_is_how_far_meaning_moves_over_how_far_words_do():
    figure = order_sensitivity(np.full(50, 0.02), np.full(50, 0.1))
    assert figure["value"] == pytest.approx(0.2) and figure["low"] == pytest.approx(0.2)
    assert order_sensitivity(np.zeros(9), np.zeros(9))["value"] == 0
    values = np.random.default_rng(0).random(200)
    noisy = order_sensitivity(values, np.ones(200))
    assert noisy["low"] < values.mean() < noisy["high"] and noisy["high"] - noisy["low"] < 0.1
    assert moved(np.eye(2), [[1, 1e-9], [1, 0]]).tolist() == [0, 1]


@pytest.mark.parametrize("name", DETAILS)
def test_every_detail_has_one_right_phrase_and_all_answers_occur(name):
    asked = multiple_choices(name, 60, 0, 64)
    assert all(len(set(q.texts)) == len(q.texts) for q in asked)
    answered = {q.correct for q in asked}
    assert answered == ({0} if name == "position" else set(range(len(asked[0].texts))))
    if name == "position":  # which words are right differs from question to question
        words = [next(w for w in ("left", "right", "above", "below") if w in q.texts[0]) for q in asked]
        assert {words.count(word) > 5 for word in ("left", "right", "above", "below")} == {True}


def test_who_sees_colours_answers_colours_in_detail_and_guesses_the_rest():
    figures = run_suite(Subject(Painter(), quick=True), "detail").results["detail"].named
    assert figures["colour, zero-shot"]["value"] > 0.8 and figures["colour, linear probe"]["value"] > 0.5
    assert figures["shape of a large object, zero-shot"]["value"] == 0  # all phrases tie
    assert figures["position, zero-shot"]["value"] == 0


def test_few_shots_of_separate_clouds_suffice():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 20)
    rows = 10 * np.eye(4)[labels] + rng.normal(size=(80, 4))
    assert few_shot_accuracy(rows, labels, rows, labels, shots=1) == 1
    with pytest.raises(ValueError, match="class 0 has 20 rows, fewer than 21"):
        few_shot_accuracy(rows, labels, rows, labels, shots=21)


def test_collapse_is_recognised_in_embeddings():
    rng = np.random.default_rng(0)
    spread_out = rng.normal(size=(500, 32))
    assert spread(spread_out) == pytest.approx(1, abs=0.02) and collapsed(spread_out) == ""
    assert spread(np.ones((20, 8))) < 1e-9 and "nearly equal" in collapsed(np.ones((20, 8)))
    line = np.outer(rng.normal(size=50), np.ones(8)) + 1e-3 * rng.normal(size=(50, 8))
    assert "along a line" in collapsed(line)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_changes_a_image_and_leaves_it_a_image(name):
    image = noise_image(0, (40, 36))
    changed = CORRUPTIONS[name](image)
    assert changed.mode == "RGB" and min(changed.size) >= 20
    assert changed.size != image.size or changed.tobytes() != image.tobytes()
    assert CORRUPTIONS[name](Image.new("RGB", (1, 1))).size == (1, 1)


def test_a_grey_image_moves_who_sees_only_colour(tmp_path):
    for number in range(12):
        paint(tmp_path / "p" / f"{number}.png", (20 * number, 200 - 10 * number, 90))
    figures = run_suite(Subject(ColourEncoder(), str(tmp_path / "p")), "robustness,collapse").results
    robust = figures["robustness"].named
    assert robust["crop: cosine to the original"]["value"] == pytest.approx(1, abs=1e-3)
    assert robust["grey: cosine to the original"]["value"] < 0.9


def test_all_probes_together_skip_what_has_nothing_to_work_on_and_say_why():
    report = run_suite(Subject(BagOfWords(), quick=True), "probes")
    assert set(report.skipped) == {"knn", "linear", "zero-shot", "retrieval", "geometry", "few-shot", "collapse"} | {
        "robustness"
    }
    assert "name them with --data" in report.skipped["knn"]
    page = html(report)
    assert page.count("<img") >= 20 and "http" not in page
    assert report.results["speed"].named["images per second"]["value"] > 0


@pytest.mark.parametrize(
    ("captions", "won"), [(["red", "blue"], True), (["blue", "red"], False), (["red", "red"], False)]
)
def test_two_images_and_two_captions_have_a_verdict_each_way(captions, won):
    red, blue = Image.new("RGB", (9, 9), (220, 30, 30)), Image.new("RGB", (9, 9), (30, 60, 200))
    wins = wins_of_pair(cosines(ColourEncoder(), [red, blue], captions))
    assert wins["text"] == won and wins["group"] == won


def test_orders_of_a_caption_are_scored_and_a_bag_of_words_shows_none():
    found = order_scores(BagOfWords(), noise_image(1), "a red cube on a blue ball", shuffles=3)
    assert found[0].kind == "original" and found[0].moved == 0
    moves = {one.kind: one.moved for one in found}
    assert moves["swap adjectives"] < 1e-6 < moves["drop relation words"]
    with pytest.raises(UserError, match="no words"):
        order_scores(BagOfWords(), None, "  ...")


def test_templates_and_written_words_change_what_they_change():
    image = Image.new("RGB", (60, 40), (220, 30, 30))
    found = prompt_sensitivity(ColourEncoder(), image, ["red", "blue"], ["{}", "nothing like {}"])
    assert found.labels == ["red", "red"] and found.wins == [2, 0]
    assert found.probabilities.sum(axis=1) == pytest.approx([1, 1])
    written = with_note(image, "blue")
    assert min(written.size) >= 149 and np.abs(np.asarray(written).astype(int) - (220, 30, 30)).max() > 100
    found = typographic_attack(ColourEncoder(), image, ["red", "blue"], "blue")
    assert not found.fooled and found.after.shape == (2,)
    with pytest.raises(UserError, match="none of the classes"):
        typographic_attack(ColourEncoder(), image, ["red"], "cat")
