"""Encoders compared by labels, against the definitions as loops."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.retrieval.labelled_comparison import compare_by_labels, difference_of, label_sources, per_image
from index.storage.corrections import correct
from tests.samples import PALETTE, ColourEncoder, paint
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
    """Folders of red, green and blue squares, by an encoder of colours and by one of lightness."""
    folder = tmp_path_factory.mktemp("compared")
    for colour in ("red", "green", "blue"):
        r, g, b = PALETTE[colour]
        for i in range(6):
            paint(folder / "images" / colour / f"{i}.png", (max(0, r - 9 * i), max(0, g - 7 * i), b), (30 + i, 30))
    for name, encoder in (("colour", ColourEncoder()), ("grey", GreyEncoder())):
        build_collection([folder / "images"], folder / f"{name}.gelato", encoder)
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
    assert "folder" in label_sources(colour)
    result = compare_by_labels([colour, grey], "folder")
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
        compare_by_labels([colour], "folder")


def test_the_command_gives_the_same_figures(two):
    done = CliRunner().invoke(cli, ["compare", *map(str, two), "--label", "folder", "--json"], catch_exceptions=False)
    told = json.loads(done.stdout)
    result = compare_by_labels([Collection.open(path) for path in two], "folder")
    assert told["figures"] == [dict(figures) for figures in result.figures] and done.exit_code == 0
    table = CliRunner().invoke(cli, ["compare", *map(str, two), "--label", "folder"]).stdout
    assert table.count("\n") >= 5 and "100.0" in table
