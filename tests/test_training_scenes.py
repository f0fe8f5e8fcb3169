"""The generated world: the same for a seed, true to its captions, and honest in its pairs."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner

from training.__main__ import cli
from training.data.scenes.captions import is_true, read
from training.data.scenes.contrasts import NEGATIVES, WINOGROUND, audit, coloured_object, hard_negative, winoground_pair
from training.data.scenes.graph import COLOURS, NATURAL, SceneKnobs, held_out
from training.data.scenes.source import SceneSource, described, scene
from training.data.sources import open_source
from training.models.errors import UserError


def graphs(knobs: SceneKnobs, count: int = 400, split: str = "train"):
    return [described(5, i, knobs, split=split) for i in range(count)]


def test_a_scene_is_a_function_of_its_seed_and_number():
    first, again = scene(3, 7), scene(3, 7)
    assert np.array_equal(first.image, again.image) and first.caption == again.caption and first.graph == again.graph
    assert first.image.shape == (64, 64, 3) and first.image.dtype == np.uint8
    others = [scene(3, 8), scene(4, 7), scene(3, 7, split="iid")]
    assert all(not np.array_equal(first.image, other.image) for other in others)


def test_every_caption_is_true_of_its_scene_and_of_few_others():
    told = graphs(SceneKnobs())
    assert all(is_true(read(caption), graph) for graph, caption in told)
    others = [is_true(read(caption), graph) for (_, caption), (graph, _) in pairwise(told)]
    assert sum(others) < 0.05 * len(others)


def test_a_thing_is_painted_where_its_graph_says():
    knobs = SceneKnobs(least=1, most=1, natural=0, nuisance=0, copies=0)
    for i in range(60):
        made = scene(0, i, knobs)
        thing = made.graph.things[0]
        if thing.shape == "ring" or thing.texture != "plain":
            continue
        centre = made.image[round(thing.y * 64), round(thing.x * 64)]
        assert np.abs(centre.astype(int) - COLOURS[thing.colour]).max() <= 3
        assert np.abs(made.image[0, 0].astype(int) - made.image[63, 0]).max() == 0  # plain ground in the corners


def test_bright_scenes_do_not_wrap_round():
    bright = [scene(0, i, SceneKnobs(nuisance=1.0)) for i in range(200)]
    white = [made.image.mean() for made in bright if made.graph.ground == "white"]
    black = [made.image.mean() for made in bright if made.graph.ground == "black"]
    assert min(white) > 150 and max(black) < 120


@pytest.mark.parametrize(
    ("knobs", "share", "expected"),
    [
        (SceneKnobs(natural=1.0, association=0.7), lambda g, _: g.things[0].colour == NATURAL[g.things[0].shape], 0.7),
        (SceneKnobs(least=2, most=2, completeness=0.5, related=0), lambda _, c: len(read(c).mentions) == 1, 0.75),
        (SceneKnobs(most=1, attributes=0.3), lambda _, c: read(c).mentions[0].colour is not None, 0.3),
        (SceneKnobs(least=2, most=2, related=0.4), lambda g, _: g.relation is not None, 0.4),
        (SceneKnobs(natural=0.25), lambda g, _: g.things[0].shape in NATURAL, 0.25),
    ],
)
def test_a_knob_sets_how_often(knobs, share, expected):
    found = np.mean([share(graph, caption) for graph, caption in graphs(knobs, 1500)])
    assert found == pytest.approx(expected, abs=0.05)


def test_the_bigger_thing_is_named_first_when_captions_are_salient():
    knobs = SceneKnobs(least=2, most=2, related=0, copies=0, saliency=1.0)
    for graph, caption in graphs(knobs, 200):
        sizes = {(thing.shape, thing.colour): thing.size for thing in graph.things}
        first, second = (sizes[(one.shape, one.colour)] for one in read(caption).mentions)
        assert (first, second) != ("small", "large")


def test_duplicates_repeat_a_caption_with_another_image():
    told = [described(0, i, SceneKnobs(duplicates=0.5))[1] for i in range(300)]
    unlike = [described(0, i)[1] for i in range(300)]
    assert len(set(told)) < len(set(unlike)) - 60


def test_held_out_pairs_are_seen_only_where_they_belong():
    knobs = SceneKnobs(held_out=0.25, natural=0)
    held = held_out(0.25)
    assert len(held) == 16 and {shape for shape, _ in held} and len({colour for _, colour in held}) == len(COLOURS)
    for split in ("train", "iid"):
        assert not any((t.shape, t.colour) in held for graph, _ in graphs(knobs, 300, split) for t in graph.things)
    assert all((graph.things[0].shape, graph.things[0].colour) in held for graph, _ in graphs(knobs, 100, "unseen"))


@pytest.mark.parametrize("kind", WINOGROUND)
def test_both_captions_of_a_pair_have_the_same_words_and_each_is_true_of_its_own_scene(kind):
    for i in range(50):
        pair = winoground_pair(1, i, kind, pixels=32)
        assert Counter(pair.caption_0.split()) == Counter(pair.caption_1.split()) and pair.caption_0 != pair.caption_1
        truths = [[is_true(read(c), graph) for c in (pair.caption_0, pair.caption_1)] for graph in pair.graphs]
        assert truths == [[True, False], [False, True]]
        assert not np.array_equal(pair.image_0, pair.image_1)


@pytest.mark.parametrize("kind", NEGATIVES)
def test_a_hard_negative_is_as_long_as_the_caption_and_false(kind):
    for i in range(50):
        one = hard_negative(1, i, kind, pixels=32)
        assert is_true(read(one.caption), one.graph) and not is_true(read(one.negative), one.graph)
        assert len(one.caption.split()) == len(one.negative.split())


def test_no_split_is_broken_or_answered_without_looking():
    for kind, figures in audit(0, 150).items():
        assert figures["oracle"] == 1.0, kind
        assert abs(figures["blind"] - 0.5) < 0.11, (kind, figures)  # three standard errors of 150 fair coins


def test_an_object_is_painted_as_asked_and_its_colour_is_not_told():
    for i in range(20):
        natural, grey, wrong = (coloured_object(0, i, paint) for paint in ("natural", "grey", "wrong"))
        shape = natural.graph.things[0].shape
        assert {made.graph.things[0].shape for made in (grey, wrong)} == {shape}
        assert natural.graph.things[0].colour == NATURAL[shape] != wrong.graph.things[0].colour
        assert grey.graph.things[0].colour == "grey"
        assert read(natural.caption).mentions[0].colour is None
        assert len(coloured_object(0, i, beside=True).graph.things) == 2


def test_scenes_are_a_source_whose_columns_are_their_facts():
    source = open_source("scenes:5?seed=2&split=iid&pixels=32&association=1")
    items = list(source)
    assert len(source) == len(items) == 5 and source.name.startswith("scenes:5?association=1&seed=2")
    assert items[0].caption and items[0].metadata["shape"] and items[0].read()[:4] == b"\x89PNG"
    assert items[0].read() == next(iter(open_source("scenes:5?seed=2&split=iid&pixels=32&association=1"))).read()


@pytest.mark.parametrize(
    "spec", ["scenes:", "scenes:0", "scenes:x", "scenes:5?colour=red", "scenes:5?association=2", "scenes:5?split=test",
             "scenes:5?pixels=4", "scenes:5?least=3&most=1"]
)  # fmt: skip
def test_scenes_that_cannot_be_made_say_why(spec):
    with pytest.raises(UserError):
        open_source(spec)


@pytest.mark.parametrize("kind", ["parquet", "tar"])
def test_scenes_are_written_as_files_that_are_sources_again(tmp_path, kind):
    done = CliRunner().invoke(cli, ["scenes", "make", "scenes:12", "--out", str(tmp_path / "out"), "--format", kind])
    assert done.exit_code == 0, done.output
    written, made = list(open_source(tmp_path / "out")), list(SceneSource(12))
    assert [item.caption for item in written] == [item.caption for item in made]
    assert [item.read() for item in written] == [item.read() for item in made]
    assert written[3].metadata["colour"] == made[3].metadata["colour"]


def test_a_sheet_of_scenes_that_cannot_be_written_is_a_sentence(tmp_path):
    done = CliRunner().invoke(cli, ["scenes", "sheet", "--out", str(tmp_path / "none/sheet.webp")])
    assert done.exit_code == 1 and "sheet.webp cannot be written: No such file" in done.output
