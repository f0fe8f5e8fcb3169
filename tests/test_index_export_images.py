"""Images out of a collection, wherever they lie, as folders, zip files and tables that other programs read."""

import csv
import io
import json
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.export.export import ExportRequest, export
from index.export.names import Names, safe_parts
from index.export.selection import Selection
from index.storage.corrections import correct
from index.storage.tags import tag
from tests.samples import ColourEncoder, noise_image, paint, png_bytes
from training.models.errors import UserError


@pytest.fixture
def gelato(monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())

    def run(*words, code=0):
        result = CliRunner().invoke(cli, [str(word) for word in words])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def clashing(tmp_path, encoder) -> Collection:
    """A folder in which names of several subfolders are one."""
    folder = tmp_path / "photos"
    for number, name in enumerate(("a/cat.png", "b/cat.png", "b/CAT.PNG", "c/cat.png", "dog.png")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(path)
    (folder / "a/cat.txt").write_text("=1+1, a cat\n")
    build_collection([folder], tmp_path / "c.gelato", encoder)
    return Collection.open(tmp_path / "c.gelato")


def shards(folder: Path) -> Path:
    folder.mkdir()
    with tarfile.open(folder / "00000.tar", "w") as tar:
        for number in range(3):
            data = png_bytes(noise_image(100 + number))
            info = tarfile.TarInfo(f"{number:05}.png")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return folder


def parquet(file: Path) -> Path:
    rows = [{"image": {"bytes": png_bytes(noise_image(200 + n)), "path": None}, "caption": f"c{n}"} for n in range(3)]
    pd.DataFrame(rows).to_parquet(file)
    return file


def opened(path: Path) -> Collection:
    return Collection.open(path)


def run(collection: Collection, kind: str, out: Path | None, labels=None, **settings):
    return export(Selection.of(collection, None, labels), ExportRequest(kind, out, **settings))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_one_folder_a_label_solves_and_names_collisions_and_repeats_without_change(clashing, tmp_path):
    labels = {row: "dogs" if path == "dog.png" else "a/c: x" for row, path in enumerate(clashing.items["path"])}
    originals = sorted(path.read_bytes() for path in (tmp_path / "photos").rglob("*") if path.suffix.lower() == ".png")
    report = run(clashing, "folders", tmp_path / "out", labels)
    found = files(tmp_path / "out")
    assert sorted(found.values()) == originals and report.written == 5
    assert {name.partition("/")[0] for name in found} == {"a-c- x", "dogs"}
    assert len({name.lower() for name in found}) == 5 and len(report.renamed) == 3
    assert {one.name for one in report.renamed} <= set(found)
    again = run(clashing, "folders", tmp_path / "out", labels)
    assert (again.written, again.unchanged) == (0, 5) and files(tmp_path / "out") == found


def test_a_file_of_someone_else_is_never_overwritten(clashing, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/dog.png").write_text("mine")
    report = run(clashing, "folders", tmp_path / "out")
    assert (tmp_path / "out/dog.png").read_text() == "mine"
    renamed = {one.path: one.name for one in report.renamed}
    assert report.written == 5 and "dog.png" in renamed and len(renamed) == 2  # b/CAT.PNG is b/cat.png elsewhere
    assert all((tmp_path / "out" / name).is_file() for name in renamed.values())
    assert run(clashing, "folders", tmp_path / "out").unchanged == 5
    for kind in ("csv", "json", "parquet", "zip"):
        (tmp_path / f"t.{kind}").write_text("mine")
        with pytest.raises(UserError, match="exists; name a new one"):
            run(clashing, kind, tmp_path / f"t.{kind}")
        assert (tmp_path / f"t.{kind}").read_text() == "mine"
        assert run(clashing, kind, tmp_path / f"t.{kind}", overwrite=True).written == 5
        assert run(clashing, kind, tmp_path / f"t.{kind}").unchanged == 5
    assert not list(tmp_path.glob(".t.*"))


def test_hard_links_share_the_originals_and_a_dry_run_writes_nothing(clashing, tmp_path):
    assert run(clashing, "folders", tmp_path / "out", link=True, dry_run=True).linked == 5
    assert not (tmp_path / "out").exists()
    report = run(clashing, "folders", tmp_path / "out", link=True)
    assert report.linked == 5 and "hard links" in report.text()
    assert (tmp_path / "out/dog.png").samefile(tmp_path / "photos/dog.png")


def test_what_cannot_be_linked_is_copied(clashing, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    report = run(clashing, "folders", tmp_path / "out", link=True)
    assert (report.written, report.linked) == (5, 0)


@pytest.mark.parametrize("kind", ["folders", "imagefolder", "zip"])
def test_images_inside_archives_are_read_and_those_that_are_gone_are_named(kind, tmp_path, encoder):
    photos = tmp_path / "photos"
    paint(photos / "red.png", "red")
    paint(photos / "gone.png", "blue")
    sources = [photos, shards(tmp_path / "shards"), parquet(tmp_path / "rows.parquet"), tmp_path / "lost"]
    paint(tmp_path / "lost/x.png", "green")
    build_collection(sources, tmp_path / "c.gelato", encoder)
    (photos / "gone.png").unlink()
    (tmp_path / "lost/x.png").unlink()
    (tmp_path / "lost").rmdir()
    report = run(opened(tmp_path / "c.gelato"), kind, tmp_path / "out")
    assert (report.images, report.written) == (9, 7)
    assert {(one.path, one.reason) for one in report.not_exported} == {
        ("gone.png", "its file is gone"),
        ("x.png", "its source is gone"),
    }
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "out") as packed:
            assert packed.testzip() is None
            packed.extractall(tmp_path / "unpacked")
        assert "gone.png" in (tmp_path / "unpacked/not-exported.csv").read_text()
    folder = tmp_path / ("unpacked" if kind == "zip" else "out")
    found = [path for path in folder.rglob("*.png")]
    assert len(found) == 7
    for path in found:
        with Image.open(path) as image:
            image.load()
    expected = {png_bytes(noise_image(seed)) for seed in (100, 101, 102, 200, 201, 202)}
    assert expected <= {path.read_bytes() for path in found}


@pytest.mark.parametrize("kind", ["folders", "zip", "xmp"])
def test_another_image_under_the_name_of_one_that_was_built_inherits_nothing(kind, clashing, tmp_path):
    tag(clashing, list(clashing.items["id"].unique()), "mine")
    photos = tmp_path / "photos"
    noise_image(50).save(photos / "dog.png")  # a camera that begins to count anew
    image = Image.open(photos / "a/cat.png")
    image.save(photos / "a/cat.png", exif=exif_with_a_title())  # another program edits metadata: the image is the same
    os.utime(photos / "b/cat.png")
    report = run(clashing, kind, tmp_path / "out")
    assert [(one.path, "build again" in one.reason) for one in report.not_exported] == [("dog.png", True)]
    assert report.written == 4


def exif_with_a_title() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = "a title"
    return exif


@pytest.mark.parametrize("kind", ["imagefolder", "zip"])
def test_metadata_csv_names_every_file_beside_what_is_said_of_it(kind, clashing, tmp_path):
    tag(clashing, [clashing.items["id"][clashing.items["path"] == "a/cat.png"].item()], "to print")
    run(clashing, kind, tmp_path / "out", {row: "x" for row in range(5)})
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "out") as packed:
            packed.extractall(tmp_path / "unpacked")
    folder = tmp_path / ("unpacked" if kind == "zip" else "out")
    rows = list(csv.DictReader(io.StringIO((folder / "metadata.csv").read_text(encoding="utf-8"))))
    assert list(rows[0]) == ["file_name", "label", "text", "tags", "id"]
    assert sorted(row["file_name"] for row in rows) == sorted(set(files(folder)) - {"metadata.csv"})
    said = next(row for row in rows if row["text"])
    assert (said["text"], said["tags"], said["label"]) == ("'=1+1, a cat", "to print", "x")
    again = build_collection([folder / "metadata.csv"], tmp_path / "again.gelato", ColourEncoder())
    assert again.images == 5  # its own reader takes it too


def test_a_second_selection_adds_to_metadata_csv_and_a_foreign_one_is_left_alone(clashing, tmp_path):
    def some(*rows):
        return export(Selection.of(clashing, np.array(rows)), ExportRequest("imagefolder", tmp_path / "out"))

    some(0, 1)
    some(2, 3, 4)
    assert len((tmp_path / "out/metadata.csv").read_text().splitlines()) == 6
    (tmp_path / "out/metadata.csv").write_text("something,else\n1,2\n")
    with pytest.raises(UserError, match="no column file_name"):
        some(0)


@pytest.mark.parametrize("out", ["photos/out", "c.gelato/out"])
def test_copies_never_go_where_the_next_build_finds_them(out, clashing, tmp_path):
    with pytest.raises(UserError, match="lies inside"):
        run(clashing, "folders", tmp_path / out)


def test_tables_say_the_same_in_every_format(clashing, tmp_path):
    id = clashing.items["id"][0]
    tag(clashing, [id], "one")
    tag(clashing, [id], "two")
    for kind in ("csv", "json", "parquet"):
        run(clashing, kind, tmp_path / f"t.{kind}", {0: "x"})
    rows = json.loads((tmp_path / "t.json").read_text(), parse_constant=pytest.fail)
    assert rows[0]["tags"] == ["one", "two"] and [row["label"] for row in rows] == ["x", "", "", "", ""]
    assert [row["path"] for row in rows] == clashing.items["path"].tolist()
    for table in (pd.read_csv(tmp_path / "t.csv"), pd.read_parquet(tmp_path / "t.parquet")):
        assert table["id"].tolist() == [row["id"] for row in rows]
        assert table["tags"][0] == "one; two" and table["label"][0] == "x"


def test_columns_of_the_source_called_as_ours_are_kept_under_another_name(tmp_path, encoder):
    paint(tmp_path / "a.png", "red")
    (tmp_path / "t.csv").write_text("path,tags,label\na.png,theirs,cat\n")
    build_collection([tmp_path / "t.csv"], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    tag(collection, [collection.items["id"][0]], "ours")
    run(collection, "json", tmp_path / "t.json", {0: "dog"})
    [row] = json.loads((tmp_path / "t.json").read_text())
    assert (row["tags"], row["label"]) == (["ours"], "dog")
    assert (row["source_tags"], row["source_label"]) == ("theirs", "cat")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("../../etc/passwd", ("etc", "passwd")),
        ("/data/a.jpg", ("data", "a.jpg")),
        ("C:\\photos\\a.jpg", ("C-", "photos", "a.jpg")),
        ("a//./b.jpg", ("a", "b.jpg")),
        ("a:b?.jpg", ("a-b-.jpg",)),
        ("-rf.jpg", ("_-rf.jpg",)),
        ("=1.jpg", ("_=1.jpg",)),
        ("con/aux.jpg", ("_con", "_aux.jpg")),
        ("folder./a.jpg", ("folder", "a.jpg")),
        ("a\nb.jpg", ("a-b.jpg",)),
        ("..", ("unnamed",)),
        ("Ünï/日本.jpg", ("Ünï", "日本.jpg")),
    ],
)
def test_no_name_leads_elsewhere_or_is_one_that_a_system_refuses(path, parts):
    assert safe_parts(path) == parts


def test_names_that_differ_in_case_or_unicode_form_are_one():
    names = Names()
    given = []
    for name in ("é.jpg", "É.JPG", "e\u0301.jpg", "é-id.jpg"):
        given.append(next(names.free((name,), "id"))[0])
        names.take((given[-1],))
    assert given == ["é.jpg", "É-id.JPG", "e\u0301-id-2.jpg", "é-id-id.jpg"]
    names.take(("x", "y.jpg"))
    assert next(names.free(("x",), "id")) == ("x-id",)  # a folder is called so
    names.take(("file",))
    assert next(names.free(("file", "a.jpg"), "id")) == ("file-id", "a.jpg")


def test_the_command_takes_filters_tags_and_labels(gelato, squares, tmp_path):
    gelato("build", squares, "--into", tmp_path / "c.gelato")
    collection = opened(tmp_path / "c.gelato")
    ids = dict(zip(collection.items["path"], collection.items["id"], strict=True))
    tag(collection, [ids["warm/red.png"], ids["cold/blue.gif"]], "print")

    def exported(*words):
        return json.loads(gelato("export", tmp_path / "c.gelato", *words, "--json").stdout)

    report = exported("--to", tmp_path / "tagged", "--format", "folders", "--tag", "print", "--where", "width == 40")
    assert (report["images"], report["written"]) == (2, 2)
    assert sorted(files(tmp_path / "tagged")) == ["cold/blue.gif", "warm/red.png"]
    exported(tmp_path / "by-class", "--format", "imagefolder", "--labels", "red,blue", "--filter", "folder=warm")
    assert sorted(files(tmp_path / "by-class")) == ["metadata.csv", "red/orange.webp", "red/red.png"]
    exported(tmp_path / "by-column", "--format", "folders", "--labels", "folder")
    assert {name.partition("/")[0] for name in files(tmp_path / "by-column")} == {"warm", "cold"}
    correct(collection, ids["cold/grey.tiff"], "fog")
    exported(tmp_path / "mine", "--format", "folders", "--labels", "corrections")
    assert "fog/grey.tiff" in files(tmp_path / "mine") and "unlabelled/red.png" in files(tmp_path / "mine")
    gelato("label", tmp_path / "c.gelato", "--classes", "red,blue", "--out", tmp_path / "labels.csv")
    exported(tmp_path / "of-file", "--format", "folders", "--labels", tmp_path / "labels.csv")
    assert "blue/blue.gif" in files(tmp_path / "of-file")


def test_the_command_says_in_one_line_what_makes_no_sense(gelato, squares, tmp_path):
    gelato("build", squares, "--into", tmp_path / "c.gelato")
    for words, said in (
        (("--format", "csv"), "Say where the export goes"),
        ((tmp_path / "a", "--to", tmp_path / "b"), "given twice"),
        ((tmp_path / "x", "--format", "zip", "--link"), "--link makes hard links"),
        ((tmp_path / "x", "--where", "width > 0"), ""),
        ((tmp_path / "y", "--where", "width > 50"), "exports whole collections"),
        ((tmp_path / "x", "--format", "csv", "--labels", tmp_path / "no.csv"), "neither a file nor a column"),
    ):
        result = gelato("export", tmp_path / "c.gelato", *words, code=1 if said else 0)
        assert said in result.stderr and result.stderr.count("\n") <= 1
    for path in squares.rglob("*.*"):
        path.unlink()
    result = gelato("export", tmp_path / "c.gelato", tmp_path / "z", "--format", "folders", code=1)
    assert "5 not exported: its file is gone" in result.stdout
