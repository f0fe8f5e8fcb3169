"""Maps of collections: axes against scikit-learn's, neighbourhoods by hand, regions and their words."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from index.build import build_collection
from index.collection import Collection
from index.projection.projection import (
    Projection,
    load_map,
    make_pca,
    make_umap,
    map_file,
    neighbours_preserved,
    pca,
    sample,
    save_map,
)
from index.projection.regions import name_regions, regions
from tests.samples import ColourEncoder, paint
from training.models.encoder import unit
from training.models.errors import UserError


def cloud(count: int = 600, dim: int = 12, seed: int = 0) -> np.ndarray:
    spread = np.array([3.0, 2.0, *np.full(dim - 2, 0.3)])
    return (np.random.default_rng(seed).normal(size=(count, dim)) * spread + 1).astype(np.float32)


def test_the_axes_are_those_of_scikit_learn():
    rows = cloud()
    ours = pca([rows[:100], rows[100:400], rows[400:]], 12)
    theirs = PCA(2).fit(rows)
    expected = theirs.transform(rows)
    for axis in (0, 1):
        assert abs(np.corrcoef(ours.points[:, axis], expected[:, axis])[0, 1]) == pytest.approx(1, abs=1e-5)
    assert ours.explained == pytest.approx(theirs.explained_variance_ratio_, rel=1e-4)
    # One scale for both axes: distances keep their proportions.
    assert np.ptp(ours.points, axis=0).max() == pytest.approx(2, abs=1e-5)
    assert np.ptp(ours.points[:, 0]) / np.ptp(ours.points[:, 1]) == pytest.approx(
        np.ptp(expected[:, 0]) / np.ptp(expected[:, 1]), rel=1e-4
    )


def test_the_same_rows_give_the_same_map_however_they_are_parted():
    rows = cloud().astype(np.float16)
    one, other = pca([rows], 12), pca([rows[:7], rows[7:]], 12)
    assert np.allclose(one.points, other.points, atol=1e-4)


def test_axes_of_many_images_come_from_a_sample_and_their_variance_from_all(monkeypatch):
    monkeypatch.setattr("index.projection.projection.SAMPLE", 300)
    rows = cloud(3000)
    ours = pca([rows], 12)
    assert ours.explained == pytest.approx(PCA(2).fit(rows).explained_variance_ratio_, rel=0.02)
    assert len(sample(3000, 300)) == 300 and np.all(np.diff(sample(3000, 300)) > 0)


def test_a_map_without_images_or_with_one_is_no_accident():
    assert pca([], 3).points.shape == (0, 2)
    assert pca([np.ones((1, 3), np.float16)], 3).points.tolist() == [[0, 0]]
    assert pca([np.ones((1, 1), np.float16)], 1).points.shape == (1, 2)


def test_a_map_that_is_the_space_itself_keeps_every_neighbour_and_a_random_one_keeps_few():
    angles = np.random.default_rng(0).uniform(0, np.pi / 2, 400)
    rows = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    assert neighbours_preserved([rows], rows) > 0.999
    assert neighbours_preserved([rows], np.random.default_rng(1).normal(size=(400, 2))) == pytest.approx(
        10 / 399, abs=0.02
    )
    assert neighbours_preserved([rows[:5]], rows[:5]) is None


def test_regions_are_where_points_lie_together():
    centres = np.array([[-0.9, -0.9], [0.9, -0.9], [0, 0.9]])
    truth = np.repeat([0, 1, 2], 50)
    points = (centres[truth] + np.random.default_rng(0).normal(scale=0.02, size=(150, 2))).astype(np.float32)
    own = regions(points, 3)
    assert len(set(zip(truth, own, strict=True))) == 3  # one to one


def test_regions_are_called_by_the_word_that_sets_them_apart():
    words, bank = ["image", "cat", "car"], np.eye(3, dtype=np.float32)
    own = np.repeat([0, 1], 30).astype(np.int32)
    rows = unit(
        np.where(own[:, None] == 0, [[5.0, 1, 0]], [[5.0, 0, 1]]) + np.random.default_rng(0).normal(size=(60, 3)) / 50
    )
    points = np.column_stack([own * 2 - 1.0, np.zeros(60)]).astype(np.float32)
    named = name_regions(points, own, [rows[:13], rows[13:]], words, bank)
    assert [(r.word, r.images, r.x) for r in named] == [("cat", 30, -1), ("car", 30, 1)]
    assert [r.word for r in name_regions(points, own, [rows], [], None)] == ["", ""]


@pytest.fixture
def collection(tmp_path) -> Collection:
    for i in range(20):
        paint(tmp_path / "images" / f"{i}.png", (12 * i, 255 - 12 * i, 40), (20 + i, 20))
    build_collection([tmp_path / "images"], tmp_path / "c.gelato", ColourEncoder())
    return Collection.open(tmp_path / "c.gelato")


def test_a_kept_map_is_used_for_its_own_revision_alone(collection):
    assert load_map(collection, "umap") is None
    points = np.zeros((20, 2), np.float32)
    save_map(collection, Projection("umap", points, None, 0.5))
    found = load_map(collection, "umap")
    assert (found.preserved, found.explained) == (0.5, None) and load_map(collection, "pca") is None
    save_map(collection, Projection("umap", points[:19], None, 0.5))
    assert load_map(collection, "umap") is None
    save_map(collection, Projection("umap", points, None, 0.5))
    paint(collection.path.parent / "images" / "new.png", (1, 2, 3), (9, 9))
    build_collection([collection.path.parent / "images"], collection.path, ColourEncoder())
    assert load_map(Collection.open(collection.path), "umap") is None
    map_file(collection, "umap").write_bytes(b"PK broken")
    assert load_map(collection, "umap") is None


def test_the_axes_of_a_large_collection_are_found_once(collection, monkeypatch):
    small = make_pca(collection)
    assert not map_file(collection, "pca").exists()
    monkeypatch.setattr("index.projection.projection.PCA_KEPT_FROM", 20)
    made = make_pca(collection)
    monkeypatch.setattr("index.projection.projection.pca", lambda *_: pytest.fail("worked out again"))
    found = make_pca(collection)
    assert np.array_equal(found.points, made.points) and np.array_equal(found.points, small.points)
    assert found.explained == pytest.approx(small.explained) and found.preserved == small.preserved


def test_without_its_package_umap_says_what_to_install(collection, monkeypatch):
    monkeypatch.setattr("index.projection.projection.has_umap", lambda: False)
    with pytest.raises(UserError, match=r"requirements-map\.txt"):
        make_umap(collection)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_umap_keeps_clusters_apart_and_is_kept_beside_the_collection(collection):
    pytest.importorskip("umap")
    made = make_umap(collection)
    found = load_map(collection, "umap")
    assert isinstance(found, Projection) and np.array_equal(found.points, made.points)
