"""Copies are told from images that are merely alike; collections leave for other programs and come from them."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image, ImageEnhance

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.duplicates import find_duplicates, report
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.maintenance.importing import import_vectors
from index.maintenance.verify import find_faults
from index.query import Term
from tests.samples import ColourEncoder, find, noise_image
from training.models.errors import UserError


@pytest.fixture
def album(tmp_path, encoder):
    """One image in five files, a second one of nearly its colour, and a third."""
    folder = tmp_path / "album"
    folder.mkdir()
    first = noise_image(1, (400, 300))
    first.save(folder / "original.png")
    first.save(folder / "copy.png")
    first.save(folder / "saved.jpg", quality=60)
    first.resize((200, 150)).save(folder / "small.jpg", quality=80)
    mirrored = first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)  # the same colours, so the same vector: no copy
    mirrored.save(folder / "mirrored.png")
    ImageEnhance.Brightness(noise_image(2, (400, 300))).enhance(0.9).save(folder / "other.png")
    build_collection([folder], tmp_path / "c.gelato", encoder)
    return Collection.open(tmp_path / "c.gelato")


def test_the_same_image_is_found_in_every_size_and_what_only_has_its_colours_is_not(album):
    [group] = find_duplicates(album)
    table = report(album, [group]).set_index("path")
    assert set(table.index) == {"original.png", "copy.png", "saved.jpg", "small.jpg"}
    assert table["keep"].sum() == 1 and table.index[table["keep"]][0] in ("original.png", "copy.png")
    assert table["kind"].unique().tolist() == ["same image"]
    rows = album.items.set_index("path")
    mirrored, original = (album.vector(rows.loc[name, "id"]) for name in ("mirrored.png", "original.png"))
    assert mirrored @ original > 0.999  # the vectors cannot tell them apart: the pixels did


def test_the_same_file_is_found_by_its_bytes_alone(album):
    [group] = find_duplicates(album, None)
    assert group.kind == "same file" and "same bytes" in group.why
    assert {album.record(row)["path"] for row in group.rows} == {"original.png", "copy.png"}


def test_kept_is_the_image_with_most_pixels_then_bytes(tmp_path, encoder):
    (tmp_path / "p").mkdir()
    image = noise_image(5, (300, 300))
    image.resize((120, 120)).save(tmp_path / "p/a-small.png")
    image.save(tmp_path / "p/b-poor.jpg", quality=40)
    image.save(tmp_path / "p/c-good.jpg", quality=95)
    build_collection([tmp_path / "p"], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    [group] = find_duplicates(collection)
    assert [collection.record(row)["path"] for row in group.rows] == ["c-good.jpg", "b-poor.jpg", "a-small.png"]


def test_duplicates_answers_json_and_writes_a_table(album, tmp_path):
    result = CliRunner().invoke(cli, ["duplicates", str(album.path), "--json", "--out", str(tmp_path / "d.csv")])
    document = json.loads(result.stdout)
    assert (document["groups"], document["copies"], len(document["images"])) == (1, 3, 4)
    assert pd.read_csv(tmp_path / "d.csv")["keep"].sum() == 1


def test_an_exported_collection_is_the_same_row_for_row(album, tmp_path):
    def exported(name, kind):
        return export(Selection.of(album), ExportRequest(kind, tmp_path / name)).files

    assert exported("out", "npy") == ["items.parquet", "vectors.npy"]
    assert np.array_equal(np.load(tmp_path / "out/vectors.npy"), np.asarray(album.vectors))
    assert pd.read_parquet(tmp_path / "out/items.parquet")["path"].tolist() == album.items["path"].tolist()
    exported("t.csv", "csv")
    assert pd.read_csv(tmp_path / "t.csv")["id"].tolist() == album.items["id"].tolist()
    with pytest.raises(UserError, match="exists; name a new one"):
        exported("out", "npy")


def test_what_goes_out_in_clip_retrievals_layout_comes_back_with_its_ranks(squares, tmp_path, encoder):
    build_collection([squares], tmp_path / "a.gelato", encoder)
    first = Collection.open(tmp_path / "a.gelato")
    files = export(Selection.of(first), ExportRequest("clip-retrieval", tmp_path / "out")).files
    assert files == ["img_emb/img_emb_0.npy", "metadata/metadata_0.parquet"]
    metadata = pd.read_parquet(tmp_path / "out/metadata/metadata_0.parquet")
    metadata["image_path"] = [str(squares / path) for path in metadata["image_path"]]
    metadata.to_parquet(tmp_path / "out/metadata/metadata_0.parquet")
    result = import_vectors(tmp_path / "out", tmp_path / "b.gelato", encoder)
    assert (result.images, result.failed, result.thumbnails) == (5, 0, 5)
    second = Collection.open(tmp_path / "b.gelato")
    assert find_faults(tmp_path / "b.gelato") == []
    for word in ("red", "blue"):
        before, after = find(first, encoder, word), find(second, encoder, word)
        assert [hit.score for hit in before] == pytest.approx([hit.score for hit in after], abs=2e-3)
        assert [str(squares / hit.path) for hit in before] == [hit.path for hit in after]
    assert second.items["folder"].tolist() == first.items["folder"].tolist()


def test_vectors_of_an_unknown_maker_are_searched_by_vectors_alone(tmp_path):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 8)).astype(np.float32)
    vectors[3] = 0
    (tmp_path / "e/img_emb").mkdir(parents=True)
    (tmp_path / "e/metadata").mkdir()
    for part, rows in enumerate(np.split(np.arange(30), 3)):  # unpadded numbers, as clip-retrieval writes them
        np.save(tmp_path / f"e/img_emb/img_emb_{part}.npy", vectors[rows])
        table = pd.DataFrame({"image_path": [f"far/{row}.jpg" for row in rows], "caption": [f"c{row}" for row in rows]})
        table.to_parquet(tmp_path / f"e/metadata/metadata_{part}.parquet")
    result = import_vectors(tmp_path / "e", tmp_path / "c.gelato", None)
    assert (result.images, result.failed, result.thumbnails, result.encoder) == (29, 1, 0, "unknown")
    collection = Collection.open(tmp_path / "c.gelato")
    assert find_faults(tmp_path / "c.gelato") == []
    query = vectors[17] / np.linalg.norm(vectors[17])
    assert find(collection, None, [Term(vector=query)], 1)[0].caption == "c17"
    run = CliRunner().invoke
    np.save(tmp_path / "q.npy", vectors[20])
    found = run(cli, ["search", str(collection.path), "--vector", str(tmp_path / "q.npy"), "--json"])
    assert json.loads(found.stdout)[0]["path"] == "far/20.jpg"
    like = find(collection, None, [Term(vector=query)], 1)[0].id
    assert json.loads(run(cli, ["search", str(collection.path), "--like", like, "--json"]).stdout)[0]["id"] == like
    refused = run(cli, ["search", str(collection.path), "a dog"])
    assert refused.exit_code == 1 and "What made these vectors is not known" in refused.stderr


@pytest.mark.parametrize("kind", ["Flat", "HNSW8", "IVF2,Flat", "PQ4x4"])
def test_an_index_of_autofaiss_gives_its_vectors_back_or_says_that_it_cannot(tmp_path, kind):
    import faiss

    vectors = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = faiss.index_factory(8, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    (tmp_path / "e").mkdir()
    faiss.write_index(index, str(tmp_path / "e/knn.index"))
    if kind == "PQ4x4":
        with pytest.raises(UserError, match="only codes"):
            import_vectors(tmp_path / "e", tmp_path / "c.gelato", None)
        return
    assert import_vectors(tmp_path / "e", tmp_path / "c.gelato", None).images == 200
    stored = np.asarray(Collection.open(tmp_path / "c.gelato").vectors, np.float32)
    assert np.allclose(stored, vectors, atol=1e-3)


def test_parts_that_do_not_belong_together_are_refused(tmp_path):
    (tmp_path / "e/img_emb").mkdir(parents=True)
    with pytest.raises(UserError, match="holds no vectors"):
        import_vectors(tmp_path / "e", tmp_path / "c.gelato", None)
    np.save(tmp_path / "e/img_emb/img_emb_0.npy", np.ones((3, 4), np.float32))
    (tmp_path / "e/metadata").mkdir()
    pd.DataFrame({"image_path": ["a", "b"]}).to_parquet(tmp_path / "e/metadata/metadata_0.parquet")
    with pytest.raises(UserError, match="has 2 rows for 3 vectors"):
        import_vectors(tmp_path / "e", tmp_path / "c.gelato", None)
    with pytest.raises(UserError, match="have 4 numbers and those of colour 3"):
        import_vectors(tmp_path / "e", tmp_path / "c.gelato", ColourEncoder())
