"""Windows, simulated: names that it refuses, names that it takes for one, and paths that are too long for it."""

import ast
import io
import json
import ntpath
import os
import re
import sqlite3
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from index.build import build_collection
from index.collection import Collection
from index.export.export import ExportRequest, export
from index.export.results import Results, results_zip
from index.export.selection import Selection
from index.label import label_collection
from index.labels.export import sorting_script
from index.labels.request import LabelRequest
from index.maintenance.verify import find_faults
from index.query import parse_query
from index.search import SearchRequest, hits_of, search
from index.storage.annotations import sqlite_address
from index.storage.tags import tag
from tests.samples import ColourEncoder, noise_image
from training.data.sources import names_dataset
from training.models import atomic, file_names
from training.models.atomic import is_abandoned, temporary_name, write_file
from training.models.file_names import LONGEST, distinct_names, extended, safe_name
from training.models.zero_shot import parse_classes

HOSTILE = (
    *("con", "NUL.png", "Aux .jpg", "COM1", "com¹.png", "LPT9.tar.gz", "CONIN$", "prn.", "nul.txt.", "con ..png"),
    *("a:b.png", "a<b>.png", 'say "x".png', "a|b?.png", "*.png", "a\\b.png", "tab\there.png", "end. . .", " lead.png"),
    *("", ".", "..", "...", "/", "\\", "é" * 300 + ".jpeg", "x" * 300, "日" * 90 + ".png", "\x7f"),
    *("C:\\Users\\x.png", "\\\\server\\share\\x.png", "../../etc/passwd", "-rf.png", "=cmd|'/c calc'!A1"),
)


def is_refused(name: str) -> bool:
    """Whether Windows does not take name as that of one file or folder, by the rules of Python's own path class."""
    whole = PureWindowsPath(name)
    alone = len(whole.parts) == 1 and not whole.drive and not whole.root
    shape = (
        not alone
        or name in (".", "..")
        or name != name.rstrip(". ")
        or set(name) & {*'<>:"|?*/\\', *map(chr, range(32))}
    )
    return bool(shape or whole.is_reserved() or len(os.fsencode(name)) > 255)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("./\\:conaux1lpt ²*$")), max_size=400))
@example("con")
def test_any_text_gives_a_name_that_windows_takes(text):
    assert not is_refused(safe_name(text)) and safe_name(safe_name(text)) == safe_name(text)


def test_names_that_windows_refuses_are_changed_and_others_are_not():
    for name in HOSTILE:
        assert is_refused(name) or name.strip() != name or name.startswith(("-", "=", "\x7f"))
        assert not is_refused(safe_name(name)) and safe_name(safe_name(name)) == safe_name(name)
    assert safe_name("Ünter dem Łódź 東京 🍨.png") == "Ünter dem Łódź 東京 🍨.png"


def test_a_name_that_is_cut_keeps_its_ending():
    assert safe_name("é" * 300 + ".jpeg") == "é" * 97 + ".jpeg"
    assert len(safe_name("x" * 300)) == LONGEST and safe_name("a." + "b" * 300).startswith("a.bbb")


def test_names_that_windows_takes_for_one_become_two():
    names = ["Cat", "cat", "CAT", "a/b", "a-b", "e\u0301", "é", "con", "_CON", "cat-2"]
    given = distinct_names(names)
    assert len({name.casefold() for name in given}) == len(names) and given[0] == "Cat" and given[3] == "a-b"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A collection of files whose names another system gave."""
    folder = tmp_path_factory.mktemp("hostile")
    names = [n for n in HOSTILE if "/" not in n and n.strip(".") and len(os.fsencode(n)) < 240]
    for number, name in enumerate([*names, "same.png", "SAME.png"]):
        place = folder / "images" / ("Nul" if number % 2 else "aux.") / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(place)
    build_collection([folder / "images"], folder / "c.gelato", ColourEncoder())
    collection = Collection.open(folder / "c.gelato")
    tag(collection, list(collection.column("id")), "Ünter: den | Linden?")
    return Collection.open(folder / "c.gelato")


LABELS = ("Cat", "cat", "con", "a/b", "a-b", "..", "trailing. ")


def written(kind: str, collection: Collection, out: Path) -> list[str]:
    """The names of what an export wrote, with / between their parts."""
    every = np.arange(len(collection))
    labels = {row: LABELS[row % len(LABELS)] for row in every.tolist()} if kind in ("imagefolder", "classes") else None
    if kind == "thumbnails":
        hits = hits_of(collection, list(collection.column("id")))
        return zipfile.ZipFile(io.BytesIO(b"".join(results_zip(Results(collection, hits, True))))).namelist()
    if kind == "script":
        request = LabelRequest(tuple(parse_classes("Cat\ncat\ncon\nred/x")), ("{}",), calibration="uncalibrated")
        script = sorting_script(label_collection(collection, ColourEncoder(), request))
        rows = json.loads(ast.literal_eval(re.search(r"IMAGES = json.loads\((.*)\)  #", script)[1]))
        return ["/".join(row[2:]) for row in rows]
    report = export(
        Selection.of(collection, every, labels), ExportRequest("folders" if kind == "classes" else kind, out)
    )
    assert not report.not_exported
    if kind == "zip":
        return zipfile.ZipFile(out).namelist()
    return [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", ["folders", "classes", "imagefolder", "zip", "xmp", "thumbnails", "script"])
def test_whatever_is_exported_has_names_that_windows_takes_and_tells_apart(hostile, tmp_path, kind):
    names = written(kind, hostile, tmp_path / ("out.zip" if kind == "zip" else "out"))
    assert len(names) >= len(hostile)
    assert [name for name in names for part in name.split("/") if is_refused(part)] == []
    assert len({name.casefold() for name in names}) == len(names)
    if kind in ("classes", "imagefolder"):
        folders = {PurePosixPath(name).parts[0] for name in names if "/" in name}
        assert len({folder.casefold() for folder in folders}) == len(LABELS)


def test_a_drive_of_windows_is_no_dataset():
    assert not names_dataset(r"C:\Photos") and names_dataset("cifar10") and names_dataset(r"cifar10:C:\data")


@pytest.mark.parametrize(
    "path, whole",
    [
        (r"C:\a\b.png", r"\\?\C:\a\b.png"),
        ("C:/a//b/../c.png", r"\\?\C:\a\c.png"),
        (r"\\nas\share\a.png", r"\\?\UNC\nas\share\a.png"),
        (r"\\?\C:\a", r"\\?\C:\a"),
    ],
)
def test_a_path_with_the_long_prefix_means_the_same(path, whole):
    assert extended(path) == whole
    assert ntpath.isabs(whole) and PureWindowsPath(whole).name == PureWindowsPath(path).name


@pytest.mark.parametrize(
    "path, prefixed",
    [
        *((f"/photos/{name}", True) for name in ("NUL.jpg", "con/a.jpg", "Aux", "a./b.jpg", "b ", "lpt1.tar.gz", "x.")),
        *(
            (f"/photos/{name}", False)
            for name in ("null.jpg", "console/a.jpg", ".hidden", "a.b c.jpg", "../b.jpg", ".")
        ),
        ("/photos/" + "x" * 240, True),
    ],
)
def test_names_that_windows_takes_for_others_are_opened_with_the_long_prefix(monkeypatch, path, prefixed):
    monkeypatch.setattr(file_names, "WINDOWS", True)
    monkeypatch.setattr(file_names, "extended", lambda whole: PREFIX + whole)
    assert str(file_names.long_path(path)) == (PREFIX + path if prefixed else path)
    assert file_names.long_path(Path(path)) == Path(PREFIX + path if prefixed else path)


@pytest.mark.parametrize(
    "path, address",
    [
        (PureWindowsPath(r"C:\my photos\a.sqlite"), "file:///C:/my%20photos/a.sqlite?mode=rw"),
        (PureWindowsPath(r"\\nas\share\c#1\a.sqlite"), "file:////nas/share/c%231/a.sqlite?mode=rw"),
        (PurePosixPath("/home/é?/a.sqlite"), "file:///home/%C3%A9%3F/a.sqlite?mode=rw"),
    ],
)
def test_sqlite_opens_files_of_network_drives_by_their_address(path, address):
    assert sqlite_address(path, "rw") == address
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):  # and not: invalid uri authority
        sqlite3.connect(address, uri=True).execute("SELECT 1")


PREFIX = "//?"  # stands for \\?\ here: on this system a path keeps two slashes at its beginning


@pytest.fixture
def short_paths(monkeypatch):
    """A file system that knows paths of 259 characters, and longer ones with the prefix alone; how many had it."""
    met = []

    def limited(name, module=os):
        real = getattr(module, name)

        def call(path, *rest, **more):
            if isinstance(path, int):
                return real(path, *rest, **more)
            rest = (seen(rest[0]), *rest[1:]) if name in ("replace", "link") else rest
            return real(seen(path), *rest, **more)

        monkeypatch.setattr(module, name, call)

    def seen(path):
        text = os.fspath(path)
        if text.startswith(PREFIX):
            met.append(text)
            return text.removeprefix(PREFIX)
        if len(os.path.abspath(text)) > 259:
            raise FileNotFoundError(2, "The system cannot find the path specified", text)
        return text

    for name in (
        "stat",
        "lstat",
        "scandir",
        "mkdir",
        "replace",
        "link",
        "unlink",
        "open",
        "listdir",
        "utime",
        "chmod",
        "listxattr",
    ):
        limited(name)
    limited("open", io)
    monkeypatch.setattr("builtins.open", io.open)
    real = os.path.realpath
    kept = {True: PREFIX, False: ""}
    monkeypatch.setattr(os.path, "realpath", lambda p, **k: kept[str(p).startswith(PREFIX)] + real(seen(p), **k))
    monkeypatch.setattr(file_names, "WINDOWS", True)
    monkeypatch.setattr(file_names, "extended", lambda path: path if path.startswith(PREFIX) else PREFIX + path)
    return met


@pytest.mark.parametrize("kind", ["folders", "xmp", "beside", "link"])
def test_files_at_paths_longer_than_windows_takes_are_read_and_written(tmp_path, monkeypatch, request, kind):
    deep = tmp_path / "images" / "/".join(["a folder with quite a long name"] * 8)
    deep.mkdir(parents=True)
    for number in range(3):
        noise_image(number).save(deep / f"{number}.png")
    (deep / "0.txt").write_text("far down", encoding="utf-8")
    met = request.getfixturevalue("short_paths")
    report = build_collection([tmp_path / "images"], tmp_path / "c.gelato", ColourEncoder())
    assert report.images == 3 and report.files["total"] == 3 + 1 and met
    collection = Collection.open(tmp_path / "c.gelato")
    assert "far down" in set(collection.column("caption"))
    tag(collection, list(collection.column("id")), "deep")
    out = None if kind == "beside" else tmp_path / "out"
    form = {"link": "folders", "beside": "xmp"}.get(kind, kind)
    done = export(Selection.of(Collection.open(tmp_path / "c.gelato")), ExportRequest(form, out, link=kind == "link"))
    assert (done.written, done.not_exported) == (3, [])
    assert find_faults(tmp_path / "c.gelato") == []
    monkeypatch.undo()
    where = deep if kind == "beside" else tmp_path / "out"
    assert len(list(where.rglob("*.xmp" if kind in ("xmp", "beside") else "*.png"))) == 3


@pytest.fixture
def held_files(monkeypatch):
    """A system on which a file that is open or mapped can be neither replaced nor removed, as on Windows."""
    refused = []

    def guarded(name, at):
        real = getattr(os, name)

        def call(*paths, **more):
            if is_held(paths[at]):
                refused.append(str(paths[at]))
                raise PermissionError(13, "Access is denied", str(paths[at]))
            return real(*paths, **more)

        monkeypatch.setattr(os, name, call)

    def is_held(path):
        whole = os.path.realpath(path)
        opened = {os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")}
        return whole in opened or whole in Path("/proc/self/maps").read_text(encoding="utf-8")

    guarded("replace", 1)
    guarded("unlink", 0)
    monkeypatch.setattr(file_names, "WINDOWS", True)
    monkeypatch.setattr(file_names, "extended", lambda path: path)
    return refused


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux says what a process has open")
def test_a_collection_that_is_open_is_built_again_where_open_files_cannot_be_replaced(tmp_path, held_files):
    encoder = ColourEncoder()
    for number in range(4):
        (tmp_path / "images").mkdir(exist_ok=True)
        noise_image(number).save(tmp_path / f"images/{number}.png")
        build_collection([tmp_path / "images"], tmp_path / "c.gelato", encoder)
        opened = Collection.open(tmp_path / "c.gelato")
        request = SearchRequest(parse_query(f"{number}"))
        assert search(opened, encoder, request).hits[0].path == f"{number}.png"
    (tmp_path / "images/0.png").unlink()
    assert build_collection([tmp_path / "images"], tmp_path / "c.gelato", encoder).images == 3
    assert find_faults(tmp_path / "c.gelato") == [] and not [path for path in held_files if "segments" not in path]


def test_a_file_that_is_held_for_a_moment_is_replaced_and_one_that_stays_held_is_an_error(tmp_path, monkeypatch):
    times, real = [3], os.replace

    def busy(*paths):
        times[0] -= 1
        return real(*paths) if times[0] < 0 else (_ for _ in ()).throw(PermissionError(13, "Access is denied"))

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(atomic.time, "sleep", lambda _: None)
    with pytest.raises(PermissionError):
        write_file(tmp_path / "a", b"one")
    monkeypatch.setattr(file_names, "WINDOWS", True)
    monkeypatch.setattr(file_names, "extended", lambda path: path)
    times[0] = 3
    write_file(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    times[0] = 1000
    with pytest.raises(PermissionError):
        write_file(tmp_path / "a", b"three")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_name_as_long_as_systems_take_can_be_replaced_whole(tmp_path):
    path = tmp_path / ("é" * 120 + ".xmp")
    write_file(path, b"x")
    assert path.read_bytes() == b"x" and not is_abandoned(temporary_name(path))
    assert len(os.fsencode(temporary_name(path, ".xml").name)) <= 255
