"""The images of parquet files, wherever a writer put them."""

import base64
import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.samples import PALETTE, paint, png_bytes
from training.data.sources import open_source
from training.data.tables.options import TableOptions
from training.data.tables.parquet_source import ParquetSource
from training.models.errors import UserError

RED, BLUE, GREEN = (png_bytes(Image.new("RGB", (12, 12), PALETTE[name])) for name in ("red", "blue", "green"))
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def stored(path, columns, features=None, **how):
    """A parquet file of columns, with Hugging Face's description of them."""
    table = pa.table(columns)
    if features:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **how)
    return path


KINDS = {
    "binary": pa.array([RED, BLUE]),
    "large binary": pa.array([RED, BLUE], pa.large_binary()),
    "binary view": pa.array([RED, BLUE], pa.binary_view()),
    "dictionary": pa.array([RED, BLUE]).dictionary_encode(),
    "struct": pa.array([{"bytes": RED, "path": "a.png"}, {"bytes": BLUE, "path": "b.png"}], STRUCT),
    "struct without paths": pa.array([{"bytes": RED, "path": None}, {"bytes": BLUE, "path": None}], STRUCT),
    "struct in a struct": pa.array([{"image": {"bytes": RED}, "n": 1}, {"image": {"bytes": BLUE}, "n": 2}]),
    "list of numbers": pa.array([list(RED), list(BLUE)], pa.list_(pa.uint8())),
    "large list of numbers": pa.array([list(RED), list(BLUE)], pa.large_list(pa.uint8())),
    "list of one": pa.array([[RED], [BLUE]]),
    "list of structs": pa.array([[{"bytes": RED, "path": None}], [{"bytes": BLUE, "path": None}]], pa.list_(STRUCT)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_images_are_found_however_their_bytes_are_stored(tmp_path, kind, text):
    columns = {"phash": pa.array([b"\1\2", b"\3\4"]), "data": KINDS[kind], "caption": pa.array(["one", "two"], text)}
    items = list(open_source(stored(tmp_path / "p.parquet", columns, row_group_size=1)))
    assert [item.read() for item in items] == [RED, BLUE]
    assert [item.caption for item in items] == ["one", "two"]
    assert items[0].metadata["phash"] == b"\1\2"


def test_bytes_that_are_null_in_every_row_leave_the_paths(tmp_path):
    for name, data in (("a.png", RED), ("b.png", BLUE)):
        (tmp_path / name).write_bytes(data)
    column = pa.array([{"bytes": None, "path": "a.png"}, {"bytes": None, "path": "b.png"}])  # of type null
    items = list(open_source(stored(tmp_path / "p.parquet", {"image": column})))
    assert [item.read() for item in items] == [RED, BLUE]


def test_columns_of_one_name_are_answered_in_a_sentence(tmp_path):
    twice = pa.Table.from_arrays([pa.array([RED]), pa.array(["x"]), pa.array(["y"])], names=["image", "t", "t"])
    pq.write_table(twice, tmp_path / "p.parquet")
    with pytest.raises(UserError, match="several columns called 't'"):
        list(open_source(tmp_path / "p.parquet"))


def test_bytes_that_are_no_images_do_not_hide_good_paths(tmp_path):
    paint(tmp_path / "a.png", "red")
    paint(tmp_path / "b.png", "blue")
    columns = {"phash": pa.array([b"\1\2", b"\3\4"]), "path": ["a.png", "b.png"], "n": [1, 2]}
    items = list(open_source(stored(tmp_path / "p.parquet", columns)))
    assert [(item.path, item.metadata["n"]) for item in items] == [("a.png", 1), ("b.png", 2)]
    assert items[1].read() == (tmp_path / "b.png").read_bytes()


def test_of_two_columns_of_images_the_one_that_is_declared_or_usually_called_so_is_taken_and_said(tmp_path):
    columns = {"thumbnail": pa.array([BLUE]), "image": pa.array([RED])}
    source = open_source(stored(tmp_path / "p.parquet", columns))
    [item] = source
    assert item.read() == RED and "column image; thumbnail hold" in source.notes[0]
    declared = {"thumbnail": {"_type": "Image"}, "image": {"dtype": "binary", "_type": "Value"}}
    [item] = open_source(stored(tmp_path / "q.parquet", columns, declared))
    assert item.read() == BLUE
    [item] = ParquetSource(tmp_path / "q.parquet", options=TableOptions(path_column="image"))
    assert item.read() == RED


def test_a_row_that_holds_a_path_instead_of_bytes_is_that_file(tmp_path):
    paint(tmp_path / "sub/a.png", "red")
    rows = [{"bytes": None, "path": "sub/a.png"}, {"bytes": BLUE, "path": "b.png"}, {"bytes": None, "path": "c.png"}]
    rows += [{"bytes": None, "path": None}, None]
    items = list(open_source(stored(tmp_path / "p.parquet", {"image": pa.array(rows, STRUCT)})))
    assert [items[0].read(), items[1].read()] == [(tmp_path / "sub/a.png").read_bytes(), BLUE]
    for item, reason in zip(items[2:], ["no file c.png", "holds no image", "holds no image"], strict=True):
        with pytest.raises(OSError, match=reason):
            item.read()


def test_each_image_of_a_list_is_an_item_of_its_own(tmp_path):
    columns = {"images": pa.array([[RED, BLUE], [], [GREEN]]), "text": ["two", "none", "one"]}
    items = list(open_source(stored(tmp_path / "p.parquet", columns, row_group_size=2)))
    assert [(item.path, item.caption) for item in items] == [
        ("000000/0", "two"),
        ("000000/1", "two"),
        ("000001/0", "none"),
        ("000002/0", "one"),
    ]
    assert [items[i].read() for i in (3, 0, 1)] == [GREEN, RED, BLUE]
    with pytest.raises(OSError, match="holds no image"):
        items[2].read()


def test_class_numbers_become_the_names_that_hugging_face_wrote(tmp_path):
    features = {
        "image": {"_type": "Image"},
        "label": {"names": ["cat", "dog"], "_type": "ClassLabel"},
        "tags": {"feature": {"names": ["x", "y"], "_type": "ClassLabel"}, "_type": "Sequence"},
    }
    columns = {"image": pa.array([RED, BLUE, GREEN]), "label": [1, 0, -1], "tags": [[0, 1], [], [1]]}
    items = list(open_source(stored(tmp_path / "p.parquet", columns, features)))
    assert [item.metadata.get("label") for item in items] == ["dog", "cat", None]
    assert [item.metadata["tags"] for item in items] == [["x", "y"], [], ["y"]]


def test_dates_and_decimals_become_what_filters_compare(tmp_path):
    moment = datetime(2024, 5, 6, 12, tzinfo=timezone(timedelta(hours=2)))
    columns = {
        "image": pa.array([RED]),
        "day": pa.array([date(2024, 5, 6)]),
        "moment": pa.array([moment], pa.timestamp("us", tz="Europe/Berlin")),
        "price": pa.array([Decimal("1.50")]),
        "gone": pa.array([None], pa.int64()),
        "nan": pa.array([float("nan")]),
        "__index_level_0__": [7],
    }
    [item] = open_source(stored(tmp_path / "p.parquet", columns))
    assert dict(item.metadata) == {
        "day": pd.Timestamp(2024, 5, 6),
        "moment": pd.Timestamp(2024, 5, 6, 10),
        "price": 1.5,
    }


@pytest.mark.parametrize(
    "name, split",
    [
        ("train/0000.parquet", "train"),
        ("data/test-00000-of-00001-abc.parquet", "test"),
        ("val/x/0.parquet", "validation"),
        ("other/0.parquet", None),
    ],
)
def test_files_of_a_split_in_nested_folders_say_which(tmp_path, name, split):
    stored(tmp_path / "set" / name, {"image": pa.array([RED])})
    [item] = open_source(tmp_path / "set")
    assert (item.path, item.metadata.get("split"), item.read()) == (f"{name}/000000", split, RED)


def test_a_file_of_a_folder_that_holds_no_images_is_named_and_the_others_are_read(tmp_path):
    stored(tmp_path / "set/a.parquet", {"n": [1]})
    stored(tmp_path / "set/b.parquet", {"image": pa.array([RED])})
    (tmp_path / "set/c.parquet").write_bytes(b"PAR1 and no more")
    bad, good, damaged = open_source(tmp_path / "set")
    assert good.read() == RED
    assert "no column of paths" in str(bad.refusal) and "damaged parquet file" in str(damaged.refusal)
    with pytest.raises(UserError, match="no column of paths: its columns are n"):
        list(open_source(tmp_path / "set/a.parquet"))


def test_text_that_only_looks_like_bytes_is_no_image(tmp_path):
    columns = {"image": [base64.b64encode(RED).decode()]}
    [item] = open_source(stored(tmp_path / "p.parquet", columns))
    with pytest.raises(OSError, match="does not end as an image does"):
        item.read()


def test_texts_that_are_stored_as_bytes_are_texts(tmp_path):
    paint(tmp_path / "a.png", "red")
    paint(tmp_path / "b.png", "blue")
    kinds = (pa.binary(), pa.large_binary(), pa.binary_view())
    for number, kind in enumerate(kinds):
        columns = {
            "phash": pa.array([b"\1\2", b"\3\xff"], kind),
            "file": pa.array([b"a.png", b"b.png"], kind),
            "caption": pa.array(["Grün".encode(), b"two"], kind),
            "place": pa.array([b"Rome", None], kind).dictionary_encode() if number == 0 else pa.array([b"Rome", None]),
        }
        items = list(open_source(stored(tmp_path / f"{number}.parquet", columns)))
        assert [(item.path, item.caption) for item in items] == [("a.png", "Grün"), ("b.png", "two")]
        assert dict(items[0].metadata) == {"phash": b"\1\2", "place": "Rome"}
        assert items[0].read() == (tmp_path / "a.png").read_bytes()


@pytest.mark.parametrize("name", ["__index_level_0__", "index", ""])
def test_an_index_of_paths_is_the_paths(tmp_path, name):
    paint(tmp_path / "a.png", "red")
    [item] = open_source(stored(tmp_path / "p.parquet", {"n": [1], name: ["a.png"]}))
    assert (item.path, dict(item.metadata)) == ("a.png", {"n": 1})


@pytest.mark.parametrize(
    "cell, captions",
    [
        ({"en": "a dog", "de": "ein Hund"}, ("a dog", "ein Hund")),
        ({"raw": "A dog.", "tokens": ["a", "dog"], "sentid": 3}, ("A dog.",)),
        ([{"raw": "one", "sentid": 1}, {"raw": "two", "sentid": 2}], ("one", "two")),
        ({"text": ["one", "two"], "n": 2}, ("one", "two")),
        ({"en": None, "de": "ein Hund"}, ("ein Hund",)),
    ],
)
def test_captions_with_fields_are_their_texts(tmp_path, cell, captions):
    [item] = open_source(stored(tmp_path / "p.parquet", {"image": pa.array([RED]), "caption": pa.array([cell])}))
    assert item.captions == captions


def test_captions_by_language_in_a_map_are_captions(tmp_path):
    cells = pa.array([[("en", "a dog"), ("de", "ein Hund")]], pa.map_(pa.string(), pa.string()))
    [item] = open_source(stored(tmp_path / "p.parquet", {"image": pa.array([RED]), "caption": cells}))
    assert item.captions == ("a dog", "ein Hund")


@pytest.mark.parametrize(
    "data, sentence",
    [
        (b"path\na.png\n", "no parquet file but text; if it is a table, give its name the ending .csv"),
        (b"PAR1 and no more", "a damaged parquet file, perhaps one that was not copied to its end"),
        (b"\x1f\x8b\x08\0", "no parquet file but compressed by gzip"),
        (b'{"path": "a.png"}', "no parquet file but JSON"),
        (b"", "is empty"),
    ],
)
def test_what_is_called_parquet_and_is_none_is_said_in_a_sentence(tmp_path, data, sentence):
    (tmp_path / "p.parquet").write_bytes(data)
    with pytest.raises(UserError, match=sentence):
        list(open_source(tmp_path / "p.parquet"))
