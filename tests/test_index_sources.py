"""Images from addresses and data sets by name; captions, columns and what cameras wrote, all the way to a filter."""

import io
import json
import struct
import tarfile

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from index.build import build_collection
from index.collection import Collection
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.maintenance.importing import import_vectors
from index.storage.cells import as_json
from tests.metadata_samples import exif_block, jpeg, xmp_packet
from tests.samples import find, paint
from training.data.sources import open_source
from training.models.errors import UserError


def photograph(path, *, date="2021:05:06 07:08:09", maker="Canon", model="Canon EOS 5D", gps=((52, 30, 36.0), "S")):
    """A JPEG as a camera writes it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = maker, model
    exif.get_ifd(0x8769)[0x9003] = date
    if gps:
        exif.get_ifd(0x8825).update({1: gps[1], 2: gps[0], 3: "E", 4: (13, 24, 18.0)})
    Image.new("RGB", (64, 48), (220, 30, 30)).save(path, exif=exif)
    return path


@pytest.fixture
def store(squares):
    """The squares in the memory of this process, at memory://images."""
    files = fsspec.filesystem("memory")
    for path in sorted(squares.rglob("*.*")):
        files.pipe_file(f"/images/{path.relative_to(squares).as_posix()}", path.read_bytes())
    files.pipe_file("/images/warm/red.txt", b"a red square\nred\n")
    yield files
    files.rm("/", recursive=True)


def test_a_folder_at_an_address_is_as_one_here(store, squares, tmp_path, encoder):
    far, here = list(open_source("memory://images")), list(open_source(squares))
    assert [item.path for item in far] == [item.path for item in here]
    assert [item.read() for item in far] == [item.read() for item in here]
    assert next(item for item in far if item.path == "warm/red.png").captions == ("a red square", "red")
    report = build_collection(["memory://images"], tmp_path / "c.gelato", encoder)
    assert (report.images, report.embedded) == (5, 5)
    again = build_collection(["memory://images"], tmp_path / "c.gelato", encoder)
    assert (again.unchanged, again.embedded) == (5, 0)
    store.rm("/images/warm/red.png")
    assert build_collection(["memory://images"], tmp_path / "c.gelato", encoder).removed == 1


def test_shards_tables_and_parquet_at_an_address(store, squares, tmp_path):
    data = [path.read_bytes() for path in sorted(squares.rglob("*.png"))]
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        info = tarfile.TarInfo("0.png")
        info.size = len(data[0])
        tar.addfile(info, io.BytesIO(data[0]))
    store.pipe_file("/shards/0.tar", held.getvalue())
    store.pipe_file("/shards/1.tar", held.getvalue())
    [one, two] = open_source("memory://shards/{0..1}.tar")
    assert (one.path, two.path, two.read()) == ("0.tar/0.png", "1.tar/0.png", data[0])
    assert len(open_source("memory://shards")) == 2
    store.pipe_file("/images/t.csv", b"path,caption,stars\nwarm/red.png,a red square,5\n../secret.png,x,1\n")
    red, secret = open_source("memory://images/t.csv")
    assert (red.read(), red.caption, red.metadata["stars"]) == (data[0], "a red square", 5)
    with pytest.raises(OSError, match="leads out"):
        secret.read()
    pq.write_table(pa.table({"image": pa.array(data), "n": list(range(len(data)))}), tmp_path / "p.parquet")
    store.pipe_file("/parquet/p.parquet", (tmp_path / "p.parquet").read_bytes())
    assert [item.read() for item in open_source("memory://parquet")] == data
    assert [item.read() for item in open_source(f"file://{tmp_path}/p.parquet")] == data


@pytest.mark.parametrize(
    "address, message",
    [
        ("memory://nowhere", "nothing at memory://nowhere"),
        ("nothing://there", "is no address that can be read"),
        ("hdfs://there/x.tar", "address that can be read|needs a package"),
    ],
)
def test_an_address_that_leads_nowhere_is_answered_in_a_sentence(address, message):
    with pytest.raises(UserError, match=message) as raised:
        open_source(address)
    assert "\n" not in str(raised.value)


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def test_a_torchvision_name_reads_what_lies_on_disk(tmp_path, encoder, monkeypatch):
    rng = np.random.default_rng(0)
    for part, images in (("train", 6), ("t10k", 3)):
        write_idx(tmp_path / f"MNIST/raw/{part}-images-idx3-ubyte", rng.integers(0, 255, (images, 28, 28), np.uint8))
        write_idx(tmp_path / f"MNIST/raw/{part}-labels-idx1-ubyte", np.arange(images, dtype=np.uint8))
    items = list(open_source(f"mnist:{tmp_path}"))
    assert [item.path for item in items][:2] == ["train/000000", "train/000001"] and len(items) == 9
    assert items[7].metadata == {"split": "test", "label": "1 - one"}
    assert items[0].read() == items[0].read()
    report = build_collection([f"mnist:{tmp_path}"], tmp_path / "c.gelato", encoder)
    assert report.images == 9
    found = find(Collection.open(tmp_path / "c.gelato"), encoder, "red", filter='label == "1 - one"')
    assert len(found) == 2
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"CIFAR10 does not lie in .* nothing is fetched .* cifar10:FOLDER"):
        open_source("cifar10")
    with pytest.raises(UserError, match=r"nothing at cifar11.*Did you mean cifar10\?"):
        open_source("cifar11")


def test_what_a_camera_wrote_becomes_columns_that_filters_know(tmp_path, encoder):
    (tmp_path / "p").mkdir()
    photograph(tmp_path / "p/a.jpg")
    photograph(tmp_path / "p/b.jpg", date="2022:02:31 00:00:00", maker="NIKON CORPORATION", model="D90", gps=None)
    paint(tmp_path / "p/c.png", "blue")
    build_collection([tmp_path / "p"], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    rows = collection.items.set_index("path")
    assert rows.loc["a.jpg", "taken"] == pd.Timestamp("2021-05-06 07:08:09")
    assert rows.loc["a.jpg", "camera"] == "Canon EOS 5D" and rows.loc["b.jpg", "camera"] == "NIKON CORPORATION D90"
    assert rows.loc["a.jpg", ["latitude", "longitude"]].tolist() == [-52.51, 13.405]
    assert rows.loc[["b.jpg", "c.png"], ["taken", "latitude"]].isna().all(axis=None)
    for where in ("taken < '2021-06-01'", "latitude < -50 and longitude > 13"):
        assert [hit.path for hit in find(collection, encoder, "red", filter=where)] == ["a.jpg"]


def test_thumbnails_carry_nothing_of_what_a_camera_wrote(tmp_path, encoder):
    (tmp_path / "p").mkdir()
    photograph(tmp_path / "p/a.jpg")
    build_collection([tmp_path / "p"], tmp_path / "c.gelato", encoder)
    [thumbnail] = (tmp_path / "c.gelato").glob("thumbnails/*/*.webp")
    assert b"Exif" in (tmp_path / "p/a.jpg").read_bytes() and b"Canon" in (tmp_path / "p/a.jpg").read_bytes()
    assert not any(mark in thumbnail.read_bytes() for mark in (b"Exif", b"EXIF", b"Canon", b"XMP"))
    with Image.open(thumbnail) as opened:
        assert not opened.getexif() and "exif" not in opened.info


def test_a_date_of_the_source_goes_before_that_of_the_camera(tmp_path, encoder):
    photograph(tmp_path / "a.jpg")
    (tmp_path / "t.csv").write_text("path,taken\na.jpg,1999-12-31\n")
    build_collection([tmp_path / "t.csv"], tmp_path / "c.gelato", encoder)
    assert Collection.open(tmp_path / "c.gelato").items["taken"].tolist() == [pd.Timestamp("1999-12-31")]


def test_every_column_and_caption_of_a_source_arrives(squares, tmp_path, encoder):
    meta = json.dumps({"caption": ["one", "two"], "url": "u", "score": 0.5, "tags": ["a"]}).encode()
    with tarfile.open(tmp_path / "s.tar", "w") as tar:
        for name, data in (("0.png", (squares / "warm/red.png").read_bytes()), ("0.json", meta)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    build_collection([tmp_path / "s.tar"], tmp_path / "c.gelato", encoder)
    [row] = Collection.open(tmp_path / "c.gelato").items.to_dict("records")
    assert (row["caption"], row["captions"]) == ("one", "one\ntwo")
    assert (row["url"], row["score"], row["tags"]) == ("u", 0.5, "['a']")


def test_an_unchanged_image_keeps_its_columns_when_its_date_changes(tmp_path, encoder):
    import os

    (tmp_path / "p").mkdir()
    photograph(tmp_path / "p/a.jpg")
    build_collection([tmp_path / "p"], tmp_path / "c.gelato", encoder)
    os.utime(tmp_path / "p/a.jpg", (0, 0))
    assert build_collection([tmp_path / "p"], tmp_path / "c.gelato", encoder).embedded == 0
    assert Collection.open(tmp_path / "c.gelato").items["camera"].tolist() == ["Canon EOS 5D"]


def test_a_sidecar_that_comes_changes_or_goes_updates_the_row_and_embeds_nothing(tmp_path, encoder):
    folder = tmp_path / "p"
    folder.mkdir()
    photograph(folder / "a.jpg")
    build_collection([folder], tmp_path / "c.gelato", encoder)

    def row_after(change):
        change()
        report = build_collection([folder], tmp_path / "c.gelato", encoder)
        assert (report.embedded, report.updated, report.unchanged, report.images) == (0, 1, 0, 1)
        [row] = Collection.open(tmp_path / "c.gelato").items.to_dict("records")
        return row

    takeout = {"photoTakenTime": {"timestamp": "1620277689"}, "description": "by the sea", "people": [{"name": "Anna"}]}
    xmp = folder / "a.xmp"
    assert row_after(lambda: xmp.write_bytes(xmp_packet({"xmp:Rating": "4"})))["rating"] == 4
    assert row_after(lambda: xmp.write_bytes(xmp_packet({"xmp:Rating": "5", "dc:subject": ["cat"]})))["rating"] == 5
    row = row_after(lambda: (folder / "a.jpg.json").write_text(json.dumps(takeout)))
    assert (row["rating"], row["keywords"], row["description"], row["people"]) == (5, "cat", "by the sea", "Anna")
    # One moment: Takeout says it in UTC, and what the camera's clock showed tells the time zone.
    assert (row["taken"], row["taken_offset"]) == (pd.Timestamp("2021-05-06 05:08:09"), "+02:00")
    assert row_after(lambda: (folder / "a.txt").write_bytes("Küche".encode("utf-16")))["caption"] == "Küche"
    assert row_after(xmp.unlink).get("rating") is None
    row_after(lambda: (folder / "a.jpg.json").unlink())
    row = row_after(lambda: (folder / "a.txt").unlink())
    assert row["caption"] == "" and row["taken"] == pd.Timestamp("2021-05-06 07:08:09")
    assert build_collection([folder], tmp_path / "c.gelato", encoder).unchanged == 1


def test_filters_and_json_know_the_columns_of_metadata(tmp_path, encoder):
    folder = tmp_path / "p"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.jpg").write_bytes(jpeg(exif_block({0x4746: number}), colour=(40 * number, 0, 0)))
    paint(folder / "none.png", "blue")
    (folder / "none.xmp").write_bytes(b"<x:xmpmeta")
    build_collection([folder], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    hits = find(collection, encoder, "red", filter="rating >= 4")
    assert sorted(hit.path for hit in hits) == ["4.jpg", "5.jpg"]
    [row] = collection.items.query("path == 'none.png'").to_dict("records")
    assert row["sidecar_problem"] == "none.xmp: it is no XMP that can be read"
    cells = {name: as_json(cell) for name, cell in row.items()}
    assert cells["rating"] is None and json.loads(json.dumps(cells, allow_nan=False)) == cells


def test_metadata_goes_the_way_of_the_other_columns_out_and_in(tmp_path, encoder):
    folder = tmp_path / "p"
    folder.mkdir()
    photograph(folder / "a.jpg")
    (folder / "a.xmp").write_bytes(xmp_packet({"xmp:Rating": "3", "dc:subject": ["cat", "dog"]}))
    build_collection([folder], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    export(Selection.of(collection), ExportRequest("clip-retrieval", tmp_path / "out"))
    export(Selection.of(collection), ExportRequest("csv", tmp_path / "t.csv"))
    import_vectors(tmp_path / "out", tmp_path / "back.gelato", encoder)
    [before], [after] = (
        one.items.to_dict("records") for one in (collection, Collection.open(tmp_path / "back.gelato"))
    )
    columns = ("taken", "camera", "latitude", "longitude", "rating", "keywords")
    assert {name: after[name] for name in columns} == {name: before[name] for name in columns}
    assert {*columns} <= {*pd.read_csv(tmp_path / "t.csv").columns}
