"""What people said is one file: copied, restored, undone, checked, and read where nothing can be written."""

import json
import sqlite3
import threading
from contextlib import closing

import pytest
from click.testing import CliRunner

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.maintenance.backup import back_up, restore
from index.maintenance.on_disk import absent_images, find_differences
from index.maintenance.remove import remove_images
from index.maintenance.undo import undo_last
from index.maintenance.verify import find_faults
from index.storage.annotations import ANNOTATIONS, JOURNAL, writing
from index.storage.corrections import correct, read_corrections
from index.storage.json_files import TAGS_FILE
from index.storage.tags import read_tags, tag
from tests.samples import make_read_only, paint
from training.models.errors import UserError


@pytest.fixture
def collection(squares, encoder, tmp_path) -> Collection:
    build_collection([squares], tmp_path / "c.gelato", encoder)
    return Collection.open(tmp_path / "c.gelato")


@pytest.fixture
def ids(collection) -> dict[str, str]:
    return {path.rpartition("/")[2].partition(".")[0]: id for path, id in collection.items[["path", "id"]].to_numpy()}


def test_a_backup_brings_back_what_was_said(collection, ids, tmp_path):
    tag(collection, [ids["red"], ids["blue"]], "mine")
    correct(collection, ids["red"], "a label")
    file = tmp_path / "backups/one.sqlite"
    assert back_up(collection.path, file) == {"tagged": 2, "tags": 2, "corrections": 1, "images": 5}
    tag(collection, [ids["red"], ids["grey"]], "mine", on=False)
    correct(collection, ids["red"], None)
    with pytest.raises(UserError, match="exists; name a new file"):
        back_up(collection.path, file)
    restore(collection.path, file)
    assert read_tags(collection.path) == {ids["red"]: ["mine"], ids["blue"]: ["mine"]}
    assert read_corrections(collection.path) == {ids["red"]: "a label"}
    assert find_faults(collection.path) == []


def test_a_backup_carries_what_was_said_to_a_new_collection_and_to_another_of_the_same_images(
    collection, ids, squares, encoder, tmp_path
):
    tag(collection, [ids["red"]], "mine")
    back_up(collection.path, tmp_path / "b.sqlite")
    restore(tmp_path / "new.gelato", tmp_path / "b.sqlite")
    for name in ("new", "other"):
        build_collection([squares], tmp_path / f"{name}.gelato", encoder)
    restore(tmp_path / "other.gelato", tmp_path / "b.sqlite")
    for name in ("new", "other"):
        assert read_tags(tmp_path / f"{name}.gelato") == {ids["red"]: ["mine"]}
        assert find_faults(tmp_path / f"{name}.gelato") == []


def test_a_file_of_something_else_is_not_restored(collection, tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as other:
        other.execute("CREATE TABLE a (b)")
    (tmp_path / "text").write_text("words")
    for name in ("other.sqlite", "text", "nowhere"):
        with pytest.raises(UserError, match="is not a backup"):
            restore(collection.path, tmp_path / name)


def test_tags_and_removals_are_undone_in_turn(collection, ids, squares, encoder):
    path = collection.path
    tag(collection, [ids["red"]], "old")
    tag(collection, [ids["red"], ids["blue"]], "old")  # red has it already
    tag(collection, [ids["red"]], "old", on=False)
    vector = collection.vector(ids["red"])
    remove_images(path, [ids["red"]], forgetting=True)
    assert read_tags(path) == {ids["blue"]: ["old"]} and len(Collection.open(path)) == 4
    assert undo_last(path) == "1 image came back into the collection."
    now = Collection.open(path)
    assert (now.vector(ids["red"]) == vector).all() and now.thumbnail(ids["red"]) is not None
    assert build_collection([squares], path, encoder).unchanged == 5
    assert find_faults(path) == []
    assert undo_last(path) == "The tag “old” was given back to 1 image."
    assert undo_last(path) == "The tag “old” was taken from 1 image."
    assert read_tags(path) == {ids["red"]: ["old"]}
    undo_last(path)
    assert read_tags(path) == {}
    with pytest.raises(UserError, match="nothing to undo"):
        undo_last(path)


def test_undoing_a_removal_after_a_build_that_brought_the_image_back_doubles_nothing(collection, ids, squares, encoder):
    remove_images(collection.path, [ids["red"]])
    build_collection([squares], collection.path, encoder)
    assert undo_last(collection.path) == "0 images came back into the collection."
    assert len(Collection.open(collection.path)) == 5


def test_only_the_last_removal_keeps_its_rows_and_thumbnails(collection, ids):
    path = collection.path
    remove_images(path, [ids["red"]])
    remove_images(path, [ids["blue"]])
    assert len(list((path / "undo").iterdir())) == 1
    undo_last(path)
    with pytest.raises(UserError, match="nothing to undo"):
        undo_last(path)
    assert len(list((path / "thumbnails").glob("*/*.webp"))) == len(Collection.open(path)) == 4


def test_verify_names_what_is_said_of_absent_images_and_files_that_changed(collection, ids, squares):
    path, run = collection.path, lambda *words: CliRunner().invoke(cli, ["verify", str(collection.path), *words])
    tag(collection, [ids["red"]], "mine")
    assert absent_images(path) == [] and find_differences(path) == []
    remove_images(path, [ids["red"]])
    shown = run()
    assert shown.exit_code == 0 and "is sound" in shown.stdout
    assert f"1 images with tags or corrections are not in the collection: {ids['red']} (warm/red.png)" in shown.stdout
    (squares / "cold/blue.gif").unlink()
    paint(squares / "cold/green.bmp", "grey")
    document = json.loads(run("--deep", "--json").stdout)
    assert [(fault["kind"], fault["what"]) for fault in document["faults"]] == [
        ("gone", "1 files are not there any more (cold/blue.gif)"),
        ("changed", "1 files have another content than the collection says (cold/green.bmp)"),
    ]
    assert not document["sound"] and len(document["notices"]) == 1
    remove_images(path, [ids["red"]], forgetting=True)
    assert absent_images(path) == []


def test_the_commands_answer_in_json_and_in_words(collection, ids, tmp_path):
    tag(collection, [ids["red"]], "mine")
    path, file = str(collection.path), str(tmp_path / "b.sqlite")
    said = CliRunner().invoke(cli, ["backup", path, file]).stdout
    assert said == f"1 tags of 1 images and 0 corrections were copied to {file}.\n"
    assert json.loads(CliRunner().invoke(cli, ["undo", path, "--json"]).stdout)["undone"].startswith("The tag")
    assert json.loads(CliRunner().invoke(cli, ["restore", path, file, "--json"]).stdout)["tags"] == 1
    assert read_tags(collection.path) == {ids["red"]: ["mine"]}


def test_on_a_medium_that_cannot_be_written_tags_are_read_and_a_change_says_why(collection, ids, monkeypatch):
    tag(collection, [ids["red"]], "mine")
    make_read_only(monkeypatch, collection.path)
    assert read_tags(collection.path) == {ids["red"]: ["mine"]}
    with pytest.raises(UserError, match="may not be written to"):
        tag(collection, [ids["blue"]], "mine")


def test_a_transaction_that_was_cut_off_is_undone_on_a_copy_where_nothing_can_be_written(
    collection, ids, monkeypatch, tmp_path
):
    tag(collection, [ids["red"]], "kept")
    cut = tmp_path / "cut.gelato"
    cut.mkdir()
    with closing(sqlite3.connect(collection.path / ANNOTATIONS, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size=1")  # so that it writes before it commits
        connection.execute("BEGIN")
        rows = [(f"{number:016x}", "half") for number in range(3000)]
        connection.executemany("INSERT INTO tags (id, name) VALUES (?, ?)", rows)
        for name in (ANNOTATIONS, JOURNAL):
            (cut / name).write_bytes((collection.path / name).read_bytes())
    assert (cut / JOURNAL).stat().st_size > 0
    opened = sqlite3.connect

    def read_only(address, **how):
        return opened(address.replace("mode=rw", "mode=ro") if str(cut) in address else address, **how)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    assert read_tags(cut) == {ids["red"]: ["kept"]}


def test_a_damaged_file_is_a_fault_and_says_what_to_do(collection, ids):
    tag(collection, [ids["red"]], "mine")
    (collection.path / ANNOTATIONS).write_bytes(b"none of SQLite's" * 500)
    with pytest.raises(UserError, match=r"is damaged .* index restore"):
        read_tags(collection.path)
    assert [fault.kind for fault in find_faults(collection.path)] == ["annotations"]


def test_a_tags_file_that_could_not_be_renamed_is_taken_over_once(collection, ids):
    (collection.path / ANNOTATIONS).unlink()
    text = json.dumps({ids["red"]: ["mine"]})
    (collection.path / TAGS_FILE).write_text(text)
    tag(collection, [ids["red"]], "mine", on=False)
    (collection.path / TAGS_FILE).write_text(text)  # as if the renaming had failed
    tag(collection, [ids["blue"]], "other")
    assert read_tags(collection.path) == {ids["blue"]: ["other"]}


def test_what_another_process_writes_is_seen_at_once_and_what_it_holds_is_waited_for(collection, ids):
    assert read_tags(collection.path) == {}
    for number in range(20):  # faster than a coarse clock of a file system
        with closing(sqlite3.connect(collection.path / ANNOTATIONS)) as other, other:
            other.execute("INSERT INTO tags (id, name) VALUES (?, ?)", (ids["red"], f"tag {number}"))
        assert read_tags(collection.path) == {ids["red"]: [f"tag {n}" for n in range(number + 1)]}
    other = sqlite3.connect(collection.path / ANNOTATIONS, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.3, lambda: (other.execute("COMMIT"), other.close())).start()
    with writing(collection.path) as connection:
        connection.execute("DELETE FROM tags")
    assert read_tags(collection.path) == {}
