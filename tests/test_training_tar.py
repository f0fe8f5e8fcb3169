"""Tar shards whatever wrote them: every member is part of a sample, or named."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from tests.samples import PALETTE, png_bytes
from training.data.dataset import ImageDataset
from training.data.shard_index import ShardIndex, index_shard
from training.data.shards import ShardSource
from training.data.sources import open_source

RED, BLUE, GREEN = (png_bytes(Image.new("RGB", (12, 12), PALETTE[name])) for name in ("red", "blue", "green"))


def write_tar(path, members, format=tarfile.GNU_FORMAT, mode="w"):
    """A tar of pairs of names and bytes; instead of bytes a text is what a symbolic link leads to."""
    with tarfile.open(path, mode, format=format) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return path


def both(path):
    """The items of a shard, which listing and indexing have to agree on, and its source after the iteration."""
    source = ShardSource(str(path), [path])
    items = list(source)
    good = [item for item in items if item.refusal is None]
    if good:
        index = ShardIndex(source)
        found = [index.item(number) for number in range(len(index))]
        assert [(i.path, i.stamp, i.modified, i.captions, i.metadata, i.read()) for i in found] == [
            (i.path, i.stamp, i.modified, i.captions, i.metadata, i.read()) for i in good
        ]
    return items, source


def said(path):
    """The path of each item within its shard, its bytes, and its captions."""
    return [(item.path.partition("/")[2], item.read(), item.captions) for item in both(path)[0]]


CASES = {
    "several dots": [("a.b.c.png", RED), ("a.b.c.txt", b"one"), ("a.b.d.png", BLUE), ("a.b.d.txt", b"two")],
    "captions far away": [("a.png", RED), ("b.png", BLUE), ("b.txt", b"two"), ("a.txt", b"one")],
    "captions before images": [("a.txt", b"one"), ("b.txt", b"two"), ("a.png", RED), ("b.png", BLUE)],
    "capitals": [("A.PNG", RED), ("A.TXT", b"one"), ("B.Png", BLUE), ("B.Txt", b"two")],
    "names that differ in case": [("A.png", RED), ("a.txt", b"one"), ("b.png", BLUE), ("B.TXT", b"two")],
    "a folder with dots": [
        ("v1.0/x.y/a.png", RED),
        ("v1.0/x.y/a.txt", b"one"),
        ("v1.1/a.png", BLUE),
        ("v1.1/a.txt", b"two"),
    ],
    "from here": [("./a.png", RED), ("./a.txt", b"one"), ("./b.png", BLUE), ("b.txt", b"two")],
    "other endings of captions": [("a.png", RED), ("a.caption", b"one"), ("b.png", BLUE), ("b.text", b"two")],
    "the whole name and an ending": [("a.png", RED), ("a.png.txt", b"one"), ("b.png", BLUE), ("b.png.txt", b"two")],
    "json with a mark": [
        ("a.png", RED),
        ("a.json", b"\xef\xbb\xbf" + b'{"caption": "one"}'),
        ("b.png", BLUE),
        ("b.json", '{"caption": "two"}'.encode("utf-16")),
    ],
    "json that is the caption": [("a.png", RED), ("a.json", b'"one"'), ("b.png", BLUE), ("b.json", b'["two"]')],
    "long names": [("l" * 150 + "/a.png", RED), ("l" * 150 + "/a.txt", b"one"), ("b.png", BLUE), ("b.txt", b"two")],
    "names beyond ASCII": [("é/ü.b.png", RED), ("é/ü.b.txt", b"one"), ("b.png", BLUE), ("b.txt", b"two")],
    "texts in UTF-16": [("a.png", RED), ("a.txt", "one".encode("utf-16")), ("b.png", BLUE), ("b.txt", b"two\r\n")],
    "duplicates": [("a.png", RED), ("a.txt", b"one"), ("a.png", BLUE), ("a.txt", b"two")],
}


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], ids=["GNU", "PAX"])
@pytest.mark.parametrize("case", CASES)
def test_captions_find_their_images(tmp_path, case, format):
    found = said(write_tar(tmp_path / "s.tar", CASES[case], format))
    assert [(data, captions) for _, data, captions in found] == [(RED, ("one",)), (BLUE, ("two",))]
    images = [name.removeprefix("./") for name, _ in CASES[case] if name.lower().endswith(".png")]
    assert [name for name, _, _ in found] == images


def test_several_images_of_one_stem_are_items_of_their_own_with_the_same_captions(tmp_path):
    members = [("a.png", RED), ("a.txt", b"one"), ("a.webp", BLUE), ("1.left.png", RED), ("1.right.png", GREEN)]
    items, source = both(write_tar(tmp_path / "s.tar", [*members, ("1.txt", b"both"), ("1.cls", b"7")]))
    assert [(item.path, item.caption, item.metadata.get("cls")) for item in items] == [
        ("s.tar/a.png", "one", None),
        ("s.tar/a.webp", "one", None),
        ("s.tar/1.left.png", "both", "7"),
        ("s.tar/1.right.png", "both", "7"),
    ]
    notes = " ".join(source.notes)
    assert "2 images share their name" in notes and "2 captions or metadata were matched" in notes


def test_names_with_further_dots_on_both_sides_are_different_samples(tmp_path):
    members = [("2021.05.png", RED), ("2021.06.txt", b"of a lost image"), ("1.png", BLUE), ("1.alt.txt", b"one")]
    items, source = both(write_tar(tmp_path / "s.tar", members))
    assert [item.captions for item in items] == [(), ("one",)]
    assert source.without_image == 1


def test_every_member_is_an_item_or_is_named(tmp_path):
    members = [
        ("a.png", RED),
        ("a.txt", b"one"),
        ("a.json", b"{broken"),
        ("b.txt", b"no image"),
        ("c.mp4", b"film"),
        ("d.npy", b"numbers"),
        ("._a.png", b"Finder"),
        ("e.png", "a.png"),
        ("f.png", "gone.png"),
        ("g.xcf", b"gimp"),
    ]
    items, source = both(write_tar(tmp_path / "s.tar", members))
    assert [(item.path, item.refusal is None) for item in items] == [
        ("s.tar/a.png", True),
        ("s.tar/e.png", True),
        ("s.tar/f.png", False),
    ]
    assert items[1].read() == RED and "link to gone.png" in str(items[2].refusal)
    assert sorted((one.path, one.kind, one.files) for one in source.passed_over) == [
        ("s.tar/", "sidecar", 2),
        ("s.tar/._a.png", "excluded", 1),
        ("s.tar/b.txt", "other file", 1),
        ("s.tar/c.mp4", "video", 1),
        ("s.tar/d.npy", "other file", 1),
        ("s.tar/g.xcf", "unsupported format", 1),
    ]
    assert any("1 files of metadata cannot be read as JSON" in note for note in source.notes)
    assert len(items) + sum(one.files for one in source.passed_over) == len(members)


def test_a_header_that_promises_more_than_there_is_spoils_its_own_member_only(tmp_path):
    path = write_tar(tmp_path / "s.tar", [("a.png", RED), ("b.png", BLUE)])
    path.write_bytes(path.read_bytes()[: 1536 + 20])
    items, source = both(path)
    assert [item.path for item in items][:1] == ["s.tar/a.png"] and items[0].read() == RED
    assert all(item.refusal for item in items[1:]) and source.unreadable == ("s.tar/",)


def ended(data: bytes) -> bytes:
    """A tar without its zeros at the end."""
    return data[: 4 * 512]  # two members of one block each


@pytest.mark.parametrize(
    "change, read, damage",
    [
        (lambda tar, other: ended(tar), "ab", "no end mark"),
        (lambda tar, other: ended(tar) + bytes(1024), "ab", ""),
        (lambda tar, other: ended(tar)[:1024], "a", "no end mark"),
        (lambda tar, other: tar + other, "abcd", ""),  # cat a.tar b.tar
        (lambda tar, other: ended(tar) + other, "abcd", ""),
        (lambda tar, other: b"\xff" * 512 + ended(tar) + other, "", "cut short or is no uncompressed tar"),
        (lambda tar, other: ended(tar) + b"\xff" * 512 + other, "abcd", "from byte 2,048 on something is no tar"),
        (lambda tar, other: tar[:1024] + b"\xff" * 512 + tar[1536:], "a", "from byte 1,024 on something is no tar"),
        (lambda tar, other: tar + b"junk" * 99, "ab", "from byte 10,240 on something is no tar"),
    ],
)
def test_what_lies_between_and_behind_members_hides_none_and_is_said(tmp_path, change, read, damage):
    tars = [write_tar(tmp_path / name, [(f"{one}.png", RED) for one in name]) for name in ("ab", "cd")]
    shard = tmp_path / "s.tar"
    shard.write_bytes(change(*(tar.read_bytes() for tar in tars)))
    items, source = both(shard)
    assert "".join(item.path[6] for item in items if item.refusal is None) == read
    assert [damage in str(item.refusal) for item in items if item.refusal] == [True] * bool(damage)
    assert source.unreadable == (("s.tar/",) if damage else ())


def test_a_tar_of_git_with_a_comment_before_its_members_is_whole(tmp_path):
    with tarfile.open(tmp_path / "s.tar", "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * 40}) as tar:
        info = tarfile.TarInfo("a.png")
        info.size = len(RED)
        tar.addfile(info, io.BytesIO(RED))
    items, source = both(tmp_path / "s.tar")
    assert [item.path for item in items] == ["s.tar/a.png"] and not source.unreadable


def test_what_systems_put_beside_photos_is_left_out_of_a_tar_too(tmp_path):
    names = ["@eaDir/a.png/SYNOPHOTO.png", "x/#recycle/b.png", ".data/c.png", "../d.png"]
    items, source = both(write_tar(tmp_path / "s.tar", [(name, RED) for name in names]))
    assert [item.path for item in items] == ["s.tar/.data/c.png", "s.tar/../d.png"]
    assert [one.reason for one in source.passed_over] == ["@eaDir/", "#recycle/"]


@pytest.mark.parametrize("mode, kind", [("w:gz", "gzip"), ("w:bz2", "bzip2"), ("w:xz", "xz")])
def test_a_compressed_tar_is_named_with_what_to_do(tmp_path, mode, kind):
    [item] = ShardSource("s", [write_tar(tmp_path / "s.tar", [("a.png", RED)], mode=mode)])
    assert f"compressed with {kind}" in str(item.refusal) and "unpack it" in str(item.refusal)


@pytest.mark.parametrize("many", [100, 1], ids=["listed", "indexed"])
@pytest.mark.parametrize("templates, kept", [((), 2), (("a photo of a {label}",), 3)])
def test_what_has_no_caption_or_no_image_is_left_out_and_counted(tmp_path, monkeypatch, many, templates, kept):
    monkeypatch.setattr("training.data.shard_index.MANY", many)
    facts = [json.dumps(one).encode() for one in ({"caption": "x"}, {"caption": " ", "label": "cat"}, {"n": 1})]
    first = [
        ("a.png", RED),
        ("a.txt", b"one"),
        ("b.png", BLUE),
        ("b.txt", b" \n"),
        ("c.png", RED),
        ("c.json", facts[2]),
    ]
    second = [("d.png", GREEN), ("d.json", facts[0]), ("e.png", BLUE), ("e.json", facts[1]), ("f.txt", b"no image")]
    write_tar(tmp_path / "0.tar", first)
    write_tar(tmp_path / "1.tar", second)
    images = ImageDataset([str(tmp_path / "{0..1}.tar")], 8, templates, needs_captions=True)
    assert len(images) == kept and all(images.captions(number) for number in range(kept))
    assert images.usage() == f"{kept} of 6 samples used: {5 - kept} without caption, 1 without image"


def test_an_index_is_made_once(tmp_path, monkeypatch):
    path = write_tar(tmp_path / "s.tar", [("a.png", RED), ("a.txt", b"one")])
    index_shard(path, tmp_path / "i.npy")
    assert np.load(tmp_path / "i.npy").shape == (2, 8)
    both(path)
    monkeypatch.setattr("training.data.shard_index.index_shard", None)
    both(path)


def test_a_folder_of_shards_keeps_the_folders_of_its_shards(tmp_path):
    (tmp_path / "set/train").mkdir(parents=True)
    write_tar(tmp_path / "set/train/0.tar", [("a.png", RED)])
    assert [item.path for item in open_source(tmp_path / "set")] == ["train/0.tar/a.png"]
