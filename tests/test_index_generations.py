"""The same collection by another encoder: made beside the one that serves, switched to, gone back from, deleted."""

import io
import json
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from index.ingest import engine
from index.ingest import reencode as reencoding
from index.ingest.reencode import reencode_collection
from index.ingest.shared_pixels import SharedPixels
from index.maintenance.generations import back, delete, find_generation, generations, switch
from index.maintenance.remove import remove_images
from index.maintenance.undo import undo_last
from index.maintenance.verify import find_faults
from index.nearest import load_nearest
from index.storage.corrections import correct, read_corrections
from index.storage.layout import FROM_PREVIEW, STAMP
from index.storage.reset import reset_if_stale
from index.storage.segments import VECTORS
from index.storage.tags import read_tags, tag
from index.storage.writer import Writer
from tests.samples import ColourEncoder, WarmthEncoder, find, paint
from training.data.pipeline import decode, embed_bytes
from training.models.errors import UserError
from training.models.preprocess import Preprocessing
from training.models.runtime import Batching

WARMTH, COLOUR = WarmthEncoder.fingerprint, ColourEncoder.fingerprint


@pytest.fixture
def collection(squares, tmp_path, encoder) -> Path:
    build_collection([squares], tmp_path / "c.gelato", encoder, segment_size=2)
    return tmp_path / "c.gelato"


class OneByOne(WarmthEncoder):
    """Embeds one image a call, so that it can be stopped between two of five."""

    batching = Batching(1, 1)


def begun(path: Path) -> int:
    """Begin a generation and stop before it is whole; how many images were embedded."""
    asked = count()
    report = reencode_collection(path, OneByOne(), segment_size=1, stop=lambda: next(asked) >= 1)
    assert report.stopped and 0 < report.embedded < 5
    return report.embedded


def vectors_of(path: Path, source: Path, encoder: ColourEncoder, generation: str = "") -> None:
    """Every row's vector is that of its file, and the rows are those of the files."""
    opened = Collection.open(path, generation)
    files = {str(file.relative_to(source)): file for file in source.rglob("*.*")}
    assert sorted(opened.column("path")) == sorted(files)
    images = [Image.open(io.BytesIO(files[name].read_bytes())) for name in opened.column("path")]
    assert np.allclose(opened.vectors, encoder.embed_images(images), atol=2e-3)


def test_everything_but_the_vectors_is_as_it_was(collection, squares, encoder):
    before = Collection.open(collection)
    red = before.column("id")[list(before.column("path")).index("warm/red.png")]
    tag(before, [red], "sunset")
    correct(before, red, "ball")
    thumbnails = {file: file.read_bytes() for file in collection.glob("thumbnails/*/*")}
    report = reencode_collection(collection, WarmthEncoder())
    assert (report.images, report.embedded, report.ready, report.from_thumbnails) == (5, 5, True, 0)
    assert before.refreshed() is before  # who searches sees nothing of it
    switch(collection, WARMTH)
    after = before.refreshed()
    assert (after.encoder_name, after.dim, after.revision > before.revision) == ("warmth", 4, True)
    assert after.stored.equals(before.stored)
    assert [len(part) for part in after.parts] == [len(part) for part in before.parts]
    vectors_of(collection, squares, WarmthEncoder())
    assert read_tags(collection) == {red: ["sunset"]} and read_corrections(collection) == {red: "ball"}
    assert thumbnails == {file: file.read_bytes() for file in collection.glob("thumbnails/*/*")}
    assert load_nearest(after).index is not None  # made with the generation, and valid after the switch
    assert find(after, WarmthEncoder(), "red")[0].id == red
    assert not find_faults(collection)
    assert back(collection) == "colour"
    vectors_of(collection, squares, encoder)
    assert load_nearest(Collection.open(collection)).index is not None


def test_an_open_collection_stays_readable_while_it_is_switched_and_deleted(collection, squares):
    opened = Collection.open(collection)
    reencode_collection(collection, WarmthEncoder())
    switch(collection, WARMTH)
    delete(collection, COLOUR)
    assert len(np.asarray(opened.vectors)) == len(opened.stored) == 5
    assert opened.refreshed().dim == 4
    assert [one.state for one in generations(collection)] == ["serving"]
    with pytest.raises(UserError, match="always searched by warmth, or what it was before was deleted"):
        back(collection)
    build_collection([squares], collection, WarmthEncoder())
    assert not find_faults(collection)


def added(collection, squares):
    paint(squares / "new.png", "blue", (20, 20))


def removed(collection, squares):
    (squares / "warm/red.png").unlink()


def changed(collection, squares):
    paint(squares / "warm/red.png", (1, 2, 200), (33, 33))


def moved(collection, squares):
    (squares / "warm/red.png").rename(squares / "elsewhere.png")


def copied(collection, squares):
    shutil.copy(squares / "warm/red.png", squares / "copy.png")


def captioned(collection, squares):
    (squares / "warm/red.txt").write_text("a red square")


def taken_out_and_back(collection, squares):
    remove_images(collection, where="path == 'warm/red.png'")
    undo_last(collection)


def forgotten(collection, squares):
    (squares / "warm/red.png").unlink()
    remove_images(collection, where="path == 'warm/red.png'", forgetting=True)


def all_of_them(collection, squares):
    for change in (added, changed, copied):
        change(collection, squares)
    (squares / "cold/blue.gif").rename(squares / "blue.gif")
    (squares / "cold/grey.tiff").unlink()


SINGLE = [added, removed, changed, moved, copied, captioned, taken_out_and_back, forgotten]
CHANGES = [all_of_them, *(pytest.param(change, marks=pytest.mark.slow) for change in SINGLE)]


@pytest.mark.parametrize("when", ["during", "before going on", "after"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: getattr(change, "__name__", ""))
def test_builds_and_removals_in_between_are_caught_up_with(collection, squares, encoder, change, when):
    """when: while the encoder is at work, between two calls, or when the generation was ready."""

    def now() -> None:
        change(collection, squares)
        build_collection([squares], collection, encoder)
        tag(Collection.open(collection), [Collection.open(collection).column("id")[0]], "seen")

    class Interrupted(WarmthEncoder):
        def embed_pixels(self, pixels):
            if not self.embedded and when == "during":
                self.embedded = 1
                now()
            return super().embed_pixels(pixels)

    if when == "before going on":
        begun(collection)
        now()
    reencode_collection(collection, Interrupted(), segment_size=2)
    if when == "after":
        now()
        reencode_collection(collection, WarmthEncoder())
    rows = Collection.open(collection).stored
    switch(collection, WARMTH)
    after = Collection.open(collection)
    assert after.stored.equals(rows)
    vectors_of_images(after, squares)
    assert list(read_tags(collection).values()) == [["seen"]]
    assert not find_faults(collection)
    report = build_collection([squares], collection, WarmthEncoder())
    assert (report.embedded, report.added, report.removed) == (0, 0, 0)


def vectors_of_images(opened: Collection, source: Path) -> None:
    images = [Image.open(io.BytesIO((source / name).read_bytes())) for name in opened.column("path")]
    assert np.allclose(opened.vectors, WarmthEncoder().embed_images(images), atol=2e-3)


def test_encoders_after_one_another_read_and_decode_each_image_once(collection, squares, monkeypatch):
    class Small(WarmthEncoder):
        preprocessing = Preprocessing(8)

    decoded = []
    monkeypatch.setattr(engine, "decode", lambda data, *rest: decoded.append(data) or decode(data, *rest))
    shared = SharedPixels()
    for name, expected in (("first", 5), ("second", 5), ("third", 6)):
        encoder = Small()
        encoder.name, encoder.fingerprint = name, f"{name:0<16}"
        if name == "third":
            paint(squares / "warm/red.png", "red", (33, 33))  # another file in the place of one
            build_collection([squares], collection, ColourEncoder())
            expected += len(decoded) - 5  # what the build decoded
        assert reencode_collection(collection, encoder, engine=shared).ready
        assert len(decoded) == expected and encoder.embedded == 5
        alone = Small()
        opened = Collection.open(collection, encoder.fingerprint)
        files = [(squares / path).read_bytes() for path in opened.column("path")]
        assert np.allclose(opened.vectors, np.stack([embed_bytes(data, alone) for data in files]), atol=2e-3)


def test_an_embedding_alone_makes_neither_thumbnails_nor_hashes_of_what_is_shown(collection, monkeypatch):
    for name in ("thumbnail", "perceptual_hash", "pixel_hash"):
        monkeypatch.setattr(engine, name, lambda *_, name=name: pytest.fail(f"{name} is not needed"))
    assert reencode_collection(collection, WarmthEncoder()).embedded == 5


def test_a_copy_and_a_moved_file_are_not_embedded_twice(collection, squares, encoder):
    copied(collection, squares)
    build_collection([squares], collection, encoder)
    other = WarmthEncoder()
    reencode_collection(collection, other)
    assert other.embedded == 5
    moved(collection, squares)
    build_collection([squares], collection, encoder)
    reencode_collection(collection, other)
    assert other.embedded == 5


def test_stopped_work_goes_on_from_its_last_segment(collection):
    embedded, second = begun(collection), WarmthEncoder()
    [_, pending] = generations(collection)
    assert pending.state == "partial" and pending.images == embedded
    with pytest.raises(UserError, match=r"of the 5 images have no embedding by warmth yet; first: .* reencode"):
        switch(collection, WARMTH)
    assert reencode_collection(collection, second).ready
    assert embedded + second.embedded == 5


def test_files_out_of_reach_are_embedded_from_thumbnails_until_they_return(collection, squares, tmp_path):
    shutil.move(squares, tmp_path / "drive")
    report = reencode_collection(collection, WarmthEncoder())
    assert (report.ready, report.from_thumbnails, report.missing) == (True, 5, 0)
    switch(collection, WARMTH)
    opened = Collection.open(collection)
    assert set(opened.column(STAMP)) == {FROM_PREVIEW}
    assert "red" in opened.column("path")[opened.row(find(opened, WarmthEncoder(), "red")[0].id)]
    shutil.move(tmp_path / "drive", squares)
    ids = set(opened.column("id"))
    assert build_collection([squares], collection, WarmthEncoder()).embedded == 5
    again = Collection.open(collection)
    assert set(again.column("id")) == ids and FROM_PREVIEW not in set(again.column(STAMP))
    vectors_of(collection, squares, WarmthEncoder())


def test_a_later_call_embeds_files_that_came_back(collection, squares, tmp_path):
    shutil.move(squares, tmp_path / "drive")
    reencode_collection(collection, WarmthEncoder())
    shutil.move(tmp_path / "drive", squares)
    report = reencode_collection(collection, WarmthEncoder())
    assert (report.embedded, report.from_thumbnails) == (5, 0)
    vectors_of(collection, squares, WarmthEncoder(), WARMTH)


def test_an_image_without_file_and_thumbnail_keeps_a_generation_from_being_ready(collection, squares):
    (squares / "warm/red.png").unlink()
    opened = Collection.open(collection)
    opened.thumbnail(opened.column("id")[list(opened.column("path")).index("warm/red.png")]).unlink()
    report = reencode_collection(collection, WarmthEncoder())
    assert (report.ready, report.missing, report.embedded) == (False, 1, 4)
    with pytest.raises(UserError, match="1 of the 5 images have no embedding by warmth"):
        switch(collection, WARMTH)
    remove_images(collection, where="path == 'warm/red.png'")
    switch(collection, WARMTH)
    assert len(Collection.open(collection)) == 4


def test_removed_images_leave_the_other_generations_too(collection):
    reencode_collection(collection, WarmthEncoder())
    remove_images(collection, where="path == 'warm/red.png'", forgetting=True)
    assert "warm/red.png" not in set(Collection.open(collection, WARMTH).column("path"))


def test_one_process_at_a_time_writes_a_generation_and_another_may_build(collection, squares, encoder):
    begun(collection)
    added(collection, squares)
    with Writer(collection, generation=WARMTH):
        for refused in (
            lambda: reencode_collection(collection, WarmthEncoder()),
            lambda: switch(collection, WARMTH),
            lambda: delete(collection, WARMTH),
        ):
            with pytest.raises(UserError, match="is being written by another process"):
                refused()
        report = build_collection([squares], collection, encoder)
        assert report.added == 1 and any("without an embedding by warmth" in note for note in report.notes)
    with Writer(collection), pytest.raises(UserError, match="is being written by another process"):
        reencode_collection(collection, WarmthEncoder())
        switch(collection, WARMTH)


REFUSALS = {
    "the same encoder": (lambda path: reencode_collection(path, ColourEncoder()), "is embedded with colour already"),
    "no collection": (lambda path: reencode_collection(path / "no", WarmthEncoder()), "does not exist"),
    "an unknown generation": (lambda path: find_generation(path, "clip"), "has no embeddings by 'clip', only by"),
    "what serves": (lambda path: delete(path, COLOUR), "searched by that one; switch to another one first"),
    "a switch to what serves": (lambda path: switch(path, COLOUR), "is searched by colour already"),
    "a switch to nothing": (lambda path: switch(path, "ffff"), "has no embeddings by the encoder ffff"),
    "no way back": (back, "always searched by colour"),
    "its build": (lambda path: build_collection([path.parent / "squares"], path, WarmthEncoder()), "index reencode"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(collection, case):
    act, sentence = REFUSALS[case]
    before = sorted(file.relative_to(collection) for file in collection.rglob("*"))
    with pytest.raises(UserError, match=sentence):
        act(collection)
    assert sorted(file.relative_to(collection) for file in collection.rglob("*")) == before


def test_a_full_disk_and_a_read_only_one_are_sentences(collection, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(reencoding, "bytes_needed", lambda *_: 10**18)
        with pytest.raises(UserError, match=r"has room for [\d,]+ MB and embeddings by another encoder take about"):
            reencode_collection(collection, WarmthEncoder())

    def refused(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refused)
    for act in (lambda: reencode_collection(collection, WarmthEncoder()), lambda: switch(collection, WARMTH)):
        with pytest.raises(UserError, match="cannot be written: Read-only file system"):
            act()


def test_verify_names_the_damage_of_a_generation_and_the_rest_is_sound(collection):
    reencode_collection(collection, WarmthEncoder())
    [file] = list(Collection.open(collection, WARMTH).home.glob(f"segments/*/{VECTORS}"))[:1]
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    [fault] = find_faults(collection)
    assert fault.where.startswith("generations/") and fault.kind == "bit rot"
    assert f"--delete {WARMTH[:8]}, then reencode" in fault.repair
    with Writer(collection) as writer:
        assert not writer.manifest.home
    delete(collection, WARMTH)
    assert not find_faults(collection)


def test_a_cached_collection_that_is_begun_anew_keeps_nothing_of_a_generation_that_served(collection, squares):
    reencode_collection(collection, WarmthEncoder())
    switch(collection, WARMTH)
    newer = WarmthEncoder()
    newer.fingerprint = "f" * 16
    assert reset_if_stale(collection, newer)
    build_collection([squares], collection, newer)
    assert not find_faults(collection)
    assert len(generations(collection)) == 1


def test_an_older_version_refuses_a_switched_collection_instead_of_repairing_it(collection):
    reencode_collection(collection, WarmthEncoder())
    assert json.loads((collection / "manifest.json").read_bytes())["format"] == 1
    switch(collection, WARMTH)
    assert json.loads((collection / "manifest.json").read_bytes())["format"] == 2


def test_the_commands_say_what_they_did_as_text_and_as_json(collection, monkeypatch):
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: WarmthEncoder())

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli, [words[0], str(collection), *words[1:]])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert "Next: python -m index generations" in run("reencode", "--encoder", "warmth")
    document = json.loads(run("generations", "--json"))
    assert [(one["encoder"], one["state"]) for one in document["generations"]] == [
        ("colour", "serving"),
        ("warmth", "ready"),
    ]
    assert "also by   warmth" in run("info")
    assert "is searched by warmth now" in run("generations", "--switch", "warmth")
    assert json.loads(run("info", "--json"))["encoder"] == "warmth"
    assert "is searched by colour again" in run("generations", "--back")
    assert "were deleted" in run("generations", "--delete", WARMTH[:8])
    assert json.loads(run("reencode", "--encoder", "warmth", "--switch", "--json"))["ready"]
    assert json.loads(run("generations", "--json"))["generations"][0]["encoder"] == "warmth"
    both = CliRunner().invoke(cli, ["generations", str(collection), "--back", "--delete", "x"])
    assert both.exit_code == 2 and "Give one of" in both.output


@pytest.mark.parametrize("stride", [15, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_at_any_step_leaves_a_whole_collection_and_work_that_goes_on(tmp_path, stride):
    """Every rename, deletion and new folder of a re-embedding, a switch, a way back and a deletion is cut off once."""
    command = [sys.executable, "-m", "tests.killing_generations", str(tmp_path), str(stride)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["steps"] > 40 and found["kills"] >= found["steps"] // stride
