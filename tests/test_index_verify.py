"""What a disk or a person can do to a collection is found, named and mended."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from index.build import build_collection
from index.collection import Collection
from index.maintenance.remove import remove_images
from index.maintenance.verify import find_faults
from index.storage.writer import Writer
from tests.samples import find, paint
from training.models.errors import UserError


@pytest.fixture
def into(tmp_path, squares, encoder):
    """Five squares in segments of two, two and one."""
    build_collection([squares], tmp_path / "squares.gelato", encoder, segment_size=2)
    return tmp_path / "squares.gelato"


def segments(into):
    return [name for name, _ in Collection.open(into).manifest.segments]


def rewrite(into, name, change):
    """Change a segment's rows or vectors as a faulty program would, with checksums to match."""
    folder = into / "segments" / name
    items, vectors = pd.read_parquet(folder / "items.parquet"), np.load(folder / "vectors.npy")
    items, vectors = change(items, vectors)
    items.to_parquet(folder / "items.parquet", index=False)
    np.save(folder / "vectors.npy", vectors)
    manifest = json.loads((into / "manifest.json").read_text())
    for segment in manifest["segments"]:
        if segment["name"] == name:
            segment["sha256"], segment["images"] = {}, len(items)
    (into / "manifest.json").write_text(json.dumps(manifest))


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    path.write_bytes(data)


def scaled(items, vectors):
    vectors[0] *= 1.1
    return items, vectors


def infinite(items, vectors):
    vectors[0, 0] = np.inf
    return items, vectors


def same_id(items, vectors):
    items["id"] = items["id"].iat[0]
    return items, vectors


def same_image(items, vectors):
    items["path"] = items["path"].iat[0]
    return items, vectors


def foreign_id(items, vectors):
    items["id"] = ["0" * 16, *items["id"][1:]]
    return items, vectors


def no_column(items, vectors):
    return items.drop(columns="hash"), vectors


DAMAGE = {
    "bit rot in vectors": ("bit rot", lambda into, name: flip_a_bit(into / "segments" / name / "vectors.npy")),
    "bit rot in rows": ("bit rot", lambda into, name: flip_a_bit(into / "segments" / name / "items.parquet")),
    "a file is gone": ("missing", lambda into, name: (into / "segments" / name / "items.parquet").unlink()),
    "a segment is gone": ("missing", lambda into, name: shutil.rmtree(into / "segments" / name)),
    "cut short": ("unreadable", lambda into, name: rewrite(into, name, no_column)),
    "not unit": ("not unit", lambda into, name: rewrite(into, name, scaled)),
    "not finite": ("not finite", lambda into, name: rewrite(into, name, infinite)),
    "an id twice": ("wrong id", lambda into, name: rewrite(into, name, same_id)),
    "an image twice": ("repeated image", lambda into, name: rewrite(into, name, same_image)),
    "an id of other content": ("wrong id", lambda into, name: rewrite(into, name, foreign_id)),
    "a thumbnail is gone": ("thumbnail", lambda into, name: next(into.glob("thumbnails/*/*.webp")).unlink()),
    "a thumbnail is cut": ("thumbnail", lambda into, name: next(into.glob("thumbnails/*/*.webp")).write_bytes(b"RIFF")),
    "the search structure": ("search", lambda into, name: (into / "search.faiss").write_bytes(b"none")),
    "the list of failures": ("failures", lambda into, name: (into / "failures.csv").write_bytes(b"a,b\n\xff,1")),
}


def test_a_collection_as_it_was_built_is_sound(into):
    assert find_faults(into) == []


def test_a_collection_stays_sound_through_changes(into, squares, encoder):
    paint(squares / "warm/red.png", "green", size=(24, 24))
    shutil.copy(squares / "cold/blue.gif", squares / "again.gif")
    (squares / "cold/grey.tiff").unlink()
    build_collection([squares], into, encoder)
    assert find_faults(into) == []


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_repaired_and_no_other_image_is_embedded_again(into, squares, encoder, damage):
    kind, inflict = DAMAGE[damage]
    whole = Collection.open(into).items.set_index("path")["hash"].to_dict()
    inflict(into, segments(into)[0])
    faults = find_faults(into)
    assert kind in {fault.kind for fault in faults}
    assert all("build SOURCE" in fault.repair and "\n" not in str(fault) for fault in faults)
    before = encoder.embedded
    report = build_collection([squares], into, encoder, repair=True)
    assert encoder.embedded - before == report.embedded == report.repaired <= 2
    assert find_faults(into) == []
    assert Collection.open(into).items.set_index("path")["hash"].to_dict() == whole
    assert find(Collection.open(into), encoder, "red", k=1)[0].path == "warm/red.png"


def test_a_repair_that_would_lose_images_of_another_source_changes_nothing(into, encoder, tmp_path):
    paint(tmp_path / "more/red2.png", "red", size=(9, 9))
    flip_a_bit(into / "segments" / segments(into)[0] / "vectors.npy")
    revision = Collection.open(into).revision
    with pytest.raises(UserError, match=r"squares too; name it as a further SOURCE"):
        build_collection([tmp_path / "more"], into, encoder, repair=True)
    assert Collection.open(into).revision == revision


@pytest.mark.parametrize(
    "text, message", [('{"format": 99}', "has format 99"), ("{", "corrupt"), (None, "is not a collection")]
)
def test_a_manifest_that_cannot_be_read_is_a_fault(into, text, message):
    (into / "manifest.json").write_text(text) if text else (into / "manifest.json").unlink()
    [fault] = find_faults(into)
    assert fault.kind == "manifest" and message in str(fault)


def test_a_collection_without_checksums_is_sound_and_gets_them_as_it_changes(into, squares, encoder):
    manifest = json.loads((into / "manifest.json").read_text())
    for segment in manifest["segments"]:
        del segment["sha256"]
    del manifest["last_segment"]
    (into / "manifest.json").write_text(json.dumps(manifest))
    assert find_faults(into) == []
    paint(squares / "new.png", "blue", size=(20, 20))
    build_collection([squares], into, encoder)
    now = Collection.open(into).manifest
    assert set(now.checksums[now.segments[-1][0]]) == {"vectors.npy", "items.parquet"}


def test_images_are_removed_by_id_and_by_filter_with_their_thumbnails(into, encoder):
    red = Collection.open(into).items.set_index("path").loc["warm/red.png", "id"]
    reader = Collection.open(into)
    assert remove_images(into, [red], dry=True).paths == ("warm/red.png",)
    assert len(Collection.open(into)) == 5
    assert remove_images(into, [red], 'folder == "cold"').removed == 4
    now = Collection.open(into)
    assert now.items["path"].tolist() == ["warm/orange.webp"]
    assert len(list(into.glob("thumbnails/*/*.webp"))) == 5  # kept, so that the removal can be undone
    assert find(now, encoder, "red", k=5)[0].path == "warm/orange.webp"
    assert find_faults(into) == []
    assert len(reader.items) == len(reader.vectors) == 5  # what is open stays as it was


def test_a_removal_that_cannot_be_done_changes_nothing(into):
    for ids, where, message in ((["x"], None, "no image x"), ([], "y > 1", "no column called"), ([], None, "Say")):
        with pytest.raises(UserError, match=message):
            remove_images(into, ids, where)
    with Writer(into), pytest.raises(UserError, match="being written by another process"):
        remove_images(into, where="width > 0")
    assert Collection.open(into).revision == 3


def test_a_segments_number_is_never_given_again(into, squares, encoder):
    last = segments(into)[-1]
    path = Collection.open(into).items["path"].iat[-1]
    remove_images(into, where=f'path == "{path}"')
    assert last not in segments(into)
    build_collection([squares], into, encoder)
    assert segments(into)[-1] > last
