"""Which files of a folder become images: by what the folder holds, by the rules, and each file once."""

import io
import os
import shutil
import string
import sys
import tarfile
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from index.build import build_collection
from index.collection import Collection
from index.maintenance.verify import find_faults
from index.storage.info import info_of
from index.storage.manifest import Manifest
from tests.samples import noise_image, paint, png_bytes
from training.data.exclusions import Exclusions
from training.data.sources import open_source
from training.models.errors import UserError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def shard(path, *members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for number, name in enumerate(members):
            data = png_bytes(noise_image(number))
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def parquet(path, rows=2):
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"image": [png_bytes(noise_image(row)) for row in range(rows)]}).to_parquet(path)


def paths(folder, **rules):
    return [item.path for item in open_source(folder, **rules)]


@pytest.mark.parametrize("stray", ["old.tar", "labels.csv", "table.tsv", "data.parquet"])
def test_a_stray_table_or_archive_hides_no_photo_below_and_is_named(stray, tmp_path, encoder):
    paint(tmp_path / "p/2019/beach/a.jpg", "red")
    (tmp_path / "p" / stray).write_bytes(b"not even whole")
    assert paths(tmp_path / "p") == ["2019/beach/a.jpg"]
    build_collection([tmp_path / "p"], tmp_path / "c.gelato", encoder)
    before = len(Collection.open(tmp_path / "c.gelato"))
    (tmp_path / "p/more.tar").write_bytes(b"")
    report = build_collection([tmp_path / "p"], tmp_path / "c.gelato", encoder)
    assert (report.images, report.removed, report.files["other file"]) == (before, 0, 2)


def test_a_folder_of_shards_stays_one_with_what_lies_beside_them_and_in_subfolders(tmp_path):
    shard(tmp_path / "tars/train/00000.tar", "a.png", "b.png")
    shard(tmp_path / "tars/val/00000.tar", "a.png")
    touch(tmp_path / "tars", "README.md", "train/00000.json", "train/00000_stats.json", "notes.txt", ".cache/x.json")
    source = open_source(tmp_path / "tars")
    assert [item.path for item in source] == ["train/00000.tar/a.png", "train/00000.tar/b.png", "val/00000.tar/a.png"]
    assert {one.path: one.kind for one in source.beside} == {
        "README.md": "other file",
        "notes.txt": "other file",
        "train/00000.json": "other file",
        "train/00000_stats.json": "other file",
        ".cache/": "excluded",
    }
    parquet(tmp_path / "hf/data/train-00000-of-00002.parquet")
    parquet(tmp_path / "hf/data/train-00001-of-00002.parquet", 1)
    touch(tmp_path / "hf", "README.md", "dataset_infos.json")
    found = paths(tmp_path / "hf")
    assert found[0] == "data/train-00000-of-00002.parquet/000000" and len(found) == 3


def test_shards_with_tables_of_their_own_names_are_read_as_shards(tmp_path):
    for number in range(2):
        shard(tmp_path / f"s/{number:05}.tar", "a.png")
        pd.DataFrame({"url": ["x"], "caption": ["y"]}).to_parquet(tmp_path / f"s/{number:05}.parquet")
    source = open_source(tmp_path / "s")
    assert len(list(source)) == 2 and {one.kind for one in source.beside} == {"sidecar"}


def test_a_folder_at_an_address_is_judged_by_all_of_it_too(tmp_path):
    files = fsspec.filesystem("memory")
    files.pipe_file("/mixed/deep/a.png", png_bytes(noise_image(1)))
    files.pipe_file("/mixed/old.tar", b"x")
    files.pipe_file("/mixed/@eaDir/t.png", b"x")
    source = open_source("memory://mixed")
    assert [item.path for item in source] == ["deep/a.png"]
    assert sorted((one.path, one.kind) for one in source.passed_over) == [
        ("@eaDir/t.png", "excluded"),
        ("old.tar", "other file"),
    ]
    files.rm("/mixed", recursive=True)


JUNK = {
    "@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg": "@eaDir/",
    "sub/@eaDir/x.jpg": "@eaDir/",
    "#recycle/x.jpg": "#recycle/",
    "$RECYCLE.BIN/S-1-5/x.jpg": "$RECYCLE.BIN/",
    "$Recycle.Bin/x.jpg": "$RECYCLE.BIN/",
    "System Volume Information/x.jpg": "System Volume Information/",
    ".Trash/x.jpg": ".Trash*",
    ".Trash-1000/files/x.jpg": ".Trash*",
    ".Trashes/501/x.jpg": ".Trash*",
    ".thumbnails/normal/x.png": ".thumbnails/",
    "lost+found/x.jpg": "lost+found/",
    "web/node_modules/pkg/logo.png": "node_modules/",
    "__MACOSX/x.jpg": "__MACOSX/",
    "@Recycle/x.jpg": "@Recycle/",
    ".@__thumb/x.jpg": "hidden files",
    ".hidden/x.jpg": "hidden files",
    "._a.jpg": "hidden files",
    "sub/.IMG_1.HEIC.icloud": "files that are in iCloud only; download them first",
    ".DS_Store": "hidden files",
    "Thumbs.db": "Thumbs.db",
    "sub/desktop.ini": "desktop.ini",
    "Lightroom Previews.lrdata/0/x.jpg": "*.lrdata/",
    "My.photoslibrary/resources/derivatives/x.jpg": "*.photoslibrary/ internals",
    "My.photoslibrary/database/Photos.sqlite": "*.photoslibrary/ internals",
    "iPhoto.PhotosLibrary/Thumbnails/x.jpg": "*.photoslibrary/ internals",
}


@pytest.mark.parametrize("name", JUNK)
def test_what_systems_put_beside_photos_is_left_out_and_counted_by_its_rule(name, tmp_path):
    touch(paint(tmp_path / "p/a.jpg", "red").parent, name)
    source = open_source(tmp_path / "p")
    assert [item.path for item in source] == ["a.jpg"]
    assert [(one.kind, one.reason, one.files) for one in source.passed_over] == [("excluded", JUNK[name], 1)]


def test_originals_of_a_photo_library_are_indexed_also_if_the_library_itself_is_named(tmp_path):
    library = tmp_path / "p/My.photoslibrary"
    touch(library, "originals/0/a.jpg", "Masters/2012/b.jpg", "resources/c.jpg", "d.jpg")
    assert paths(tmp_path / "p") == ["My.photoslibrary/Masters/2012/b.jpg", "My.photoslibrary/originals/0/a.jpg"]
    assert paths(library) == ["Masters/2012/b.jpg", "originals/0/a.jpg"]


GLOBS = {  # exclude, include, .gelatoignore files, what is left of the files below
    "*.png": (["*.png"], [], {}, "a.jpg raw/b.jpg raw/deep/c.JPG trip/e.jpg trip/é.jpg"),
    "case": (["*.jpg"], [], {}, "trip/d.png"),
    "folder": (["raw/"], [], {}, "a.jpg trip/d.png trip/e.jpg trip/é.jpg"),
    "anchored": (["/raw/*.jpg"], [], {}, "a.jpg raw/deep/c.JPG trip/d.png trip/e.jpg trip/é.jpg"),
    "any depth": (["**/deep/**"], [], {}, "a.jpg raw/b.jpg trip/d.png trip/e.jpg trip/é.jpg"),
    "exception": (["*.jpg", "!e.jpg"], [], {}, "trip/d.png trip/e.jpg"),
    "other form": (["é.jpg"], [], {}, "a.jpg raw/b.jpg raw/deep/c.JPG trip/d.png trip/e.jpg"),
    "only": ([], ["*.png", "a.*"], {}, "a.jpg trip/d.png"),
    "only a folder": ([], ["trip/"], {}, "trip/d.png trip/e.jpg trip/é.jpg"),
    "both": (["e.jpg"], ["trip/"], {}, "trip/d.png trip/é.jpg"),
    "default let in": (["!@eaDir/", "trip/"], [], {}, "@eaDir/t.jpg a.jpg raw/b.jpg raw/deep/c.JPG"),
    "file": ([], [], {".gelatoignore": "# no raws\n\nraw/\n*.png\n"}, "a.jpg trip/e.jpg trip/é.jpg"),
    "file of Notepad": ([], [], {".gelatoignore": "raw/\r\n*.png".encode("utf-16")}, "a.jpg trip/e.jpg trip/é.jpg"),
    "deeper file": ([], [], {"raw/.gelatoignore": "/b.jpg"}, "a.jpg raw/deep/c.JPG trip/d.png trip/e.jpg trip/é.jpg"),
    "deeper wins": (["*.png", "raw/"], [], {"trip/.gelatoignore": "!d.png\r\ne.jpg"}, "a.jpg trip/d.png trip/é.jpg"),
    "no patterns": ([], [], {".gelatoignore": "!\n/\n\\\n\nraw/"}, "a.jpg trip/d.png trip/e.jpg trip/é.jpg"),
    "all but a folder": ([], [], {".gelatoignore": "*\n!raw/\n!raw/*.jpg"}, "raw/b.jpg"),
    "all in it but one": ([], [], {".gelatoignore": "raw/*\n!raw/deep/\n/trip/"}, "a.jpg raw/deep/c.JPG"),
    "as a shell has it": (["./raw", "!./raw/b.jpg"], [], {}, "a.jpg trip/d.png trip/e.jpg trip/é.jpg"),
    "only as a shell has it": ([], ["./trip/*.png"], {}, "trip/d.png"),
    "a class": ([], [], {".gelatoignore": "[[:alpha:]b].jpg\n"}, "trip/d.png trip/é.jpg"),
    "not of a class": ([], [], {".gelatoignore": "*.[^[:digit:]p]*\n[[:nonsense:]]*\n"}, "trip/d.png"),
}  # fmt: skip


@pytest.mark.parametrize("case", GLOBS)
def test_globs_of_the_command_line_and_of_ignore_files(case, tmp_path):
    exclude, include, files, left = GLOBS[case]
    decomposed = "trip/e\u0301.jpg"  # é as macOS writes it
    touch(
        tmp_path / "p", "a.jpg", "raw/b.jpg", "raw/deep/c.JPG", "trip/d.png", "trip/e.jpg", decomposed, "@eaDir/t.jpg"
    )
    for name, text in files.items():
        (tmp_path / "p" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    source = open_source(tmp_path / "p", Exclusions.of(exclude, include))
    assert sorted(item.path for item in source) == sorted(left.replace("é", "e\u0301").split())
    everything = sum(len(names) for _, _, names in os.walk(tmp_path / "p"))
    assert len(source) + sum(one.files for one in source.passed_over) == everything


def test_a_rule_is_named_by_its_own_line_and_what_is_no_pattern_is_refused(tmp_path):
    touch(tmp_path / "p", "a.jpg", "b.png")
    (tmp_path / "p/.gelatoignore").write_text("# mine\n\n!\n*.png\n")
    source = open_source(tmp_path / "p")
    assert [item.path for item in source] == ["a.jpg"]
    assert ("b.png", ".gelatoignore: *.png") in [(one.path, one.reason) for one in source.passed_over]
    for rules in ({"exclude": ["!"]}, {"include": ["a\\"]}):
        with pytest.raises(UserError, match="is no pattern of files"):
            Exclusions.of(**rules)


def test_globs_are_kept_for_the_next_build_until_others_are_given(squares, tmp_path, encoder):
    into = tmp_path / "c.gelato"
    report = build_collection([squares], into, encoder, exclude=["*.bmp", "cold/*.gif"])
    rules = {group.reason: group.files for group in report.passed_over}
    assert report.images == 3 and rules == {"--exclude *.bmp": 1, "--exclude cold/*.gif": 1}
    again = build_collection([squares], into, encoder)
    assert (again.images, again.removed, again.added, again.passed_over) == (3, 0, 0, report.passed_over)
    assert info_of(Collection.open(into))["exclude"] == ["*.bmp", "cold/*.gif"]
    assert build_collection([squares], into, encoder, include=["*.png"], exclude=[], prune=True).images == 1
    assert build_collection([squares], into, encoder, include=[""]).images == 5


def test_globs_that_match_nothing_in_any_source_are_said_once(squares, tmp_path, encoder):
    touch(tmp_path / "p", "a.jpg", "b.png")
    globs = {"exclude": ["*.bmp", "colt/", "a.jpg", "cold/none.gif"], "include": ["*.png", "*.gif", "*.jpgg"]}
    report = build_collection([squares, tmp_path / "p"], tmp_path / "c.gelato", encoder, **globs)
    [note] = report.notes
    assert note == "No file or folder matches --exclude cold/none.gif, --exclude colt/, --include *.jpgg."
    assert build_collection([squares], tmp_path / "c.gelato", encoder).notes == []


def test_classes_are_those_of_ascii_without_case():
    ascii_characters = [chr(code) for code in range(1, 128) if chr(code) != "/"]
    expected = {
        **dict.fromkeys(("alpha", "upper", "lower"), str.isalpha),
        **{"digit": str.isdigit, "alnum": str.isalnum, "print": str.isprintable},
        **{"space": lambda c: c in " \t\n\v\f\r", "blank": lambda c: c in " \t"},
        **{"punct": lambda c: c in string.punctuation, "xdigit": lambda c: c in string.hexdigits},
        **{"cntrl": lambda c: not c.isprintable(), "graph": lambda c: c.isprintable() and c != " "},
    }
    for name, fits in expected.items():
        for pattern, holds in ((f"x[[:{name}:]]y", fits), (f"x[^[:{name}:]]y", lambda c, fits=fits: not fits(c))):
            rules = Exclusions.of([pattern])
            matched = [c for c in ascii_characters if rules.file_rule(f"x{c}y")]
            assert matched == [c for c in ascii_characters if holds(c)], pattern


@pytest.mark.parametrize("name", ["c.gelato", "photos index", "nested/deep/x"])
def test_a_collection_never_indexes_itself_or_another_one_whatever_it_is_called(name, squares, encoder, tmp_path):
    into = squares / name
    counts = [build_collection([squares], into, encoder).images for _ in range(3)]
    assert counts == [5, 5, 5]
    other = build_collection([squares], tmp_path / "other", encoder)
    assert other.images == 5 and "a Gelato collection" in [group.reason for group in other.passed_over]
    with pytest.raises(UserError, match="is a collection; name the folder with the images"):
        build_collection([into], tmp_path / "third", encoder)


def test_a_folder_that_is_only_called_like_a_collection_is_indexed(tmp_path):
    paint(tmp_path / "p/ice.gelato/a.jpg", "red")
    assert paths(tmp_path / "p") == ["ice.gelato/a.jpg"]


def test_links_and_loops_give_each_image_once(tmp_path):
    folder = tmp_path / "p"
    paint(folder / "real/b.jpg", "red")
    outside = paint(tmp_path / "elsewhere/c.jpg", "blue")
    (folder / "a-link-to-real").symlink_to(folder / "real")
    (folder / "real/loop").symlink_to(folder)
    (folder / "b-link.jpg").symlink_to(folder / "real/b.jpg")
    (folder / "outside.jpg").symlink_to(outside)
    (folder / "outside-again.jpg").symlink_to(outside)
    (folder / "itself.jpg").symlink_to(folder / "itself.jpg")
    os.link(folder / "real/b.jpg", folder / "real/hard.jpg")
    source = open_source(folder)
    assert [item.path for item in source] == ["itself.jpg", "outside-again.jpg", "real/b.jpg"]
    found = {one.path: one.reason for one in source.passed_over if one.kind == "duplicate"}
    assert found == {
        "a-link-to-real/": "the same folder as real/",
        "b-link.jpg": "a link to real/b.jpg",
        "outside.jpg": "a link to outside-again.jpg",
        "real/hard.jpg": "a link to real/b.jpg",
        "real/loop/": "the same folder as the source itself",
    }


def test_links_into_a_hidden_store_as_git_annex_has_them_are_images(tmp_path):
    paint(tmp_path / "p/.git/annex/x.jpg", "red")
    (tmp_path / "p/a.jpg").symlink_to(tmp_path / "p/.git/annex/x.jpg")
    assert paths(tmp_path / "p") == ["a.jpg"]


NAMES = [
    "new\nline.jpg",
    b"not-utf8-\xff.jpg",
    "dot..jpg",
    " .jpg ",
    "x" * 251 + ".jpg",
    "😀.jpg",
    "a\tb.jpg",
    "ß.jpg",
    "-rf.jpg",
]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_of_any_kind_are_counted_once_and_found_again(name, tmp_path, encoder):
    folder = paint(tmp_path / "p/plain.png", "red").parent
    data = png_bytes(noise_image(3))
    with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "wb") as file:
        file.write(data)
    report = build_collection([folder], tmp_path / "c.gelato", encoder)
    assert report.files["total"] == 2 and report.failed == 0
    again = build_collection([folder], tmp_path / "c.gelato", encoder)
    assert (again.unchanged, again.embedded, again.removed) == (report.images, 0, 0)


def test_folders_deeper_than_a_path_may_be_long_are_named(tmp_path):
    paint(tmp_path / "p/a.jpg", "red")
    before = os.getcwd()
    os.chdir(tmp_path / "p")
    try:
        for _ in range(25):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    finally:
        os.chdir(before)
    items = {item.path: item for item in open_source(tmp_path / "p")}
    assert "a.jpg" in items and len(items) == 2
    with pytest.raises(OSError, match="cannot be read"):
        next(item for path, item in items.items() if path != "a.jpg").read()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows file names that are not Unicode")
def test_a_path_that_is_no_utf_8_is_named_with_what_works(squares, tmp_path, encoder):
    bad = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    shutil.copytree(squares, bad)
    for sources, into in (([bad], tmp_path / "c.gelato"), ([squares], bad / "c.gelato")):
        with pytest.raises(UserError, match=r"caf\\xe9\S* is no UTF-8 and cannot be stored; "):
            build_collection(sources, into, encoder)
    with pytest.raises(UserError, match="is no UTF-8"):
        Collection.open(bad)
    for read in (find_faults, Manifest.read):
        with pytest.raises(UserError, match="is no UTF-8"):
            read(bad)
    (tmp_path / "links").mkdir()
    os.symlink(bad, tmp_path / "links/cafe")  # what the sentence says would work
    assert build_collection([tmp_path / "links"], tmp_path / "c.gelato", encoder).images == 5
