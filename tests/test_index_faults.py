"""A collection under faults: kills at any instant, disks that are full or may not be written."""

import errno
import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.state import open_collection
from app.state.library import Library
from index.build import build_collection
from index.collection import Collection
from index.duplicates import find_duplicates
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.label import LabelRequest, label_collection
from index.maintenance.remove import remove_images
from index.maintenance.undo import undo_last
from index.maintenance.verify import find_faults
from index.storage.corrections import correct
from index.storage.layout import INDEX_FILE, INDEX_JSON, MANIFEST, TEXT_INDEX
from index.storage.tags import read_tags, tag
from tests.samples import ColourEncoder, find, paint
from training.models.errors import UserError
from training.models.zero_shot import parse_classes

ROOT = Path(__file__).parent.parent


def killed(folder, trials, seed, program="tests.killing"):
    command = [sys.executable, "-m", program, str(folder), str(trials), str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_kills_at_random_instants_lose_nothing_that_was_published(tmp_path):
    counted = killed(tmp_path, trials=4, seed=3)
    assert counted["killed"] + counted["finished"] == counted["read"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_kills_at_random_instants_lose_nothing_that_was_published(tmp_path, seed):
    counted = killed(tmp_path, trials=100, seed=seed)
    assert counted["killed"] > 30 and counted["partial"] > 10


def test_no_tag_that_was_stored_is_lost_by_kills_two_processes_or_a_full_disk(tmp_path):
    counted = killed(tmp_path, 6, 5, "tests.killing_tags")
    assert (counted["killed"], counted["full"]) == (6, 2)
    assert counted["stored"] > 0 and (counted["lost"], counted["half"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_no_tag_that_was_stored_is_lost_in_many_trials(tmp_path, seed):
    counted = killed(tmp_path, 150, seed, "tests.killing_tags")
    assert counted["stored"] > 500 and (counted["lost"], counted["half"]) == (0, 0)


class Failing:
    """The file system, of which the n-th write, sync, rename or new folder below a path fails, and all after it."""

    def __init__(self, monkeypatch, below: Path, at: int, number: int, half: bool):
        self.below, self.at, self.number, self.half, self.count = below, at, number, half, 0
        for name in ("replace", "mkdir", "rename"):
            monkeypatch.setattr(os, name, self.wrapped(getattr(os, name)))
        fsync = os.fsync
        monkeypatch.setattr(os, "fsync", lambda handle: (self.strike(), fsync(handle))[1])
        opened = io.open
        monkeypatch.setattr(io, "open", lambda file, mode="r", *a, **k: self.opened(opened, file, mode, *a, **k))

    @property
    def struck(self):
        return self.count > self.at

    def strike(self):
        self.count += 1
        if self.struck:
            raise OSError(self.number, os.strerror(self.number))

    def wrapped(self, real):
        def call(path, *words, **named):
            if str(path).startswith(str(self.below)):
                self.strike()
            return real(path, *words, **named)

        return call

    def opened(self, real, file, mode, *words, **named):
        ours = isinstance(file, str | os.PathLike) and str(file).startswith(str(self.below)) and "w" in mode
        if ours and self.number == errno.EROFS:
            self.strike()
        held = real(file, mode, *words, **named)
        return _Writing(held, self) if ours else held


class _Writing:
    """A file opened for writing whose writes may fail, half done."""

    def __init__(self, held, failing):
        self.held, self.failing = held, failing

    def write(self, data):
        try:
            self.failing.strike()
        except OSError:
            if self.failing.half:
                self.held.write(bytes(data)[: len(data) // 2])
                self.held.flush()
            raise
        return self.held.write(data)

    def __getattr__(self, name):
        return getattr(self.held, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.held.close()


FAULTS = {
    "disk full": (errno.ENOSPC, False),
    "short write": (errno.ENOSPC, True),
    "read-only": (errno.EROFS, False),
}


@pytest.fixture
def images(tmp_path):
    for number in range(6):
        paint(tmp_path / f"images/{number}.png", (number * 20, 255 - number, 7))
    return tmp_path / "images"


every = pytest.mark.parametrize("stride", [14, pytest.param(1, marks=pytest.mark.slow)])


@every
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_fails_at_any_write_or_rename_costs_no_finished_segment(
    images, tmp_path, fault, stride, monkeypatch
):
    number, half = FAULTS[fault]
    at, struck = list(FAULTS).index(fault), True
    while struck:
        into = tmp_path / f"{at}.gelato"
        encoder = ColourEncoder()
        with monkeypatch.context() as patched:
            failing = Failing(patched, into, at, number, half)
            try:
                build_collection([images], into, encoder, segment_size=2)
                assert not failing.struck
            except UserError as error:
                assert "cannot be written" in str(error) and failing.struck
        struck = failing.struck
        published = 0
        if (into / MANIFEST).exists():
            assert find_faults(into) == []
            published = len(Collection.open(into))
        before = encoder.embedded
        report = build_collection([images], into, encoder, segment_size=2)
        assert encoder.embedded - before == report.embedded == 6 - published
        assert report.images == 6 and find_faults(into) == []
        at += stride
    assert at > 30  # every write, sync, rename and folder of a whole build had its turn, or some of them


@every
@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_fails_in_a_removal_leaves_the_old_or_the_new(images, tmp_path, fault, stride, monkeypatch):
    number, half = FAULTS[fault]
    at, struck = list(FAULTS).index(fault), True
    while struck:
        into = tmp_path / f"{at}.gelato"
        build_collection([images], into, ColourEncoder(), segment_size=2)
        with monkeypatch.context() as patched:
            failing = Failing(patched, into, at, number, half)
            try:
                remove_images(into, where='path < "3.png"')
            except UserError as error:
                assert "cannot be written" in str(error)
        struck = failing.struck
        assert len(Collection.open(into)) in ((3, 6) if struck else (3,))
        assert find_faults(into) == []
        at += stride
    assert at > 8


def test_a_disk_that_is_full_is_said_in_one_sentence(images, tmp_path, monkeypatch, encoder):
    Failing(monkeypatch, tmp_path / "c.gelato", 9, errno.ENOSPC, False)
    with pytest.raises(UserError, match=r"c\.gelato cannot be written: No space left on device\. What was published"):
        build_collection([images], tmp_path / "c.gelato", encoder)


def test_a_folder_that_may_not_be_written_is_said_in_one_sentence(images, tmp_path, encoder, monkeypatch):
    mkdir = os.mkdir

    def refused(path, *rest, **more):  # as the system does to anyone but root
        if Path(path).is_relative_to(tmp_path / "shut"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        mkdir(path, *rest, **more)

    (tmp_path / "shut").mkdir()
    monkeypatch.setattr(os, "mkdir", refused)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        build_collection([images], tmp_path / "shut/c.gelato", encoder)


def make_read_only(monkeypatch, below: Path) -> None:
    """What is below a path can be read and not written, also by root."""
    fsync = os.fsync
    Failing(monkeypatch, below, 0, errno.EROFS, False)
    monkeypatch.setattr(os, "fsync", fsync)
    opened, connect = os.open, sqlite3.connect

    def refused(path, flags, *rest, **more):
        if str(path).startswith(str(below)) and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refused)
    read_only = re.compile(r"mode=rwc?")
    monkeypatch.setattr(sqlite3, "connect", lambda path, **more: connect(read_only.sub("mode=ro", path), **more))


@pytest.mark.parametrize("derived", ["stored", "missing"])
def test_a_collection_on_read_only_media_is_searched_labelled_and_shown(
    images, tmp_path, encoder, monkeypatch, derived
):
    into = tmp_path / "shut/c.gelato"
    build_collection([images], into, encoder)
    collection = Collection.open(into)
    first = str(collection.column("id").iat[0])
    tag(collection, [first], "mine")
    if derived == "missing":
        for name in (INDEX_FILE, INDEX_JSON, TEXT_INDEX):
            (into / name).unlink()
    make_read_only(monkeypatch, tmp_path / "shut")
    before = {path: path.stat().st_mtime_ns for path in into.rglob("*")}
    collection = Collection.open(into)
    assert len(find(collection, encoder, "red", k=6)) == 6 and read_tags(into)[first] == ["mine"]
    request = LabelRequest(tuple(parse_classes("red\nblue")), ("{}",), calibration="uncalibrated")
    assert sum(label_collection(collection, encoder, request).counts) == 6
    assert collection.thumbnail(first).read_bytes() and find_faults(into) == [] and not find_duplicates(collection)
    opened = Library(lambda name: encoder).add(into)
    assert len(opened.published()) == 6
    done = export(Selection.of(collection), ExportRequest("folders", tmp_path / "out"))
    assert done.written == 6
    for refused in (
        lambda: build_collection([images], into, encoder),
        lambda: build_collection([images], tmp_path / "shut/new.gelato", encoder),
        lambda: remove_images(into, where='path < "3.png"'),
        lambda: tag(collection, [first], "more"),
        lambda: correct(collection, first, "red"),
        lambda: undo_last(into),
    ):
        with pytest.raises(UserError, match=r"cannot be written: (Read-only file system|the folder may not)"):
            refused()
    assert {path: path.stat().st_mtime_ns for path in into.rglob("*")} == before


def test_a_running_page_picks_up_the_new_collection(images, tmp_path, encoder, monkeypatch):
    monkeypatch.setattr(open_collection, "REREAD_AFTER", 0.0)
    into = tmp_path / "c.gelato"
    build_collection([images], into, encoder)
    opened = Library(lambda name: encoder).add(into)
    assert len(opened.published()) == 6
    paint(images / "new.png", "red")
    build_collection([images], into, encoder)
    assert len(opened.published()) == 7
    assert find(opened.published(), encoder, "red", k=1)[0].path == "new.png"


def test_more_segments_than_a_process_may_hold_files_open(images, tmp_path, encoder):
    import resource

    into = tmp_path / "c.gelato"
    for number in range(6, 90):
        paint(images / f"{number}.png", (number, 255 - number, 7))
    build_collection([images], into, encoder, segment_size=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else soft - 100
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (held + 40, hard))
        collection = Collection.open(into)
        assert len(collection.items) == len(np.asarray(collection.vectors)) == 90
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
