"""Drives come and go: what is out of reach stays, and comes back under whatever name without being embedded again."""

import json
import os
import shutil
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.maintenance.remove import remove_images
from index.storage.tags import read_tags, tag
from tests.samples import find, noise_image, paint
from training.models.errors import UserError


@pytest.fixture
def photos(tmp_path):
    """Photos in a folder, on a card that is mounted inside of it, and on a drive beside it."""
    folder = tmp_path / "photos"
    for number in range(12):
        place = ("", "card/", "card/dcim/", "trip/")[number % 4]
        (folder / place).mkdir(parents=True, exist_ok=True)
        noise_image(number).save(folder / f"{place}{number}.png")
    return folder


@pytest.fixture
def into(tmp_path):
    return tmp_path / "c.gelato"


def rows(into):
    """Every row as source name, path and whether it is offline."""
    opened = Collection.open(into)
    sources = [os.path.basename(source) for source in opened.column("source")]
    return sorted(zip(sources, opened.column("path"), opened.offline.tolist(), strict=True))


def build(encoder, into, *sources, **options):
    """A build of a collection, and how many images the encoder was given in it."""
    before = encoder.embedded
    return build_collection(sources, into, encoder, **options), encoder.embedded - before


def empty(folder):
    """Take everything out of a folder as an unmounted drive does; it comes back with `refill`."""
    away = folder.parent.with_name(f"{folder.name} is away")
    shutil.move(folder, away)
    folder.mkdir()
    return away


def refill(folder, away):
    folder.rmdir()
    shutil.move(away, folder)


@pytest.mark.parametrize("prune", [False, True])
def test_a_folder_that_is_empty_now_keeps_its_rows_as_offline_until_it_is_back(prune, photos, into, encoder):
    build(encoder, into, photos)
    before = rows(into)
    away = empty(photos / "card")
    report, embedded = build(encoder, into, photos, prune=prune)
    assert (report.images, report.removed, report.offline, embedded) == (12, 0, 6, 0)
    assert "6 images in card/ of" in report.notes[0] and "the folder is empty now" in report.notes[0]
    assert "--prune" not in report.notes[0]
    assert {path for _, path, offline in rows(into) if offline} == {p for _, p, _ in before if p.startswith("card/")}
    assert report.files["total"] == 6 and report.files["unchanged"] == 6
    refill(photos / "card", away)
    report, embedded = build(encoder, into, photos)
    assert (report.unchanged, report.offline, report.notes, embedded) == (12, 0, [], 0)
    assert rows(into) == before


def test_offline_images_are_shown_so_and_can_be_taken_out(photos, into, encoder, monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: encoder)
    build(encoder, into, photos)
    assert "offline" not in Collection.open(into).columns
    empty(photos / "card")
    run = CliRunner().invoke(cli, ["build", str(photos), "--into", str(into)])
    assert run.exit_code == 0 and f"python -m index remove {into} --where 'offline == True'" in run.output
    assert "12 images, 6 of them offline" in CliRunner().invoke(cli, ["info", str(into)]).output
    assert json.loads(CliRunner().invoke(cli, ["info", str(into), "--json"]).stdout)["offline"] == 6
    hits = find(Collection.open(into), encoder, "red", 12)
    assert sum(hit.offline for hit in hits) == 6 == sum(bool(hit.as_json()["offline"]) for hit in hits)
    assert remove_images(into, where="offline == True").removed == 6
    report, _ = build(encoder, into, photos)
    assert (report.images, report.offline) == (6, 0)


@pytest.mark.parametrize("how", ["missing", "empty", "only other files"])
def test_a_source_that_is_not_there_is_an_error_and_its_images_are_offline(how, photos, into, encoder):
    build(encoder, into, photos)
    shutil.move(photos, photos.with_name("away"))
    if how != "missing":
        photos.mkdir()
    if how == "only other files":
        (photos / "note.pdf").write_text("x")
    with pytest.raises(UserError, match="Its 12 images stay in the collection, marked as offline") as caught:
        build(encoder, into, photos, prune=True)
    assert "--prune" not in str(caught.value)
    assert all(offline for _, _, offline in rows(into)) and len(rows(into)) == 12
    shutil.rmtree(photos, ignore_errors=True)
    shutil.move(photos.with_name("away"), photos)
    report, embedded = build(encoder, into, photos)
    assert (report.unchanged, report.offline, embedded) == (12, 0, 0)


def test_other_sources_are_built_all_the_same_and_the_exit_says_that_one_was_missing(
    photos, into, encoder, monkeypatch
):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: encoder)
    more = paint(photos.parent / "more/a.png", "red").parent
    build(encoder, into, photos, more)
    shutil.move(photos, photos.with_name("away"))
    paint(more / "b.png", "blue")
    run = CliRunner().invoke(cli, ["build", str(photos), str(more), "--into", str(into)])
    assert run.exit_code == 1 and "Its 12 images stay in the collection, marked as offline." in run.output
    assert len(rows(into)) == 14


def test_a_mount_point_that_vanished_is_told_from_a_folder_that_was_deleted(photos, into, encoder, monkeypatch):
    monkeypatch.setattr("training.data.walk.Walk.mounts", [], raising=False)
    from training.data import folder

    whole = folder.FolderSource.__iter__

    def with_a_mount(self):
        yield from whole(self)
        self.mounts = ("card/",) if (photos / "card").exists() else ()

    monkeypatch.setattr(folder.FolderSource, "__iter__", with_a_mount)
    build(encoder, into, photos)
    shutil.rmtree(photos / "trip")
    shutil.move(photos / "card", photos.with_name("card"))
    report, _ = build(encoder, into, photos)
    assert (report.images, report.removed, report.offline) == (9, 3, 6)
    assert "no drive is there now" in report.notes[0]
    assert build(encoder, into, photos)[0].offline == 6


@pytest.mark.parametrize("left", ["missing", "empty"])
def test_a_drive_under_another_name_is_recognised_and_only_its_name_changes(left, photos, into, encoder):
    build(encoder, into, photos)
    ids = dict(zip(*(Collection.open(into).column(name) for name in ("path", "id")), strict=True))
    there = shutil.move(photos, photos.with_name("media"))
    if left == "empty":
        photos.mkdir()
    noise_image(99).save(there + "/new.png") if isinstance(there, str) else noise_image(99).save(there / "new.png")
    reads = []
    from training.data import folder

    real, folder.read_start = folder.read_start, lambda *given: reads.append(given) or real(*given)
    try:
        report, embedded = build(encoder, into, there)
    finally:
        folder.read_start = real
    assert (report.images, report.moved, report.added, report.removed, embedded) == (13, 12, 1, 0, 1)
    assert {name for name, _, _ in rows(into)} == {"media"}
    now = dict(zip(*(Collection.open(into).column(name) for name in ("path", "id")), strict=True))
    assert {path: id for path, id in now.items() if path in ids} == ids
    assert build(encoder, into, there)[0].unchanged == 13


def test_a_copy_of_a_folder_that_is_still_there_is_not_a_remount(photos, into, encoder):
    build(encoder, into, photos)
    copy = shutil.copytree(photos, photos.with_name("copy"))
    report, embedded = build(encoder, into, copy)
    assert (report.images, report.added, report.moved, embedded) == (24, 12, 0, 0)


def test_a_folder_with_other_images_of_the_same_names_is_not_a_remount(photos, into, encoder):
    build(encoder, into, photos)
    shutil.move(photos, photos.with_name("away"))
    other = photos.with_name("other")
    for _, path, _ in rows(into):
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        noise_image(1000 + len(path) + int(path.split("/")[-1][:-4])).save(other / path)
    report, _ = build(encoder, into, other)
    assert (report.images, report.added, report.moved) == (24, 12, 0)


def test_the_same_folder_by_another_spelling_is_the_same_source(photos, into, encoder):
    build(encoder, into, photos)
    link = photos.with_name("link")
    link.symlink_to(photos)
    for spelling in (link, f"{photos}/", f"{photos}/../photos", os.path.relpath(photos)):
        report, embedded = build(encoder, into, spelling)
        assert (report.images, report.unchanged, report.added, embedded) == (12, 12, 0, 0)


@pytest.mark.parametrize("order", ["photos photos/card", "photos/card photos", "photos/card photos photos"])
@pytest.mark.parametrize("together", [True, False])
def test_folders_that_contain_each_other_give_each_image_once(order, together, photos, into, encoder):
    sources = [photos.parent / name for name in order.split()]
    for step in [sources] if together else [[source] for source in sources]:
        report, _ = build(encoder, into, *step)
    assert encoder.embedded == 12 and len(rows(into)) == 12
    assert report.files["total"] == (6 if not together and order.endswith("card") else 12)
    (photos / "card/1.png").unlink()
    (photos / "trip/3.png").unlink()
    noise_image(50).save(photos / "card/5.png")
    report, _ = build(encoder, into, photos)
    assert (report.images, report.removed, report.updated) == (10, 2, 1)
    report, _ = build(encoder, into, photos / "card")
    assert (report.images, report.removed, report.added, report.files["total"]) == (10, 0, 0, 5)
    assert report.files["unchanged"] == 5


def test_a_name_that_changed_its_unicode_form_is_the_same_file(tmp_path, into, encoder):
    composed, decomposed = (unicodedata.normalize(form, "p/Ärger/é.png") for form in ("NFC", "NFD"))
    paint(tmp_path / decomposed, "red")
    build(encoder, into, tmp_path / "p")
    old = Collection.open(into).column("id").tolist()
    (tmp_path / composed).parent.mkdir()
    shutil.move(tmp_path / decomposed, tmp_path / composed)
    report, embedded = build(encoder, into, tmp_path / "p")
    assert (report.images, report.added, report.removed, embedded) == (1, 0, 0, 0)
    opened = Collection.open(into)
    assert opened.column("id").tolist() == old
    assert (tmp_path / "p" / opened.column("path")[0]).exists(), "the path is as it is on disk"


def test_a_filter_finds_a_name_in_either_unicode_form(tmp_path, into, encoder):
    for number, form in enumerate(("NFC", "NFD")):
        folder = tmp_path / "p" / str(number)
        folder.mkdir(parents=True)
        noise_image(number).save(folder / unicodedata.normalize(form, "café.png"))
    build(encoder, into, tmp_path / "p")
    opened = Collection.open(into)
    for form in ("NFC", "NFD"):
        where = unicodedata.normalize(form, 'path == "0/café.png" or path == "1/café.png"')
        assert len(find(opened, encoder, "red", filter=where)) == 2


def test_rehash_looks_at_content_where_size_and_time_are_as_they_were(photos, into, encoder):
    build(encoder, into, photos)
    file = photos / "0.png"
    facts = file.stat()
    other = photos / "4.png"
    data = bytearray(file.read_bytes())
    noise_image(77).save(file)
    changed = file.read_bytes()
    size = max(len(data), len(changed))
    file.write_bytes(data.ljust(size, b"\0"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    build(encoder, into, photos)
    file.write_bytes(changed.ljust(size, b"\0"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert build(encoder, into, photos)[1] == 0
    report, embedded = build(encoder, into, photos, rehash=True)
    assert (report.updated, report.unchanged, embedded) == (1, 11, 1) and other.exists()


def test_what_a_new_rule_excludes_goes_without_being_asked_twice(photos, into, encoder):
    build(encoder, into, photos)
    report, _ = build(encoder, into, photos, exclude=["card/", "trip/"])
    assert (report.images, report.removed, report.offline) == (3, 9, 0)


def test_losing_over_half_asks_for_prune_only_where_files_were_deleted(photos, into, encoder):
    build(encoder, into, photos)
    shutil.rmtree(photos / "card")
    shutil.rmtree(photos / "trip")
    with pytest.raises(UserError, match=r"9 of the 12 .* If they were deleted, say so with --prune"):
        build(encoder, into, photos)
    assert build(encoder, into, photos, prune=True)[0].images == 3


@pytest.mark.parametrize("content", [b"", b"\0" * 4096])
def test_images_that_became_unreadable_stay_where_it_is_over_half_of_them(content, photos, into, encoder):
    build(encoder, into, photos)
    before, files = rows(into), sorted(path for path in photos.rglob("*") if path.is_file())
    kept = {file: file.read_bytes() for file in files}
    for file in files[:5]:
        file.write_bytes(content)
    report, _ = build(encoder, into, photos)
    assert (report.images, report.removed, report.failed) == (7, 5, 5)
    for file in files[5:]:
        file.write_bytes(content)
    paint(photos / "new.png", "red")
    with pytest.raises(
        UserError, match=r"7 of the 7 images .* cannot be read any more and stay .* say so with --prune"
    ):
        build(encoder, into, photos)
    assert len(rows(into)) == 8  # the new one is there all the same
    for file, data in kept.items():
        file.write_bytes(data)
    (photos / "new.png").unlink()
    assert build(encoder, into, photos)[0].failed == 0
    assert rows(into) == before
    for file in files[1:]:
        file.write_bytes(content)
    assert build(encoder, into, photos, prune=True)[0].images == 1


def test_images_that_moved_out_of_a_folder_that_is_left_empty_are_moved_and_not_offline(photos, into, encoder):
    build(encoder, into, photos)
    for file in (photos / "trip").iterdir():
        shutil.move(file, photos / "card" / file.name)
    report, embedded = build(encoder, into, photos)
    assert (report.images, report.moved, report.offline, report.removed, embedded) == (12, 3, 0, 0, 0)


def test_tags_stay_with_images_whose_drive_came_back_under_another_name_and_was_edited(photos, into, encoder):
    build(encoder, into, photos)
    opened = Collection.open(into)
    ids = opened.column("id").tolist()
    tag(opened, ids, "seen")
    there = Path(shutil.move(photos, photos.with_name("media")))
    with Image.open(there / "trip/3.png") as image:
        image.save(there / "trip/3.png", compress_level=1)
    build(encoder, into, there)
    now = Collection.open(into)
    assert sorted(now.column("id")) == sorted(ids) and len(read_tags(into)) == 12


def test_a_large_folder_with_a_new_name_is_no_loss(photos, into, encoder):
    build(encoder, into, photos)
    shutil.move(photos, photos.parent / "old")
    photos.mkdir()
    shutil.move(photos.parent / "old", photos / "2024")
    report, embedded = build(encoder, into, photos)
    assert (report.moved, report.removed, embedded) == (12, 0, 0)
    for number in range(8):
        next(photos.rglob(f"{number}.png")).unlink()
    with pytest.raises(UserError, match=r"8 of the 12 images .* are gone"):
        build(encoder, into, photos)
