"""Two rankings side by side, by values worked out by hand; run directories as the page reads them."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from index.build import build_collection
from index.collection import Collection
from index.retrieval.comparison import compare, matched, overlap, rbo
from tests.samples import ColourEncoder, paint
from training.evaluation.runs import figures_of, list_runs, parameters, read_run, thinned
from training.models.errors import UserError


def test_overlap_counts_what_both_name():
    assert overlap("abcd", "badx", k=4) == 0.75
    assert overlap("abcd", "abcd", k=2) == 1
    assert overlap("ab", "xy") == 0
    assert overlap("ab", "ab") == 1  # of two images, not of ten


def test_rank_biased_overlap_by_hand():
    # [a b c] against [b a c]: agreements at depths 1, 2, 3 are 0, 1, 1. With p = 1/2:
    # (1 - p)/p * (0 * 1/2 + 1 * 1/4 + 1 * 1/8) + 1 * 1/8 = 3/8 + 1/8 = 1/2
    assert rbo("abc", "bac", p=0.5) == pytest.approx(0.5)
    # [a b] against [a c]: 1, 1/2: 1 * (1/2 + 1/2 * 1/4) + 1/2 * 1/4 = 3/4
    assert rbo("ab", "ac", p=0.5) == pytest.approx(0.75)
    assert rbo("abcde", "abcde") == pytest.approx(1)
    assert rbo("abc", "xyz") == 0
    assert rbo("", "") == 1
    with pytest.raises(ValueError, match="one depth"):
        rbo("ab", "abc")


def test_rank_biased_overlap_is_its_infinite_sum():
    # What follows the lists is taken to agree as their whole does: the sum, carried on far, must be the same.
    rng = np.random.default_rng(0)
    a, b = list(rng.permutation(30)[:20]), list(rng.permutation(30)[:20])
    agree = [len(set(a[:d]) & set(b[:d])) / d for d in range(1, 21)]
    whole = agree + [agree[-1]] * 2000
    assert rbo(a, b) == pytest.approx(sum(0.1 * 0.9**i * share for i, share in enumerate(whole)), abs=1e-9)


class Backwards(ColourEncoder):
    """Sees the colours the other way round."""

    name, fingerprint = "backwards", "b" * 16

    def embed_pixels(self, pixels):
        return super().embed_pixels(pixels)[:, ::-1].copy()


@pytest.fixture
def both(tmp_path) -> tuple[Collection, Collection]:
    for name, colour in {"a": (255, 90, 0), "b": (240, 60, 40), "c": (20, 60, 240), "d": (0, 90, 255)}.items():
        paint(tmp_path / "images" / f"{name}.png", colour)
    build_collection([tmp_path / "images"], tmp_path / "left.gelato", ColourEncoder())
    paint(tmp_path / "images" / "only-right.png", (10, 250, 10))
    build_collection([tmp_path / "images"], tmp_path / "right.gelato", Backwards())
    return Collection.open(tmp_path / "left.gelato"), Collection.open(tmp_path / "right.gelato")


def name(collection: Collection, row: int) -> str:
    return collection.items["path"].iat[row][-5]


def test_images_are_matched_by_content(both):
    left, right = both
    rows = matched(left, right)
    assert [name(left, i) for i in rows[0]] == [name(right, i) for i in rows[1]]
    assert len(rows[0]) == 4 and len(right) == 5


def test_each_side_ranks_what_both_have_and_knows_the_other_rank(both):
    left, right = both
    red = np.array([1, 0, -0.2], np.float32)
    found = compare(left, right, red, red, k=2)
    assert found.images == 4
    assert {name(left, r.row) for r in found.left} == {"a", "b"}
    assert {name(right, r.row) for r in found.right} == {"c", "d"}
    assert [r.rank for r in found.left] == [1, 2] and all(r.other in (3, 4) for r in found.left)
    assert found.overlap == 1  # four images: the first ten are all of them
    assert found.rbo < 0.95


def test_the_image_that_is_asked_with_is_left_out(both):
    left, right = both
    asked = str(left.items["id"].iat[0])
    found = compare(left, right, left.vector(asked), right.vector(asked), without=[asked])
    assert found.images == 3 and asked not in {r.id for r in found.left}


def test_collections_of_other_images_are_refused(both, tmp_path):
    paint(tmp_path / "other" / "z.png", (9, 9, 9))
    build_collection([tmp_path / "other"], tmp_path / "other.gelato", ColourEncoder())
    with pytest.raises(UserError, match="share no image"):
        matched(both[0], Collection.open(tmp_path / "other.gelato"))


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"method": "clip", "trainer": {"steps": 100}}))
    lines = [{"step": s, "loss": 5 - s / 100, "seconds": 1.0, "images_per_second": 10.0} for s in range(1, 51)]
    lines.append({"step": 50, "evaluation": {"knn": {"value": 0.4, "low": 0.3, "high": 0.5, "n": 100}, "rank": 12.5}})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 51, "lo')
    save_file({"a": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16)}, folder / "model.safetensors")
    return folder


def test_a_run_that_is_being_written_is_read_as_far_as_it_is_whole(run, tmp_path):
    (tmp_path / "runs" / "empty").mkdir()
    (found,) = list_runs(tmp_path / "runs")
    assert (found.name, found.method, found.step, found.steps, found.going) == ("first", "clip", 50, 100, True)
    assert found.curves["loss"][0] == (1, 4.99) and len(found.curves["loss"]) == 50
    assert "seconds" not in found.curves
    assert found.figures == {"knn": {"value": 0.4, "low": 0.3, "high": 0.5, "n": 100.0}, "rank": {"value": 12.5}}
    assert found.parameters == 17
    assert list_runs(tmp_path / "nowhere") == []


def test_figures_of_an_evaluation_stand_for_the_run(run):
    (run / "evaluation.json").write_text(json.dumps({"figures": {"knn": {"value": 0.6, "low": 0.5, "high": 0.7}}}))
    assert read_run(run).figures["figures/knn"]["value"] == 0.6
    assert figures_of("nothing") == {} and parameters(run / "config.json") is None


def test_long_curves_are_thinned_to_their_ends():
    points = [(i, float(i)) for i in range(1000)]
    few = thinned(points, 10)
    assert len(few) == 10 and few[0] == points[0] and few[-1] == points[-1]
