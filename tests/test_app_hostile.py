"""Images, tables and archives made to do harm, or broken on their way: a failure each, and the build goes on."""

import errno
import io
import json
import os
import re
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from index.ingest.engine import load_image
from index.maintenance.verify import find_faults
from tests.samples import ColourEncoder, noise_image, paint
from training.data.pipeline import load_one
from training.data.source import Item
from training.models.errors import UserError


def encoded(kind, size=(60, 44), **how):
    out = io.BytesIO()
    noise_image(0, size).save(out, kind, **how)
    return out.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_that_claims(width, height, data=b""):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def tar_of(path, members, cut=None):
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    if cut is not None:
        path.write_bytes(path.read_bytes()[:cut])
    return path


BAD = {
    "a bomb of 20 bytes": (png_that_claims(60_000, 60_000), "too large"),
    "a bomb of zeros": (png_that_claims(15_000, 15_000, bytes(15_000 * 100)), "too large"),
    "absurd sides": (png_that_claims(2**31 - 1, 1), "too large|too thin|broken"),
    "a line": (encoded("PNG", (60_000, 1)), "too thin"),
    "no side": (png_that_claims(0, 0), "."),
    "cut short": (encoded("JPEG", (300, 300))[:2000], "truncated|broken"),
    "a header alone": (encoded("PNG")[:33], "."),
    "a text": (b"not an image", "not an image"),
    "a script": (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
        "PostScript",
    ),
    "zeros": (bytes(5000), "not an image"),
}


def gif_of(frames):
    out = io.BytesIO()
    first, *rest = [Image.new("RGB", (30, 20), (i * 9 % 256, 30, 30)) for i in range(frames)]
    first.save(out, "GIF", save_all=True, append_images=rest)
    return out.getvalue()


def sixteen_bit():
    out = io.BytesIO()
    Image.fromarray(np.full((20, 30), 40_000, np.uint16)).save(out, "PNG")
    return out.getvalue()


def palette():
    out = io.BytesIO()
    image = Image.new("P", (30, 20), 1)
    image.putpalette([0, 0, 0, 220, 30, 30])
    image.save(out, "PNG", transparency=0)
    return out.getvalue()


ODD_AND_GOOD = {
    "a text chunk that swells": lambda: (
        encoded("PNG")[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000))) + encoded("PNG")[33:]
    ),
    "CMYK": lambda: encoded_as("CMYK", "JPEG"),
    "16 bits": sixteen_bit,
    "a palette": palette,
    "one bit": lambda: encoded_as("1", "PNG"),
    "transparency": lambda: encoded_as("RGBA", "PNG"),
    "grey and transparency": lambda: encoded_as("LA", "PNG"),
    "floats": lambda: encoded_as("F", "TIFF"),
    "an animation": lambda: gif_of(40),
    "the wrong ending": lambda: encoded("WEBP"),
}


def encoded_as(mode, kind):
    out = io.BytesIO()
    noise_image(1, (30, 20)).convert("L" if mode in ("F", "1") else "RGB").convert(
        "RGBA" if mode == "LA" else mode
    ).convert(mode).save(out, kind)
    return out.getvalue()


def read(data, encoder):
    return load_one(Item("x.jpg", "", 0.0, lambda: data), lambda item: load_image(item, encoder, ()))


@pytest.mark.parametrize("what", BAD)
def test_a_harmful_image_is_a_failure_with_a_reason(what, encoder):
    data, reason = BAD[what]
    assert re.search(reason, read(data, encoder).error)


@pytest.mark.parametrize("what", ODD_AND_GOOD)
def test_an_odd_image_is_read_whatever_its_ending(what, encoder):
    loaded = read(ODD_AND_GOOD[what](), encoder)
    assert loaded.error == "" and loaded.image.pixels is not None and loaded.image.size in ((30, 20), (60, 44))


def test_names_with_newlines_bytes_that_are_no_text_and_loops_of_links(tmp_path, encoder):
    folder = tmp_path / "odd"
    paint(folder / "new\nline.png", "red")
    paint(folder / "plain.png", "blue")
    os.rename(folder / "plain.png", os.fsencode(folder) + b"/\xff\xfe.png")
    (folder / "a.png").symlink_to(folder / "b.png")
    (folder / "b.png").symlink_to(folder / "a.png")
    (folder / "again").symlink_to(folder)
    report = build_collection([folder], tmp_path / "c.gelato", encoder)
    assert (report.images, report.failed) == (2, 2)
    collection = Collection.open(tmp_path / "c.gelato")
    assert set(collection.items["path"]) == {"new\nline.png", "\\xff\\xfe.png"}
    assert set(collection.failures["path"]) == {"a.png", "b.png", "again/"}


def test_a_folder_that_may_not_be_read_is_a_failure_and_its_images_are_not_gone(
    squares, tmp_path, encoder, monkeypatch
):
    into, scandir = tmp_path / "c.gelato", os.scandir

    def refused(path="."):  # as the system does to anyone but root
        if Path(path) == squares / "warm":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    build_collection([squares], into, encoder)
    monkeypatch.setattr(os, "scandir", refused)
    report = build_collection([squares], into, encoder)
    assert (report.images, report.removed, report.failed) == (5, 0, 1)


def test_a_shard_that_is_cut_short_is_a_failure_and_the_rest_is_embedded(tmp_path, encoder):
    members = [(f"{i}.png", encoded("PNG", (30 + i, 20))) for i in range(5)]
    (tmp_path / "s").mkdir()
    tar_of(tmp_path / "s/00000.tar", members, cut=3000)
    tar_of(tmp_path / "s/00001.tar", members)
    (tmp_path / "s/00002.tar").write_bytes(b"no tar at all")
    report = build_collection([tmp_path / "s"], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    assert set(collection.failures["path"]) == {"00000.tar", "00000.tar/1.png", "00002.tar"}
    assert 5 < report.images < 10
    assert collection.items["path"].str.startswith("00001").sum() == 5


def test_images_of_a_shard_that_was_cut_later_stay(tmp_path, encoder):
    (tmp_path / "s").mkdir()
    members = [(f"{i}.png", encoded("PNG", (30 + i, 20))) for i in range(5)]
    whole = tar_of(tmp_path / "s/00000.tar", members).read_bytes()
    build_collection([tmp_path / "s"], tmp_path / "c.gelato", encoder)
    (tmp_path / "s/00000.tar").write_bytes(whole[:3000])
    report = build_collection([tmp_path / "s"], tmp_path / "c.gelato", encoder)
    assert (report.images, report.removed) == (5, 0)


def test_members_that_point_elsewhere_write_nothing_and_repeated_names_are_kept_apart(tmp_path, encoder):
    (tmp_path / "s").mkdir()
    image, other = encoded("PNG"), encoded("PNG", (30, 20))
    shard = tmp_path / "s/00000.tar"
    with tarfile.open(shard, "w") as tar:
        for name, data in (("../../out.png", image), ("/etc/in.png", other), ("x.png", image), ("x.png", other)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        odd = tarfile.TarInfo("odd\udcff.png")
        odd.size, odd.mtime = len(image), 2**40
        tar.addfile(odd, io.BytesIO(image))
    before = {path for path in tmp_path.rglob("*") if "c.gelato" not in str(path)}
    report = build_collection([tmp_path / "s"], tmp_path / "c.gelato", encoder)
    assert {path for path in tmp_path.rglob("*") if "c.gelato" not in str(path)} == before
    assert report.images >= 4 and find_faults(tmp_path / "c.gelato") == []


def test_metadata_that_no_column_could_hold_is_kept_as_text(tmp_path, encoder):
    meta = [{"a": 2**70, "b": "\ud800", "c\ud801": 1, "d": {"e": [1]}}, {"a": "x", "b": 1, "d": None}]
    members = []
    for i, one in enumerate(meta):
        members += [(f"{i}.png", encoded("PNG", (30 + i, 20))), (f"{i}.json", json.dumps(one).encode())]
    tar_of(tmp_path / "s.tar", members)
    report = build_collection([tmp_path / "s.tar"], tmp_path / "c.gelato", encoder)
    assert report.images == 2
    items = Collection.open(tmp_path / "c.gelato").items
    assert items["a"].tolist() == [str(2**70), "x"] and items["b"][0] == "\\ud800"


def test_a_table_with_names_that_are_none(tmp_path, encoder):
    paint(tmp_path / "red.png", "red")
    (tmp_path / "t.csv").write_bytes(b"path\nred.png\n\x00.png\n../../../etc/passwd\n" + b"x" * 5000 + b".png\n")
    report = build_collection([tmp_path / "t.csv"], tmp_path / "c.gelato", encoder)
    assert (report.images, report.failed) == (1, 3)


SHAPES = {
    "no column of images": pa.table({"a": [1, 2]}),
    "no rows": pa.table({"image": pa.array([], pa.binary())}),
    "numbers for paths": pa.table({"path": [1, 2]}),
    "lists for paths": pa.table({"path": [["a.png"], []]}),
    "nothing for images": pa.table({"image": pa.array([None, None], pa.binary())}),
    "a struct without bytes": pa.table({"image": [{"path": "a.png"}]}),
    "text that is no text": pa.table({"path": pa.array([b"\xff\xfe.png"], pa.binary()).view(pa.string())}),
    "no columns": pa.table({}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_parquet_of_the_wrong_shape_is_a_failure_or_one_sentence(tmp_path, encoder, shape):
    pq.write_table(SHAPES[shape], tmp_path / "p.parquet")
    try:
        report = build_collection([tmp_path / "p.parquet"], tmp_path / "c.gelato", encoder)
        assert (report.images, report.failed > 0) == (0, True)
    except UserError as error:
        assert "\n" not in str(error)


def originals():
    """Small files of every kind, which mutations start from."""
    kinds = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "tif": "TIFF", "avif": "AVIF"}
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x0132] = "Maker", 6, "2021:05:06 07:08:09"
    exif.get_ifd(0x8825)[2] = (52.0, 30.0, 0.0)
    return {ending: encoded(kind, exif=exif) if kind == "JPEG" else encoded(kind) for ending, kind in kinds.items()}


def mutated(data, rng):
    """data with a few of: a byte changed, a bit flipped, a part cut out, doubled, or replaced by extremes."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        at, length = int(rng.integers(len(data) or 1)), int(rng.integers(1, 40))
        match rng.integers(6):
            case 0:
                data[at : at + 1] = bytes([rng.integers(256)])
            case 1:
                data[at : at + 1] = bytes([data[at] ^ (1 << rng.integers(8))]) if data else b""
            case 2:
                del data[at:]
            case 3:
                del data[at : at + length]
            case 4:
                data[at:at] = data[at : at + length]
            case 5:
                data[at : at + 4] = rng.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"])
    return bytes(data)


def fuzz_images(seed, rounds):
    rng, encoder, read_well = np.random.default_rng(seed), ColourEncoder(), 0
    for data in originals().values():
        for _ in range(rounds):
            loaded = read(mutated(data, rng), encoder)
            assert bool(loaded.error) != (loaded.image is not None)
            assert "\n" not in loaded.error.strip()
            read_well += not loaded.error
    return read_well


def fuzz_containers(folder, seed, rounds):
    rng, encoder = np.random.default_rng(seed), ColourEncoder()
    colours = [encoded("PNG", (20 + i, 16)) for i in range(4)]
    whole = folder / "whole"
    whole.mkdir()
    members = [m for i, d in enumerate(colours) for m in ((f"{i}.png", d), (f"{i}.json", b'{"caption": "x", "n": 1}'))]
    tar_of(whole / "a.tar", members)
    image = pa.array([{"bytes": d, "path": f"{i}.png"} for i, d in enumerate(colours)])
    pq.write_table(pa.table({"image": image, "text": list("abcd")}), whole / "a.parquet", row_group_size=2)
    paint(folder / "red.png", "red")
    pd.DataFrame({"path": ["../red.png"] * 3, "caption": ["a", "b", "ü"], "n": [1, 2, 3]}).to_csv(
        whole / "a.csv", index=False
    )
    outcomes = {"built": 0, "refused": 0}
    for ending in ("tar", "parquet", "csv"):
        data = (whole / f"a.{ending}").read_bytes()
        for number in range(rounds):
            place = folder / f"{ending}{number}"
            place.mkdir()
            (place / f"a.{ending}").write_bytes(mutated(data, rng))
            try:
                build_collection([place / f"a.{ending}"], place / "c.gelato", encoder)
                assert find_faults(place / "c.gelato") == []
                outcomes["built"] += 1
            except UserError as error:
                assert str(error).strip()
                outcomes["refused"] += 1
    return outcomes


def test_mutated_images_are_read_or_refused():
    assert fuzz_images(seed=0, rounds=200) > 100


def test_mutated_tables_and_archives_are_built_or_refused(tmp_path):
    assert fuzz_containers(tmp_path, seed=0, rounds=10)["built"] > 4


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_mutated_images_are_read_or_refused(seed):
    assert fuzz_images(seed, rounds=3000) > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 3))
def test_many_mutated_tables_and_archives_are_built_or_refused(tmp_path, seed):
    assert fuzz_containers(tmp_path, seed, rounds=120)["built"] > 50
