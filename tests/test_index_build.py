"""A collection is built, brought up to date and never half changed."""

import io
import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from index.storage.corrections import correct, read_corrections
from index.storage.failures import read_failures
from index.storage.manifest import precision_of
from index.storage.reset import reset_if_stale
from index.storage.tags import read_tags, tag
from index.storage.writer import Writer
from tests.samples import ColourEncoder, find, paint
from training.models.errors import UserError


@pytest.fixture
def into(tmp_path):
    return tmp_path / "squares.gelato"


def test_every_image_becomes_a_row_with_what_is_known_about_it(squares, into, encoder):
    report = build_collection([squares], into, encoder)
    assert (report.images, report.added, report.embedded, report.failed) == (5, 5, 5, 0)
    items = Collection.open(into).items.set_index("path")
    red = items.loc["warm/red.png"]
    assert (red["width"], red["height"], red["folder"]) == (40, 30, "warm")
    assert red["bytes"] == (squares / "warm/red.png").stat().st_size
    assert red["source"] == str(squares)
    assert items["id"].str.fullmatch("[0-9a-f]{16}").all()
    assert items.apply(lambda row: row["hash"].startswith(row["id"]), axis=1).all()


def test_vectors_of_eight_bits_and_others_never_share_a_collection(squares, into, encoder):
    encoder.precision = "int8"
    build_collection([squares], into, encoder)
    manifest = Collection.open(into).manifest
    assert (precision_of(manifest, None), precision_of(manifest, "f32")) == ("int8", "f32")
    encoder.precision = "bf16"
    with pytest.raises(UserError, match="was made in the precision int8 and bf16 would not fit it"):
        build_collection([squares], into, encoder)
    assert precision_of(replace(manifest, precision="bf16"), None) is None


def test_stored_vectors_are_the_encoders_own_to_half_precision(squares, into, encoder):
    build_collection([squares], into, encoder)
    collection = Collection.open(into)
    images = [Image.open(io.BytesIO((squares / path).read_bytes())) for path in collection.items["path"]]
    assert collection.vectors.dtype == np.float16
    assert np.allclose(collection.vectors, encoder.embed_images(images), atol=1e-3)


def test_building_again_embeds_only_what_is_new_or_changed(squares, into, encoder):
    build_collection([squares], into, encoder)
    paint(squares / "new.png", "blue", size=(20, 20))
    paint(squares / "warm/red.png", "green", size=(24, 24))
    (squares / "cold/grey.tiff").unlink()
    before = encoder.embedded
    report = build_collection([squares], into, encoder)
    assert encoder.embedded - before == report.embedded == 2
    assert (report.added, report.updated, report.removed, report.unchanged) == (1, 1, 1, 3)
    assert sorted(Collection.open(into).items["path"]) == [
        "cold/blue.gif",
        "cold/green.bmp",
        "new.png",
        "warm/orange.webp",
        "warm/red.png",
    ]


def test_building_again_with_nothing_new_changes_nothing(squares, into, encoder):
    build_collection([squares], into, encoder)
    revision = Collection.open(into).revision
    report = build_collection([squares], into, encoder)
    assert (report.unchanged, report.embedded, report.added, report.removed) == (5, 0, 0, 0)
    assert Collection.open(into).revision == revision


def test_a_moved_image_keeps_its_id_and_is_not_embedded_again(squares, into, encoder):
    build_collection([squares], into, encoder)
    old = Collection.open(into).items.set_index("path").loc["warm/red.png", "id"]
    shutil.move(squares / "warm/red.png", squares / "cold/crimson.png")
    report = build_collection([squares], into, encoder)
    assert (report.moved, report.embedded, report.added, report.removed) == (1, 0, 0, 0)
    assert Collection.open(into).items.set_index("path").loc["cold/crimson.png", "id"] == old


def test_a_moved_folder_is_found_again_by_its_content(squares, into, encoder):
    build_collection([squares], into, encoder)
    elsewhere = shutil.move(squares, squares.with_name("renamed"))
    report = build_collection([elsewhere], into, encoder)
    assert (report.images, report.moved, report.embedded) == (5, 5, 0)


def test_copies_are_rows_of_one_image(squares, into, encoder):
    shutil.copy(squares / "warm/red.png", squares / "again.png")
    build_collection([squares], into, encoder)
    collection = Collection.open(into)
    ids = collection.items.set_index("path")["id"]
    assert ids["warm/red.png"] == ids["again.png"]
    assert len(collection) == 6 and ids.nunique() == 5
    assert collection.items["path"].iloc[collection.rows([ids["again.png"]])].tolist() == ["again.png", "warm/red.png"]


def test_thumbnails_go_with_their_last_image(squares, into, encoder):
    build_collection([squares], into, encoder)
    red = Collection.open(into).items.set_index("path").loc["warm/red.png", "id"]
    kept = Collection.open(into).thumbnail(red)
    (squares / "warm/red.png").unlink()
    build_collection([squares], into, encoder)
    assert not kept.exists()
    assert Collection.open(into).thumbnail(red) is None


def test_what_cannot_be_read_is_named_with_the_reason_and_the_build_goes_on(squares, into, encoder):
    (squares / "empty.jpg").write_bytes(b"")
    (squares / "words.png").write_text("these are words")
    whole = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(whole, "JPEG")
    (squares / "cut.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 3])
    (squares / "gone.png").symlink_to(squares / "nowhere.png")
    report = build_collection([squares], into, encoder)
    assert (report.images, report.failed) == (5, 4)
    failures = Collection.open(into).failures.set_index("path")["reason"]
    assert set(failures.index) == {"empty.jpg", "words.png", "cut.jpg", "gone.png"}
    assert failures.str.len().gt(5).all()
    (squares / "empty.jpg").unlink()
    assert build_collection([squares], into, encoder).failed == 3


def test_a_image_that_turned_unreadable_leaves_the_collection(squares, into, encoder):
    build_collection([squares], into, encoder)
    (squares / "warm/red.png").write_bytes(b"")
    report = build_collection([squares], into, encoder)
    assert (report.images, report.failed) == (4, 1)


def test_losing_over_half_needs_to_be_said(squares, into, encoder):
    build_collection([squares], into, encoder)
    shutil.rmtree(squares / "cold")
    with pytest.raises(UserError, match=r"3 of the 5 .* --prune"):
        build_collection([squares], into, encoder)
    assert len(Collection.open(into)) == 5
    assert build_collection([squares], into, encoder, prune=True).removed == 3


def test_an_emptied_source_is_an_error_and_costs_nothing(squares, into, encoder):
    build_collection([squares], into, encoder)
    shutil.rmtree(squares)
    with pytest.raises(UserError, match="nothing at"):
        build_collection([squares], into, encoder)
    squares.mkdir()
    with pytest.raises(UserError, match="no images any more"):
        build_collection([squares], into, encoder, prune=True)
    assert len(Collection.open(into)) == 5


def test_images_of_other_sources_stay_as_they_are(squares, into, encoder, tmp_path):
    build_collection([squares], into, encoder)
    paint(tmp_path / "more/red2.png", "red", size=(9, 9))
    report = build_collection([tmp_path / "more"], into, encoder)
    assert (report.images, report.added, report.removed) == (6, 1, 0)


def test_a_collection_refuses_the_vectors_of_another_encoder(squares, into, encoder):
    build_collection([squares], into, encoder)
    other = ColourEncoder()
    other.name, other.fingerprint = "other", "0" * 16
    with pytest.raises(UserError, match=r"was made with colour .* --encoder colour"):
        build_collection([squares], into, other)
    with pytest.raises(UserError, match="was made with colour"):
        find(Collection.open(into), other, "red")


def test_a_collection_of_our_own_cache_begins_anew_with_new_weights_and_keeps_what_people_said(squares, into, encoder):
    build_collection([squares], into, encoder)
    old = Collection.open(into)
    id = old.items["id"][0]
    tag(old, [id], "seen")
    correct(old, id, "red")
    assert not reset_if_stale(into, encoder)
    other = ColourEncoder()
    other.fingerprint = "0" * 16
    (into / "map-pca.npz").touch()
    assert reset_if_stale(into, other)
    assert not (into / "map-pca.npz").exists() and not (into / "search.json").exists()
    report = build_collection([squares], into, other)
    assert (report.images, report.added) == (5, 5)
    now = Collection.open(into)
    assert now.fingerprint == other.fingerprint and [hit.id for hit in find(now, other, "red", 1)]
    assert read_tags(into) == {id: ["seen"]} and read_corrections(into) == {id: "red"}


def test_a_second_writer_is_refused_and_a_reader_is_not(squares, into, encoder):
    build_collection([squares], into, encoder)
    with Writer(into, encoder):
        with pytest.raises(UserError, match="being written by another process"):
            build_collection([squares], into, encoder)
        assert len(Collection.open(into)) == 5


def test_an_open_collection_stays_whole_while_a_build_replaces_it(squares, into, encoder):
    build_collection([squares], into, encoder)
    reader = Collection.open(into)
    (squares / "warm/red.png").unlink()
    build_collection([squares], into, encoder)
    assert len(reader.items) == len(reader.vectors) == 5
    assert len(reader.refreshed()) == 4
    assert reader.refreshed().refreshed() is not reader


def test_a_stopped_build_keeps_what_it_has_and_the_next_goes_on(tmp_path, into, encoder):
    for i in range(100):
        paint(tmp_path / f"many/{i:03d}.png", (i, 255 - i, 7))
    first = build_collection([tmp_path / "many"], into, encoder, stop=lambda: True)
    assert first.stopped and 0 < first.images < 100
    second = build_collection([tmp_path / "many"], into, encoder)
    assert second.images == 100
    assert first.embedded + second.embedded == encoder.embedded == 100


def test_segments_close_when_they_are_full(tmp_path, into, encoder):
    for i in range(70):
        paint(tmp_path / f"many/{i:03d}.png", (i, 255 - i, 7))
    build_collection([tmp_path / "many"], into, encoder, segment_size=32)
    assert [images for _, images in Collection.open(into).manifest.segments] == [32, 32, 6]
    assert list(Collection.open(into).items["path"]) == sorted(f"{i:03d}.png" for i in range(70))


def test_what_a_killed_build_left_is_of_no_account(squares, into, encoder):
    build_collection([squares], into, encoder)
    (into / "segments/000009").mkdir()
    (into / "segments/000009/vectors.npy").write_bytes(b"half")
    assert len(Collection.open(into)) == 5
    paint(squares / "new.png", "blue", size=(20, 20))
    assert build_collection([squares], into, encoder).images == 6
    assert sorted(p.name for p in (into / "segments").iterdir()) == ["000001", "000002"]


def test_metadata_of_mixed_kinds_and_taken_names_is_kept(squares, into, encoder):
    table = squares.parent / "table.csv"
    rows = {"path": ["squares/warm/red.png"], "width": ["12"], "stars": ["5"], "caption": ["a red square"]}
    pd.DataFrame(rows).to_csv(table, index=False)
    build_collection([table, squares], into, encoder)
    items = Collection.open(into).items.set_index("path")
    assert items.loc["squares/warm/red.png", ["width", "source_width", "stars"]].tolist() == [40, 12, 5]
    assert items.loc["squares/warm/red.png", "caption"] == "a red square"


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda c: (c / "manifest.json").write_text("{"), "corrupt .* build the collection again"),
        (lambda c: (c / "manifest.json").write_text("{}"), "corrupt"),
        (lambda c: (c / "manifest.json").write_text("[]"), r"corrupt \(it holds no fields\)"),
        (lambda c: (c / "manifest.json").write_text('{"format": 99}'), "has format 99 and this Gelato reads 1"),
        (lambda c: (c / "manifest.json").unlink(), "is not a collection; make one with"),
        (lambda c: shutil.rmtree(c / "segments"), "lost or damaged a segment"),
        (lambda c: shutil.rmtree(c), "does not exist; make one with"),
    ],
)
def test_a_damaged_collection_is_answered_with_what_to_do(squares, into, encoder, damage, message):
    build_collection([squares], into, encoder)
    damage(into)
    with pytest.raises(UserError, match=message):
        Collection.open(into)


def test_a_folder_of_something_else_is_not_filled(squares, encoder):
    with pytest.raises(UserError, match="exists and is not a collection"):
        build_collection([squares], squares, encoder)


def test_a_collection_is_portable_by_copying(squares, into, encoder, tmp_path):
    build_collection([squares], into, encoder)
    copied = shutil.copytree(into, tmp_path / "elsewhere/copied.gelato")
    shutil.rmtree(into)
    shutil.rmtree(squares)
    collection = Collection.open(copied)
    assert find(collection, encoder, "red", k=1)[0].path == "warm/red.png"
    assert collection.thumbnail(collection.items["id"][0]).is_file()


def test_a_named_pipe_is_a_failure_and_nobody_waits_for_it(squares, into, encoder):
    os.mkfifo(squares / "pipe.jpg")
    os.mkfifo(squares / "warm/red.txt")
    report = build_collection([squares], into, encoder)
    assert (report.images, report.failed) == (5, 1)
    assert Collection.open(into).failures["reason"].tolist() == ["it is not a regular file"]


def test_a_build_that_comes_to_nothing_leaves_nothing(tmp_path, into, encoder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no images in it"):
        build_collection([tmp_path / "empty"], into, encoder)
    assert not into.exists()


def test_a_source_of_unreadable_images_alone_is_a_collection_without_images(tmp_path, into, encoder):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/empty.jpg").write_bytes(b"")
    assert build_collection([tmp_path / "bad"], into, encoder).failed == 1
    with pytest.raises(UserError, match="holds no images yet"):
        find(Collection.open(into), encoder, "red")


def test_hundreds_of_unreadable_files_in_a_row_hold_nothing_up(tmp_path, into, encoder):
    for i in range(300):
        (tmp_path / "many").mkdir(exist_ok=True)
        (tmp_path / f"many/{i:03d}.png").write_bytes(b"")
    paint(tmp_path / "many/last.png", "red")
    report = build_collection([tmp_path / "many"], into, encoder)
    assert (report.images, report.failed, report.stopped) == (1, 300, False)


def test_images_beyond_a_chosen_size_and_of_formats_that_are_not_read_are_told_apart(squares, into, encoder):
    (squares / "film.jpg").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(99))
    whole = (squares / "warm/red.png").read_bytes()
    (squares / "cut.png").write_bytes(whole[:-13])
    report = build_collection([squares], into, encoder, max_megapixels=40 * 30 / 1e6)
    failures = read_failures(into).set_index("path")
    assert failures.loc["film.jpg", "kind"] == "unsupported format"
    assert failures.loc["film.jpg", "reason"] == "a video: only images are read"
    assert report.images == 6 and len(failures) == 1
    report = build_collection([squares], into.with_name("small.gelato"), encoder, max_megapixels=0.001)
    assert report.files["unreadable"] == 6 and report.images == 0
