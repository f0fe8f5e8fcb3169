"""Encoders compared by labels and by captions, against the definitions as loops and the retrieval probe."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.retrieval.caption_comparison import caption_sources, compare_by_captions, describes_images
from index.retrieval.labelled_comparison import compare_by_labels, label_sources, per_image
from index.retrieval.paired import difference_of
from index.storage.corrections import correct
from tests.samples import PALETTE, ColourEncoder, paint
from training.evaluation.retrieval import recall_at_k
from training.models.errors import UserError


class GreyEncoder(ColourEncoder):
    """Sees how light an image is, and no colour."""

    name = "grey"
    fingerprint = "grey"

    def embed_pixels(self, pixels):
        rows = super().embed_pixels(pixels)
        light = rows.mean(axis=1, keepdims=True)
        made = np.concatenate([light, np.full_like(light, 0.5), np.zeros_like(light)], axis=1)
        return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Red, green and blue squares with captions, by an encoder of colours and by one of lightness."""
    folder = tmp_path_factory.mktemp("compared")
    lines = ["path,kind,caption"]
    for colour in ("red", "green", "blue"):
        r, g, b = PALETTE[colour]
        for i in range(6):
            paint(folder / "images" / colour / f"{i}.png", (max(0, r - 9 * i), max(0, g - 7 * i), b), (30 + i, 30))
            lines.append(f"images/{colour}/{i}.png,{colour},a {colour} square{' again' * (i // 2)}")
    (folder / "images.csv").write_text("\n".join(lines))
    for name, encoder in (("colour", ColourEncoder()), ("grey", GreyEncoder())):
        build_collection([folder / "images.csv"], folder / f"{name}.gelato", encoder)
    return [folder / "colour.gelato", folder / "grey.gelato"]


def test_the_figures_of_an_image_are_those_of_their_definitions():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = np.arange(40) % 4
    found = per_image(vectors, labels)
    for i in range(40):
        others = sorted((j for j in range(40) if j != i), key=lambda j: -float(vectors[i] @ vectors[j]))
        right = [bool(labels[j] == labels[i]) for j in others]
        hits = [place for place, is_right in enumerate(right, 1) if is_right]
        assert found["recall@1"][i] == right[0] and found["recall@10"][i] == any(right[:10])
        assert found["mAP"][i] == pytest.approx(np.mean([n / place for n, place in enumerate(hits, 1)]))
        votes = {
            k: sum(np.exp(float(vectors[i] @ vectors[j]) / 0.07) for j in others[:20] if labels[j] == k)
            for k in range(4)
        }
        assert found["accuracy"][i] == (max(votes, key=votes.get) == labels[i])


def test_the_encoder_that_sees_the_difference_is_better_with_a_paired_interval(two):
    colour, grey = map(Collection.open, two)
    assert "kind" in label_sources(colour)
    result = compare_by_labels([colour, grey], "kind")
    assert result.images == 18 and result.figures[0]["accuracy"]["value"] == 1
    difference = result.differences[1]["mAP"]
    assert difference["high"] < 0 and result.differences[0]["mAP"]["value"] == 0
    assert difference["value"] == pytest.approx(result.figures[1]["mAP"]["value"] - result.figures[0]["mAP"]["value"])
    assert {one.name for one in result.by_class} == {"red", "green", "blue"}
    drops = [one.differences[1]["value"] for one in result.by_class]
    assert drops == sorted(drops, key=lambda value: -abs(value))


def test_a_difference_that_no_image_shows_is_uncertain_both_ways():
    same = difference_of(np.zeros(20))
    assert same["value"] == 0 and same["low"] == -same["high"]
    assert (1 - same["high"]) ** 20 == pytest.approx(0.025)  # so many images in a row without one


def test_a_caption_finds_its_images_as_often_as_the_retrieval_probe_says(two):
    colour, grey = map(Collection.open, two)
    assert caption_sources(colour) == ["caption"]  # not the kind, which names many images
    encoders = [ColourEncoder(), GreyEncoder()]
    seen = []
    found = compare_by_captions([colour, grey], encoders, progress=lambda *at: seen.append(at))
    assert (found.images, found.captions) == (18, 9) and seen[-1] == (18, 18)
    captions = list(colour.column("caption"))
    texts = sorted(set(captions))
    right = np.array([[caption == text for text in texts] for caption in captions])
    for collection, encoder, figures in zip((colour, grey), encoders, found.figures, strict=True):
        rows = encoder.embed_texts(texts)
        for k in (1, 5, 10):
            probed = recall_at_k(collection.vectors[:], rows, right, k)["text_to_image"]
            assert figures[f"recall@{k}"]["value"] == pytest.approx(probed)
    difference = found.differences[1]["recall@10"]
    assert found.figures[0]["recall@10"]["value"] == 1 and difference["value"] < 0 and difference["high"] < 0


@pytest.mark.parametrize(
    ("texts", "describes"),
    [
        (["a red square", "a blue square", "a green one here"], True),
        (["a red square"] * 3, False),  # tells no image from another
        (["red", "green", "blue"], False),  # names
        (["two words", "more words", "a text of a few more words than two"], True),
        ([None, "", 3.5], False),
    ],
)
def test_a_column_has_captions_where_its_texts_tell_images_apart(texts, describes):
    assert describes_images(pd.Series(texts, dtype=object)) == describes


def test_corrections_are_a_ground_truth_and_a_column_without_shared_labels_is_refused(two):
    colour, grey = map(Collection.open, two)
    ids = list(colour.column("id"))
    for id, label in zip(ids[:4], ("warm", "warm", "cold", "cold"), strict=True):
        correct(colour, id, label)
    assert "corrections" in label_sources(colour)
    assert compare_by_labels([colour, grey], "corrections").images == 4
    with pytest.raises(UserError, match="no two labels"):
        compare_by_labels([colour, grey], "path")
    with pytest.raises(UserError, match="name two or more"):
        compare_by_labels([colour], "kind")


def test_the_command_gives_the_same_figures(two):
    done = CliRunner().invoke(cli, ["compare", *map(str, two), "--label", "kind", "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    result = compare_by_labels([Collection.open(path) for path in two], "kind")
    assert told["figures"] == [dict(figures) for figures in result.figures] and done.exit_code == 0
    table = CliRunner().invoke(cli, ["compare", *map(str, two), "--label", "kind"]).stdout
    assert table.count("\n") >= 5 and "100.0" in table


def test_the_command_compares_by_captions_and_asks_for_one_of_the_two(two, monkeypatch):
    made = {"colour": ColourEncoder(), "grey": GreyEncoder()}
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda name, *how: made[name])
    done = CliRunner().invoke(cli, ["compare", *map(str, two), "--captions", "caption", "--json"])
    told = json.loads(done.stdout)
    assert told["captions"] == 9 and told["figures"][0]["recall@10"]["value"] == 1
    assert (
        "9 captions of 18 images" in CliRunner().invoke(cli, ["compare", *map(str, two), "--captions=caption"]).stdout
    )
    for options, said in (([], "either --label or --captions"), (["--captions", "none"], "captions are in: caption")):
        failed = CliRunner().invoke(cli, ["compare", *map(str, two), *options])
        assert failed.exit_code == 1 and said in failed.output
