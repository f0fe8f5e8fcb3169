"""Every kind of source gives the same images in the same way."""

import io
import json
import os
import tarfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.samples import PALETTE, paint
from training.data.blocks import HELD
from training.data.sources import open_source
from training.models.errors import UserError


def png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (12, 12), PALETTE[colour]).save(out, "PNG")
    return out.getvalue()


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_a_folder_gives_its_images_at_any_depth_with_their_captions(squares):
    (squares / "warm/red.txt").write_text("a red square\n")
    (squares / ".hidden.png").write_bytes(b"")
    (squares / "notes.md").write_text("not an image")
    items = {item.path: item for item in open_source(squares)}
    assert sorted(items) == ["cold/blue.gif", "cold/green.bmp", "cold/grey.tiff", "warm/orange.webp", "warm/red.png"]
    assert items["warm/red.png"].caption == "a red square"
    assert items["warm/red.png"].metadata == {"folder": "warm"}
    assert items["warm/red.png"].read() == (squares / "warm/red.png").read_bytes()


def test_a_folder_that_links_back_to_itself_is_read_once(squares):
    (squares / "cold/again").symlink_to(squares, target_is_directory=True)
    assert len(open_source(squares)) == 5


def test_a_name_that_is_not_utf8_is_kept_as_text_that_any_file_can_hold(tmp_path):
    paint(tmp_path / "plain.png", "red")
    os.rename(tmp_path / "plain.png", os.fsencode(tmp_path) + b"/caf\xe9.png")
    [item] = open_source(tmp_path)
    assert item.path == "caf\\xe9.png"
    assert item.read().startswith(b"\x89PNG")


@pytest.mark.parametrize("separator, ending", [(",", "csv"), ("\t", "tsv")])
def test_a_table_gives_paths_captions_and_every_other_column(squares, separator, ending):
    table = squares.parent / f"table.{ending}"
    rows = [("squares/warm/red.png", "a red square", "7"), ("squares/cold/blue.gif", "blue, cold", "8")]
    pd.DataFrame(rows, columns=["File", "caption", "stars"]).to_csv(table, sep=separator, index=False)
    red, blue = open_source(table)
    assert (red.path, red.caption, dict(red.metadata)) == ("squares/warm/red.png", "a red square", {"stars": 7})
    assert blue.caption == "blue, cold"
    assert blue.read() == (squares / "cold/blue.gif").read_bytes()


def test_a_table_cannot_make_us_open_what_is_not_a_image(tmp_path):
    (tmp_path / "secret").write_text("password")
    (tmp_path / "table.csv").write_text("path\nsecret\nhttp://example.org/a.png\n")
    for item in open_source(tmp_path / "table.csv"):
        with pytest.raises(OSError, match=r"image|web address"):
            item.read()


def test_a_table_without_paths_says_which_columns_it_has(tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="no column of paths: its columns are a, b"):
        open_source(tmp_path / "table.csv")


@pytest.mark.parametrize("layout", ["struct", "binary", "named"])
def test_parquet_gives_the_bytes_inside_however_they_are_stored(tmp_path, layout):
    colours = ["red", "green", "blue"]
    data = [png(colour) for colour in colours]
    image = {
        "struct": pa.array([{"bytes": d, "path": None} for d in data]),
        "binary": pa.array(data),
        "named": pa.array([{"bytes": d, "path": f"{c}.png"} for d, c in zip(data, colours, strict=True)]),
    }[layout]
    table = pa.table({"image": image, "text": colours, "label": [0, 1, 2]})
    pq.write_table(table, tmp_path / "images.parquet", row_group_size=2)
    items = list(open_source(tmp_path / "images.parquet"))
    assert [item.caption for item in items] == colours
    assert [item.metadata["label"] for item in items] == [0, 1, 2]
    assert [item.read() for item in reversed(items)] == data[::-1]
    paths = ["red.png", "green.png", "blue.png"] if layout == "named" else ["000000", "000001", "000002"]
    assert [item.path for item in items] == paths


def test_a_row_group_stays_in_memory_until_each_of_its_rows_was_read_and_no_longer(tmp_path):
    images = [png(colour) for colour in ("red", "green", "blue", "red", "green")]
    pq.write_table(pa.table({"image": pa.array(images)}), tmp_path / "p.parquet", row_group_size=3)
    items = list(open_source(tmp_path / "p.parquet"))
    groups = [(str(tmp_path / "p.parquet"), group) for group in range(2)]
    seen = {}
    for number, held in ((1, [0]), (0, [0]), (2, []), (4, [1]), (3, []), (0, [0])):  # row 0 a second time: read again
        seen[number] = items[number].read()
        assert [group for group, key in enumerate(groups) if key in HELD] == held
    assert [seen[number] for number in range(5)] == images


def test_a_folder_of_parquet_files_is_one_source(tmp_path):
    for part in range(2):
        pq.write_table(pa.table({"image": pa.array([png("red")])}), tmp_path / f"part-{part}.parquet")
    assert [item.path for item in open_source(tmp_path)] == ["part-0.parquet/000000", "part-1.parquet/000000"]


def test_shards_give_each_sample_with_its_caption_and_metadata(tmp_path):
    meta = json.dumps({"caption": "from json", "width": 12, "url": "u"}).encode()
    write_tar(tmp_path / "00000.tar", {"a/01.png": png("red"), "a/01.txt": b"a red one", "a/01.json": meta})
    write_tar(tmp_path / "00001.tar", {"02.json": meta, "02.png": png("blue"), "03.txt": b"no image"})
    red, blue = open_source(str(tmp_path / "{00000..00001}.tar"))
    assert (red.path, red.caption, dict(red.metadata)) == ("00000.tar/a/01.png", "a red one", {"width": 12, "url": "u"})
    assert (blue.path, blue.caption) == ("00001.tar/02.png", "from json")
    assert (red.read(), blue.read()) == (png("red"), png("blue"))


def test_missing_shards_are_counted_and_the_first_is_named(tmp_path):
    write_tar(tmp_path / "00000.tar", {"1.png": png("red")})
    with pytest.raises(UserError, match=r"2 of the 3 shards .* the first is .*00001\.tar"):
        open_source(str(tmp_path / "{00000..00002}.tar"))


@pytest.mark.parametrize(
    "name, message",
    [("nowhere", "nothing at"), ("one.png", "single image"), ("notes.md", r"ending is \.md")],
)
def test_what_is_not_a_source_is_answered_in_a_sentence(tmp_path, name, message):
    if name != "nowhere":
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UserError, match=message):
        open_source(tmp_path / name)


def test_a_image_can_have_several_captions(squares, tmp_path):
    (squares / "warm/red.txt").write_text("a red square\n\nsomething warm\n")
    red = {item.path: item for item in open_source(squares)}["warm/red.png"]
    assert red.captions == ("a red square", "something warm")
    rows = [("squares/warm/red.png", "one"), ("squares/cold/blue.gif", "other"), ("squares/warm/red.png", "two")]
    pd.DataFrame(rows, columns=["path", "caption"]).to_csv(squares.parent / "t.csv", index=False)
    assert [item.captions for item in open_source(squares.parent / "t.csv")] == [("one", "two"), ("other",)]
    listed = pd.DataFrame({"path": [row[0] for row in rows[:2]], "caption": [["one", "two"], []]})
    listed.to_parquet(squares.parent / "t.parquet")
    assert [item.captions for item in open_source(squares.parent / "t.parquet")] == [("one", "two"), ()]
