"""Every file of a source is in exactly one count, and everyone is told of those that gave no image."""

import json
import os
from collections import Counter

import pandas as pd
import pytest
from click.testing import CliRunner

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.storage.info import files_of
from tests.library import make_library
from tests.samples import paint
from training.data.sources import open_source
from training.models.errors import UserError


def everything(folder):
    """A folder with files of every kind."""
    paint(folder / "a.jpg", "red")
    (folder / "b.jpg").write_bytes((folder / "a.jpg").read_bytes())
    paint(folder / "trip/c.png", "blue")
    (folder / "trip/broken.png").write_text("no image")
    for name in (
        "drawing.xcf",
        "clip.mp4",
        "notes.pdf",
        "a.xmp",
        "A.JPG.json",
        "trip/c.txt",
        "list.csv",
        ".hidden.jpg",
    ):
        (folder / name).write_text("text")
    for name in ("@eaDir/thumb.jpg", "@eaDir/deep/thumb.jpg", "#recycle/old.jpg", "Thumbs.db"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("text")
    os.link(folder / "a.jpg", folder / "z.jpg")
    return folder


COUNTS = {
    "embedded": 2,
    "unchanged": 0,
    "unreadable": 1,
    "unsupported format": 1,
    "excluded": 5,
    "sidecar": 3,
    "video": 1,
    "duplicate": 2,
    "other file": 2,
}


def test_every_file_is_in_exactly_one_count_at_the_first_build_and_the_next(tmp_path, encoder):
    folder, into = everything(tmp_path / "photos"), tmp_path / "c.gelato"
    files = sum(len(names) for _, _, names in os.walk(folder))
    report = build_collection([folder], into, encoder)
    assert report.files == {"total": files} | COUNTS
    again = build_collection([folder], into, encoder)
    assert again.files == {"total": files} | COUNTS | {"embedded": 0, "unchanged": 2}
    opened = Collection.open(into)
    assert files_of(opened) == again.files
    rules = {group.reason: group.files for group in opened.passed_over if group.kind == "excluded"}
    assert rules == {"@eaDir/": 2, "#recycle/": 1, "Thumbs.db": 1, "hidden files": 1}


def test_the_list_of_failures_gives_kind_and_reason_of_all_but_sidecars(tmp_path, encoder):
    folder, into = everything(tmp_path / "photos"), tmp_path / "c.gelato"
    build_collection([folder], into, encoder)
    table = pd.read_csv(into / "failures.csv")
    assert list(table.columns) == ["source", "path", "kind", "reason"]
    kinds = table.set_index("path")["kind"].to_dict()
    assert kinds == {
        "trip/broken.png": "unreadable",
        "drawing.xcf": "unsupported format",
        "clip.mp4": "video",
        "notes.pdf": "other file",
        "list.csv": "other file",
        "z.jpg": "duplicate",
        "'@eaDir/": "excluded",
        "#recycle/": "excluded",
        "Thumbs.db": "excluded",
        ".hidden.jpg": "excluded",
    }
    assert table["reason"].str.len().gt(4).all()


def test_the_commands_never_say_the_number_of_images_alone(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: encoder)
    folder, into = everything(tmp_path / "photos"), tmp_path / "c.gelato"
    run = CliRunner().invoke(cli, ["build", str(folder), "--into", str(into)])
    reason = "1: an image in a format that is not read (GIMP)"
    passed = f"1 unreadable, 1 of an unsupported format ({reason}), 5 excluded (2 by @eaDir/, "
    assert run.exit_code == 0 and passed in run.output, run.output
    assert "3 sidecars, 1 video, 1 duplicate, 2 other files" in run.output
    assert "1 table lies here too; name it as a source of its own." in run.output
    assert passed in CliRunner().invoke(cli, ["info", str(into)]).output
    document = json.loads(CliRunner().invoke(cli, ["info", str(into), "--json"]).stdout)
    assert document["files"]["video"] == 1 and sum(document["files"].values()) == 2 * document["files"]["total"]
    document = json.loads(CliRunner().invoke(cli, ["build", str(folder), "--into", str(into), "--json"]).stdout)
    assert document["files"]["excluded"] == 5
    assert {"kind": "excluded", "reason": "@eaDir/", "files": 2} in document["passed_over"]


def test_a_source_of_which_nothing_could_be_read_exits_with_1_and_the_reasons_counted(tmp_path, encoder, monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: encoder)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_text("no image")
    (tmp_path / "photos/b.mp4").write_text("no image")
    run = CliRunner().invoke(cli, ["build", str(tmp_path / "photos"), "--into", str(tmp_path / "c.gelato")])
    assert run.exit_code == 1
    assert "could be read as an image: 1 unreadable, 1 video; the first: a.jpg: " in run.output
    (tmp_path / "photos/a.jpg").unlink()
    with pytest.raises(UserError, match="has no images in it: 1 video; nothing was changed"):
        build_collection([tmp_path / "photos"], tmp_path / "d.gelato", encoder)


def test_the_list_of_an_earlier_version_is_read_as_unreadable_images(tmp_path, squares, encoder):
    into = tmp_path / "c.gelato"
    build_collection([squares], into, encoder)
    (into / "failures.csv").write_text("source,path,reason\n/x,a.jpg,cut short\n")
    assert Collection.open(into).failures.to_dict("records") == [
        {"source": "/x", "path": "a.jpg", "kind": "unreadable", "reason": "cut short"}
    ]
    build_collection([squares], into, encoder)
    assert list(Collection.open(into).failures["path"]) == ["a.jpg"]


def test_of_a_library_as_people_have_them_every_file_is_in_exactly_one_count(tmp_path, encoder):
    folder, into = tmp_path / "library", tmp_path / "c.gelato"
    expected = make_library(folder)
    on_disk = {
        os.path.relpath(os.path.join(top, name), folder).replace(os.sep, "/")
        for top, _, names in os.walk(folder)
        for name in names
    }
    assert set(expected) == on_disk and len(on_disk) >= 300
    report = build_collection([folder], into, encoder)
    table = what_became_of(folder, into, on_disk)
    assert {path: kinds for path, kinds in table.items() if kinds != [expected[path]]} == {}
    counts = Counter(kind for kinds in table.values() for kind in kinds)
    counts["embedded"] = counts.pop("image")
    assert report.files == {"total": len(on_disk), "unchanged": 0} | {
        kind: counts[kind] for kind in report.files if kind not in ("total", "unchanged")
    }
    again = build_collection([folder], into, encoder)
    assert again.files == report.files | {"embedded": 0, "unchanged": report.files["embedded"]}
    assert again.embedded == 0


def what_became_of(folder, into, on_disk):
    """Of every file, all the counts that it is in: by the rows, by the source and by the list of failures."""
    found = {path: [] for path in on_disk}
    opened = Collection.open(into)
    rows = opened.frame(["path", "hash"])
    for path, copy in zip(rows["path"], rows["hash"].duplicated(), strict=True):
        found[path].append("duplicate" if copy else "image")
    failures = opened.failures
    for path in failures["path"][failures["kind"] == "unreadable"]:
        found[path].append("unreadable")
    source = open_source(folder)
    list(source)
    for one in source.passed_over:
        for path in [p for p in on_disk if p == one.path or (one.path.endswith("/") and p.startswith(one.path))]:
            found[path] += [one.kind] if one.files else []
    return found
