"""Moving copies to a folder: the best stays, nothing is lost or overwritten, and everything goes back."""

import errno
import json
import os
import sys
import tarfile

import pytest
from click.testing import CliRunner

import index.copies.journal as journal
from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.copies.journal import FOLDER, Entry, Taken, move_file, put_back, read_journal
from index.copies.moving import move_copies
from index.copies.returning import undo_move
from index.duplicates import find_duplicates
from index.maintenance.undo import undo_last
from index.storage.tags import read_tags, tag
from tests.killing_moves import content
from tests.samples import ColourEncoder, noise_image
from training.models.errors import UserError


@pytest.fixture
def photos(tmp_path):
    """An image in four files, two of one name and one with sidecars, and another image."""
    folder = tmp_path / "photos"
    for name in ("a", "b", "c"):
        (folder / name).mkdir(parents=True)
    image = noise_image(1, (200, 150))
    image.save(folder / "best.png")
    image.resize((100, 75)).save(folder / "a/IMG_1.jpg", quality=90)
    image.resize((100, 75)).save(folder / "b/IMG_1.jpg", quality=80)
    image.save(folder / "c/poor.jpg", quality=40)
    (folder / "a/IMG_1.xmp").write_text('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')
    (folder / "a/IMG_1.jpg.json").write_text("{}")
    noise_image(2, (200, 150)).save(folder / "single.png")
    return folder


@pytest.fixture
def collection(photos, tmp_path):
    build_collection([photos], tmp_path / "c.gelato", ColourEncoder())
    return Collection.open(tmp_path / "c.gelato")


def move(collection, folder, dry_run=False):
    return move_copies(collection.path, find_duplicates(collection), folder, dry_run)


def test_the_best_copy_stays_and_the_others_move_with_their_sidecars(photos, collection, tmp_path):
    before, out = content(photos), tmp_path / "copies"
    dry = move(collection, out, dry_run=True)
    assert content(photos) == before and not out.exists()
    moved = move(collection, out)
    assert [entry.new for entry in dry.moved] == [entry.new for entry in moved.moved]
    assert sorted(content(photos)) == ["best.png", "single.png"]
    expected = {"a/IMG_1.jpg", "a/IMG_1.xmp", "a/IMG_1.jpg.json", "b/IMG_1.jpg", "c/poor.jpg"}
    there = content(out)
    [table] = set(there) - expected
    assert set(there) - {table} == expected and table.startswith("moved-")
    assert all(there[name] == before[name] for name in expected)
    assert (moved.copies, moved.sidecars, moved.not_moved) == (3, 2, [])
    assert "Of 3 copies, 3 moved" in moved.text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows file names that are not Unicode")
def test_names_that_are_no_utf_8_are_moved_told_and_put_back(photos, tmp_path):
    os.rename(os.fsencode(photos / "c/poor.jpg"), os.fsencode(photos) + b"/c/p\xe9.jpg")
    build_collection([photos], tmp_path / "c.gelato", ColourEncoder())
    before = content(photos)
    run = CliRunner().invoke(cli, ["duplicates", str(tmp_path / "c.gelato"), "--move", str(tmp_path / "out")])
    assert run.exit_code == 0 and "Of 3 copies, 3 moved" in run.output
    [table] = (tmp_path / "out").glob("moved-*.csv")
    assert "c/p\\udce9.jpg" in table.read_text(encoding="utf-8")
    undo_move(tmp_path / "c.gelato")
    assert content(photos) == before


@pytest.mark.parametrize("undo", [undo_move, undo_last])
def test_undo_puts_everything_back_and_leaves_nothing_behind(photos, collection, tmp_path, undo):
    before, out = content(photos), tmp_path / "copies"
    move(collection, out)
    assert undo(collection.path).startswith("5 files were put back")
    assert content(photos) == before and not out.exists()
    assert not (collection.path / FOLDER).exists()
    with pytest.raises(UserError):
        undo(collection.path)


def test_what_was_said_of_a_copy_is_said_of_the_one_that_stays_until_undo(photos, collection, tmp_path):
    ids = collection.items.set_index("path")["id"]
    tag(collection, [ids["c/poor.jpg"]], "holiday")
    tag(collection, [ids["best.png"]], "mine")
    before = read_tags(collection.path)
    move(collection, tmp_path / "copies")
    for _ in range(2):  # the folders that are empty now are no unplugged drives
        assert len(Collection.open(collection.path)) == 2 and not Collection.open(collection.path).offline.any()
        build_collection([photos], collection.path, ColourEncoder())
    assert set(read_tags(collection.path)[ids["best.png"]]) == {"holiday", "mine"}
    undo_move(collection.path)
    build_collection([photos], collection.path, ColourEncoder())
    assert dict(read_tags(collection.path)) == dict(before)
    assert Collection.open(collection.path).items.set_index("path")["id"].to_dict() == ids.to_dict()


def test_nothing_in_the_folder_is_overwritten_and_new_names_are_named(photos, collection, tmp_path):
    out = tmp_path / "copies"
    (out / "a").mkdir(parents=True)
    (out / "a/IMG_1.xmp").write_text("someone else's")
    (out / "c").mkdir()
    (out / "c/poor.jpg").write_text("someone else's")
    moved = move(collection, out)
    assert {one.path for one in moved.renamed} == {"a/IMG_1.jpg", "c/poor.jpg"}
    assert (out / "a/IMG_1.xmp").read_text() == (out / "c/poor.jpg").read_text() == "someone else's"
    [new] = [one.name for one in moved.renamed if one.path == "a/IMG_1.jpg"]
    stem = new.removesuffix(".jpg")
    assert {f"{stem}.jpg", f"{stem}.xmp", f"{stem}.jpg.json"} <= set(content(out))
    assert "a/IMG_1.jpg is called" in moved.text()
    undo_move(collection.path)
    assert (out / "c/poor.jpg").read_text() == "someone else's"


def no_links(*_):
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def test_another_drive_gets_copies_that_are_compared_before_the_files_are_deleted(
    photos, collection, tmp_path, monkeypatch
):
    before, out = content(photos), tmp_path / "copies"
    monkeypatch.setattr(os, "link", no_links)
    move(collection, out)
    assert content(out)["c/poor.jpg"] == before["c/poor.jpg"]
    assert sorted(content(photos)) == ["best.png", "single.png"]
    undo_move(collection.path)
    assert content(photos) == before


def test_a_copy_that_differs_is_thrown_away_and_the_file_stays(photos, collection, tmp_path, monkeypatch):
    before = content(photos)

    def damage(old, new):
        new.write_bytes(b"damaged")

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(journal.shutil, "copy2", damage)
    moved = move(collection, tmp_path / "copies")
    assert content(photos) == before and moved.failed
    assert {one.reason for one in moved.not_moved} == {"it cannot be moved: the copy differs from the file"}
    assert not any(name.endswith(".jpg") for name in content(tmp_path / "copies"))


def changed_best(photos):
    noise_image(9, (200, 150)).save(photos / "best.png")


def gone_best(photos):
    (photos / "best.png").unlink()


def changed_copy(photos):
    noise_image(9, (100, 75)).save(photos / "c/poor.jpg")


def gone_copy(photos):
    (photos / "c/poor.jpg").unlink()


def linked_copy(photos):
    (photos / "c/poor.jpg").rename(photos.parent / "elsewhere.jpg")
    (photos / "c/poor.jpg").symlink_to(photos.parent / "elsewhere.jpg")


@pytest.mark.parametrize(
    ("happens", "reason", "stay"),
    [
        (changed_best, "the copy to keep has changed", 3),
        (gone_best, "the copy to keep is not within reach", 3),
        (changed_copy, "it shows another image", 1),
        (gone_copy, "its file is gone", 1),
        (linked_copy, "it is a link", 1),
    ],
)
def test_what_is_not_as_the_build_saw_it_stays_and_is_named(photos, collection, tmp_path, happens, reason, stay):
    groups = find_duplicates(collection)
    happens(photos)
    before = content(photos)
    moved = move_copies(collection.path, groups, tmp_path / "copies")
    assert len(moved.not_moved) == stay and all(one.reason.startswith(reason) for one in moved.not_moved)
    if stay == 3:
        assert content(photos) == before and moved.failed


def test_a_read_only_source_is_refused_in_a_sentence(photos, collection, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode & os.W_OK))
    result = CliRunner().invoke(cli, ["duplicates", str(collection.path), "--move", str(tmp_path / "copies")])
    assert result.exit_code == 1 and "3 not moved: its folder is read-only" in result.output
    assert len(content(photos)) == 7


def test_images_in_archives_are_counted_and_named_and_one_may_be_the_one_that_stays(tmp_path):
    (tmp_path / "files").mkdir()
    noise_image(1, (200, 150)).resize((100, 75)).save(tmp_path / "files/small.png")
    noise_image(2, (200, 150)).save(tmp_path / "files/large.png")
    noise_image(1, (200, 150)).save(tmp_path / "1.png")
    noise_image(2, (200, 150)).resize((100, 75)).save(tmp_path / "2.png")
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        for name in ("1.png", "2.png"):
            archive.add(tmp_path / name, name)
    build_collection([tmp_path / "files", tmp_path / "shard.tar"], tmp_path / "c.gelato", ColourEncoder())
    moved = move(Collection.open(tmp_path / "c.gelato"), tmp_path / "copies")
    assert [os.path.basename(entry.old) for entry in moved.moved] == ["small.png"]
    assert [(one.path, one.reason.partition(",")[0]) for one in moved.not_moved] == [
        ("shard.tar/2.png", "it lies inside an archive")
    ]


@pytest.mark.parametrize("inside", ["photos/copies", "c.gelato/copies", "photos"])
def test_the_folder_may_not_lie_where_the_next_build_looks(photos, collection, tmp_path, inside):
    with pytest.raises(UserError, match="lies inside"):
        move(collection, tmp_path / inside)


@pytest.mark.parametrize(
    ("old", "new", "end"),
    [
        (b"x", None, (b"x", None)),  # it had not moved yet
        (None, b"x", (b"x", None)),  # it had moved
        (b"x", b"x", (b"x", None)),  # killed between the two steps
        (b"y", b"x", Taken),  # another file came
        (None, None, FileNotFoundError),
    ],
)
def test_a_move_that_was_cut_off_is_undone_by_what_lies_on_the_disk(tmp_path, old, new, end):
    paths = tmp_path / "old.jpg", tmp_path / "new.jpg"
    for path, data in zip(paths, (old, new), strict=True):
        if data is not None:
            path.write_bytes(data)
    entry = Entry(str(paths[0]), str(paths[1]), str(paths[0]))
    if isinstance(end, tuple):
        assert put_back(entry) == (new is not None)
    else:
        with pytest.raises(end):
            put_back(entry)
        end = old, new
    assert tuple(path.read_bytes() if path.exists() else None for path in paths) == end


def test_a_move_never_takes_the_place_of_a_file(tmp_path, monkeypatch):
    for link in (os.link, no_links):
        monkeypatch.setattr(os, "link", link)
        (tmp_path / "old").write_text("old")
        (tmp_path / "new").write_text("new")
        with pytest.raises(Taken):
            move_file(tmp_path / "old", tmp_path / "new")
        assert (tmp_path / "old").read_text() == "old" and (tmp_path / "new").read_text() == "new"


def test_the_command_moves_says_what_it_did_and_undoes_it(photos, collection, tmp_path):
    def run(*words):
        return CliRunner().invoke(cli, ["duplicates", str(collection.path), *words])

    before, out = content(photos), tmp_path / "copies"
    dry = run("--move", str(out), "--dry-run")
    assert "Of 3 copies, 3 would be moved" in dry.output and f"-> {out}/c/poor.jpg" in dry.output
    assert content(photos) == before
    document = json.loads(run("--move", str(out), "--json").stdout)
    assert (document["copies"], document["sidecars"], len(document["moved"])) == (3, 2, 5)
    assert read_journal(collection.path, next((collection.path / FOLDER).iterdir()).name)
    assert "5 files were put back" in run("--undo").output
    assert content(photos) == before
    assert run("--undo").exit_code == 1
    assert run("--dry-run").exit_code == 1
    assert run("--undo", "--move", str(out)).exit_code == 1


def test_files_whose_place_was_taken_stay_and_are_named(photos, collection, tmp_path):
    out = tmp_path / "copies"
    move(collection, out)
    (photos / "c/poor.jpg").write_text("new")
    assert "Another file is at the old place of 1" in undo_move(collection.path)
    assert (photos / "c/poor.jpg").read_text() == "new" and (out / "c/poor.jpg").exists()


@pytest.mark.slow
def test_no_file_is_lost_when_moves_and_their_undoing_are_killed_at_any_instant(tmp_path):
    from tests.killing_moves import run

    counted = run(tmp_path, trials=60, seed=0)
    assert counted["lost"] == counted["changed"] == 0
    assert counted["killed"] > 10
