"""Tables as spreadsheets and scripts write them: their cells, their types, and the files that they name."""

import bz2
import gzip
import io
import os
import unicodedata
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from index.build import build_collection
from index.collection import Collection
from index.retrieval.filters import matching_rows
from tests.samples import paint
from training.__main__ import cli
from training.data.source import Item, Source
from training.data.sources import open_source
from training.data.tables.csv_source import CsvSource
from training.data.tables.options import TableOptions
from training.data.texts import decode_text
from training.models.errors import UserError


@pytest.fixture
def place(tmp_path):
    """A folder with a.png and sub/b.png."""
    (tmp_path / "sub").mkdir()
    paint(tmp_path / "a.png", "red")
    paint(tmp_path / "sub/b.png", "blue")
    return tmp_path


def table(place: Path, text: str | bytes, name: str = "t.csv") -> Path:
    (place / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return place / name


def read(source: Source) -> list[Item]:
    """Its items, of which each can be read."""
    items = list(source)
    assert all(item.read().startswith(b"\x89PNG") for item in items)
    return items


TWO = [("a.png", "A dog, running", 3), ("sub/b.png", "two", 4)]
LAYOUTS = {
    "comma": 'path,caption,n\na.png,"A dog, running",3\nsub/b.png,two,4\n',
    "semicolon": "path;caption;n\na.png;A dog, running;3\nsub/b.png;two;4\n",
    "tab": "path\tcaption\tn\na.png\tA dog, running\t3\nsub/b.png\ttwo\t4\n",
    "pipe with spaces": "path | caption | n\na.png | A dog, running | 3\nsub/b.png| two| 4\n",
    "CRLF and blank lines": 'path,caption,n\r\n\r\na.png,"A dog, running",3\r\n\r\nsub/b.png,two,4\r\n\r\n',
    "lines of an old Mac": 'path,caption,n\ra.png,"A dog, running",3\rsub/b.png,two,4\r',
    "a first line that names the separator": "sep=;\npath;caption;n\na.png;A dog, running;3\nsub/b.png;two;4\n",
    "trailing separators": 'path,caption,n,,\na.png,"A dog, running",3,,\nsub/b.png,two,4,,\n',
    "trailing separators below": 'path,caption,n\na.png,"A dog, running",3,\nsub/b.png,two,4,\n',
    "spaces before quotes": 'path, caption, n\na.png, "A dog, running" , 3\nsub/b.png, two, 4\n',
    "everything quoted": '"path","caption","n"\n"a.png","A dog, running","3"\n"sub/b.png","two","4"\n',
    "the index of pandas": ',path,caption,n\n0,a.png,"A dog, running",3\n1,sub/b.png,two,4\n',
    "an index read and written again": 'Unnamed: 0,path,caption,n\n0,a.png,"A dog, running",3\n1,sub/b.png,two,4\n',
    "the row names of R": '"path","caption","n"\n"1","a.png","A dog, running",3\n"2","sub/b.png","two",4\n',
    "rows of spreadsheets that are empty": 'path,caption,n\n,,\na.png,"A dog, running",3\nsub/b.png,two,4\n,,\n,,\n',
    "a byte order mark": '\ufeffpath,caption,n\na.png,"A dog, running",3\nsub/b.png,two,4\n',
    "a title above the names": 'My photos\n\npath,caption,n\na.png,"A dog, running",3\nsub/b.png,two,4\n',
    "comments above the names": "# 2 photos\n# by me\npath;caption;n\na.png;A dog, running;3\nsub/b.png;two;4\n",
    "the names again between rows": 'path,caption,n\na.png,"A dog, running",3\npath,caption,n\nsub/b.png,two,4\n',
    "names in capitals": 'PATH,Caption,n\na.png,"A dog, running",3\nsub/b.png,two,4\n',
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_table_is_read_however_it_is_laid_out(place, layout):
    items = read(open_source(table(place, LAYOUTS[layout])))
    assert [(item.path, item.caption, item.metadata["n"]) for item in items] == TWO
    assert all(set(item.metadata) == {"n"} for item in items)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_table_is_read_in_the_encoding_that_it_has(place, encoding):
    text = "path;caption;Größe\na.png;Grüße aus Köln – schön;3\n"
    [item] = read(open_source(table(place, text.encode(encoding))))
    assert (item.caption, dict(item.metadata)) == ("Grüße aus Köln – schön", {"Größe": 3})


IN_CODE_PAGES = {
    "gb18030": "一只狗在草地上跑",
    "shift_jis": "犬が芝生を走っている",
    "euc_jp": "犬が芝生を走っている",
    "big5": "一隻狗在草地上跑",
    "euc_kr": "개가 잔디 위를 달린다",
    "cp1251": "собака бежит по траве",
    "koi8_r": "собака бежит по траве",
    "cp1250": "zachód słońca na plaży, śnieg w górach",
    "cp1253": "σκύλος τρέχει στο γρασίδι",
    "cp1254": "dağlarda kar ve kırmızı araba, plajda gün batımı",
    "cp1256": "كلب يركض على العشب",
    "cp874": "สุนัขวิ่งบนหญ้า",
    "cp1252": "Málaga, España",
}


@pytest.mark.parametrize("encoding", IN_CODE_PAGES)
def test_the_code_page_of_a_table_is_told_by_its_letters(place, encoding):
    rows = "".join(f'a.png,"{IN_CODE_PAGES[encoding]}",{n}\n' for n in range(4))
    source = open_source(table(place, f"path,caption,n\n{rows}".encode(encoding)))
    assert {item.caption for item in read(source)} == {IN_CODE_PAGES[encoding]}
    assert "its text is no UTF-8 and was read as" in source.notes[0]


def test_a_table_of_no_unicode_says_how_it_was_read(place):
    source = open_source(table(place, "path,caption\na.png,Größe\n".encode("cp1252")))
    list(source)
    assert "read as Windows-1252" in source.notes[0]
    assert open_source(table(place, "path,caption\na.png,Größe\n")).notes == ()


@pytest.mark.parametrize(
    "cell, captions",
    [
        ('"[""one"", ""two""]"', ("one", "two")),
        ("\"['one', 'two']\"", ("one", "two")),
        ("[laughs]", ("[laughs]",)),
        ('"[1, 2]"', ("[1, 2]",)),
        ("[]", ("[]",)),
    ],
)
def test_a_list_of_captions_that_was_written_as_text_is_several(place, cell, captions):
    [item] = read(open_source(table(place, f"path,captions\na.png,{cell}\n")))
    assert item.captions == captions


def test_cells_may_hold_lines_quotes_and_separators(place):
    text = 'path,caption\na.png,"says ""hi"",\nthen leaves"\nsub/b.png,x\n'
    assert [item.caption for item in read(open_source(table(place, text)))] == ['says "hi",\nthen leaves', "x"]


def test_ragged_rows_and_stray_quotes_are_named_by_their_row_and_lose_no_image(place):
    for name in "cdef":
        paint(place / f"{name}.png", "red")
    rows = ["path,caption,n", "a.png,one", "", "sub/b.png,two,2,extra", 'c.png,"never closed,3', "d.png,four,4"]
    rows += ['e.png,"12 inch" board,5', 'f.png,"six, or so",6']
    source = open_source(table(place, "\n".join(rows)))
    items = read(source)
    assert [item.path for item in items] == ["a.png", "sub/b.png", "c.png", "d.png", "e.png", "f.png"]
    assert [item.metadata.get("n") for item in items] == [None, 2, 3, 4, 5, 6]
    assert [item.caption for item in items][3:] == ["four", '"12 inch" board', "six, or so"]
    notes = " ".join(source.notes)
    assert "row 2 has fewer cells" in notes and "row 4 has more cells" in notes
    assert "2 rows (5, 7) have a quote" in notes


@pytest.mark.parametrize(
    "cells, kind",
    [
        (["5", "4", "10"], [5, 4, 10]),
        (["5", "", "N/A"], [5, None, None]),
        (["4.5", "3", ".5"], [4.5, 3.0, 0.5]),
        (["3,5", "4"], [3.5, 4.0]),
        (["1.234,5", "7"], [1234.5, 7.0]),
        (["1,234", "12,345,678"], [1234.0, 12345678.0]),
        (["1e-3", "-2E5"], [0.001, -200000.0]),
        (["true", "FALSE"], [True, False]),
        (["WAHR", "FALSCH"], [True, False]),
        (["2024-01-31", "2023-12-01"], [pd.Timestamp(2024, 1, 31), pd.Timestamp(2023, 12, 1)]),
        (["2024-01-31T10:00:00Z"], [pd.Timestamp(2024, 1, 31, 10)]),
        (["2024-01-31 10:00:00+02:00"], [pd.Timestamp(2024, 1, 31, 8)]),
        (["2021:05:06 07:08:09"], [pd.Timestamp(2021, 5, 6, 7, 8, 9)]),
        (["31.12.2024", "01.02.2024"], [pd.Timestamp(2024, 12, 31), pd.Timestamp(2024, 2, 1)]),
        (["13/02/2024", "01/02/2024"], [pd.Timestamp(2024, 2, 13), pd.Timestamp(2024, 2, 1)]),
        (["02/13/2024", "02/01/2024"], [pd.Timestamp(2024, 2, 13), pd.Timestamp(2024, 2, 1)]),
        (["12/31/2024 5:45 PM"], [pd.Timestamp(2024, 12, 31, 17, 45)]),
        (["31 Jan 2024"], [pd.Timestamp(2024, 1, 31)]),
        # What stays text.
        (["01/02/2024"], None),
        (["2024-02-31"], None),
        (["00123", "17"], None),
        (["+4930123456", "5"], None),
        (["0171 2345678"], None),
        (["555-1234"], None),
        (["12345678901234567890123"], None),
        (["1.2.3"], None),
        (["5", "five"], None),
        (["yes", "no"], None),
        (["NA", "DE"], None),
        (["192.168.0.1"], None),
        (["12:30"], None),
    ],
)
def test_a_column_becomes_what_all_of_its_cells_are(place, cells, kind):
    for number in range(len(cells)):
        paint(place / f"{number}.png", "red")
    rows = "\n".join(f"{number}.png\t{cell}" for number, cell in enumerate(cells))
    items = read(open_source(table(place, f"path\tx\n{rows}\n", "t.tsv")))
    found = [item.metadata.get("x") for item in items]
    assert found == (cells if kind is None else kind)
    assert [type(value) for value in found] == [type(value) for value in kind or cells]


@pytest.mark.parametrize("name", ["id", "photo_id", "PhotoID", "phone", "Zip", "isbn", "phash"])
def test_ids_and_codes_stay_text_by_their_name(place, name):
    [item] = read(open_source(table(place, f"path,{name}\na.png,42\n")))
    assert item.metadata == {name: "42"}


@pytest.mark.parametrize(
    "text, values, said",
    [
        ("path;price;metres\na.png;1.234;3,5", {"price": 1234.0, "metres": 3.5}, False),
        ("path;price;metres\na.png;1.234;3.5", {"price": 1.234, "metres": 3.5}, False),
        ("path;views\na.png;1,234", {"views": 1.234}, False),  # programs take ; where the comma is decimal
        ("path;views;share\na.png;1,234;0.5", {"views": 1234.0, "share": 0.5}, False),
        ("path;views;rank\na.png;1,234;2,345,678", {"views": 1234.0, "rank": 2345678.0}, False),
        ("path;share;words\na.png;1.234;yes, no", {"share": 1.234, "words": "yes, no"}, False),
        ("path;latitude;metres\na.png;48.137;3,5", {"latitude": 48.137, "metres": 3.5}, False),
        ("path\tGPSLongitude\na.png\t11,576", {"GPSLongitude": 11.576}, False),
        ("path\tviews\na.png\t1,234", {"views": 1234.0}, True),
        ('path,views\na.png,"1,234"', {"views": 1234.0}, True),
    ],
)
def test_whether_a_comma_is_decimal_is_decided_by_the_whole_table(place, text, values, said):
    source = open_source(table(place, f"{text}\n"))
    [item] = read(source)
    assert item.metadata == values and any("thousands" in note for note in source.notes) == said


def test_what_looks_like_numbers_or_dates_and_stays_text_is_said(place):
    rows = "".join(f"a.png,{n},0{n}/05/2024\n" for n in range(1, 10))
    source = open_source(table(place, f"path,stars,day\n{rows}a.png,many,10/05/2024\n"))
    list(source)
    notes = " ".join(source.notes)
    assert "stars stays text" in notes and "'many'" in notes and "the day or with the month" in notes


def test_columns_of_one_name_or_of_none_are_kept_apart(place):
    source = open_source(table(place, "path,x,x,,y\na.png,1,2,odd,3\n"))
    [item] = read(source)
    assert item.metadata == {"x": 1, "x_2": 2, "column_4": "odd", "y": 3}
    assert any("two columns are called x" in note for note in source.notes)


def test_a_table_without_a_header_is_seen_by_its_first_row(place):
    source = open_source(table(place, "a.png,a red square,3\nsub/b.png,a blue one,4\n"))
    assert [(item.path, item.caption, item.metadata["column_3"]) for item in read(source)] == [
        ("a.png", "a red square", 3),
        ("sub/b.png", "a blue one", 4),
    ]
    assert any("no row of column names" in note for note in source.notes)


PATHS = {
    "as it is": "sub/b.png",
    "from here": "./sub/b.png",
    "with backslashes": "sub\\b.png",
    "absolute": "{place}/sub/b.png",
    "an address": "file://{place}/sub/b.png",
    "an address of this computer": "file://localhost{place}/sub/b.png",
    "percent-encoded": "s%75b/b.png",
    "in another case": "SUB/B.PNG",
    "up and down": "sub/../sub/b.png",
    "two slashes": "sub//b.png",
    "from home": "~/sub/b.png",
    "in quotes": '"""sub/b.png"""',
    "in single quotes": "'sub/b.png'",
    "with characters that are not seen": "\u202a\u200bsub/b.png\ufeff",
}


@pytest.mark.parametrize("way", PATHS)
def test_a_path_is_found_however_it_is_written(place, monkeypatch, way):
    monkeypatch.setenv("HOME", str(place))
    [item] = read(open_source(table(place, f"path\n{PATHS[way].format(place=place)}\n")))
    assert item.path == "sub/b.png"
    assert item.read() == (place / "sub/b.png").read_bytes()


@pytest.mark.parametrize("on_disk, in_table", [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_path_is_found_in_the_other_unicode_form(tmp_path, on_disk, in_table):
    paint(tmp_path / f"{unicodedata.normalize(on_disk, 'Müll')}.png", "red")
    [item] = read(open_source(table(tmp_path, f"path\n{unicodedata.normalize(in_table, 'Müll')}.png\n")))
    assert os.path.exists(tmp_path / item.path)


def test_a_name_that_two_files_could_mean_means_neither(tmp_path):
    paint(tmp_path / "a.png", "red")
    paint(tmp_path / "A.png", "blue")
    [item] = open_source(table(tmp_path, "path\na.PNG\n"))
    with pytest.raises(OSError, match="no such file"):
        item.read()


def test_several_rows_of_one_file_are_one_image_however_they_spell_it(place):
    source = open_source(table(place, "path,caption,n\na.png,one,1\n./a.png,two,2\nA.png,three,3\n"))
    [item] = read(source)
    assert (item.captions, dict(item.metadata)) == (("one", "two", "three"), {"n": 1})
    assert any("2 rows name the image of an earlier row" in note for note in source.notes)


@pytest.mark.parametrize(
    "cell, reason",
    [
        ("gone.png", r"no such file .*row 3"),
        ("https://example.org/x.png", "web address, which is not fetched.*row 3"),
        ("notes.pdf", "does not end as an image does"),
    ],
)
def test_a_row_without_an_image_is_named_with_its_row_and_the_others_are_read(place, cell, reason):
    good, bad = open_source(table(place, f"path\na.png\n{cell}\n"))
    assert good.refusal is None and good.read()
    assert bad.path == cell and bad.refusal is not None
    with pytest.raises(OSError, match=reason):
        bad.read()


def test_of_several_columns_of_paths_the_one_whose_cells_are_files_is_taken_and_said(place):
    source = open_source(table(place, "file,image,other\nold/1.png,a.png,x.jpg\nold/2.png,sub/b.png,y.jpg\n"))
    assert [item.path for item in read(source)] == ["a.png", "sub/b.png"]
    assert any("column image" in note and "file 0%, image 100%" in note for note in source.notes)


def test_a_column_of_paths_is_known_by_its_cells_whatever_it_is_called(place):
    source = open_source(table(place, "Dateiname;Titel\na.png;eins\nsub/b.png;zwei\n"))
    assert [item.path for item in read(source)] == ["a.png", "sub/b.png"]
    assert any("Dateiname" in note for note in source.notes)


def test_options_decide_where_the_content_would_decide_otherwise(place):
    odd = table(place, "image^what^note\nx.png^a.png^said of it, at length\n")
    source = CsvSource(odd, TableOptions(path_column="what", caption_column="NOTE", separator="^"))
    [item] = read(source)
    assert (item.path, item.caption, dict(item.metadata)) == ("a.png", "said of it, at length", {"image": "x.png"})
    bare = table(place, "x\ta.png\tb c\n", "bare.tsv")
    [item] = read(CsvSource(bare, TableOptions(path_column="2", caption_column="1", separator="tab")))
    assert (item.path, item.caption) == ("a.png", "x")
    with pytest.raises(UserError, match=r"no column 'where'.*image, what, note"):
        CsvSource(odd, TableOptions(path_column="where", separator="^"))
    with pytest.raises(UserError, match="not one character"):
        TableOptions(separator=";;")


@pytest.mark.parametrize(
    "text, name, message",
    [
        ("", "t.csv", "is empty"),
        ("\n\n", "t.csv", "is empty"),
        ("a,b\n1,2\n", "t.csv", "no column of paths: its columns are a, b.*--path-column"),
        ("name,url\nx,https://example.org/1.jpg\n", "t.csv", "column url holds web addresses, which are not fetched"),
        ("PK", "t.xlsx", "is a spreadsheet; save it as CSV"),
    ],
)
def test_what_is_no_table_of_images_is_answered_in_a_sentence(tmp_path, text, name, message):
    with pytest.raises(UserError, match=message):
        open_source(table(tmp_path, text, name))


def test_a_build_filters_by_numbers_and_remembers_what_was_said_of_its_table(place, encoder):
    odd = table(place, "image^what^rating^note\nx.png^a.png^9,5^first\ny.png^sub/b.png^10^second\n")
    into = place / "c.gelato"
    assert build_collection([odd], into, encoder, tables=TableOptions("what", "note", "^")).images == 2
    again = build_collection([odd], into, encoder)
    assert (again.images, again.unchanged) == (2, 2)
    items = Collection.open(into).items
    assert dict(zip(items["path"], items["caption"], strict=True)) == {"a.png": "first", "sub/b.png": "second"}
    assert items["path"][matching_rows(items, "rating > 9.6")].tolist() == ["sub/b.png"]


def test_what_was_decided_about_a_table_is_part_of_the_report(place, encoder):
    table(place, "file,image\nold/1.png,a.png\nold/2.png,sub/b.png\n")
    report = build_collection([place / "t.csv"], place / "c.gelato", encoder)
    assert any("paths are taken from the column image" in note for note in report.notes)


def test_training_takes_the_options_under_the_names_of_open_clip_too():
    shown = CliRunner().invoke(cli, ["clip", "--help"]).output
    for flag in ("--csv-img-key", "--csv-caption-key", "--csv-separator", "--path-column", "--caption-column"):
        assert flag in shown


@pytest.mark.parametrize("filter", ["id == 42", "id in [42, 43]", "`id` > 5", "not (id != 42)"])
def test_a_text_is_never_compared_with_a_number(filter):
    items = pd.DataFrame({"id": ["42", "43"], "n": [1, 2]})
    with pytest.raises(UserError, match=r'column id holds text.*id == "'):
        matching_rows(items, filter)
    assert matching_rows(items, 'id == "42" and n == 1').tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        'path,caption,n\na.png,"A dog, running",3\nsub/b.png,two,4\n\x1a',  # as DOS ends a file
        'path,caption,n\na.png,"A dog, running",3\n\ufeffpath,caption,n\nsub/b.png,two,4\n',  # two files in one
    ],
)
def test_marks_of_files_inside_a_table_are_no_cells(place, text):
    items = read(open_source(table(place, text)))
    assert [(item.path, item.caption, item.metadata["n"]) for item in items] == TWO


def test_a_date_with_whole_hours_as_its_time_zone_is_a_date(place):
    [item] = read(open_source(table(place, "path,x\na.png,2024-01-31 10:00:00+02\n")))
    assert item.metadata["x"] == pd.Timestamp(2024, 1, 31, 8)


ESCAPED = {
    r'a.png,"says \"hi\", then goes",3': 'says "hi", then goes',
    r'a.png,"\"hi\"",3': '"hi"',
    r'a.png,"\"",3': '"',
    r'a.png,"say ""hi"" and \"ho\"",3': 'say "hi" and "ho"',
    r'a.png,"\"C:\\",3': '"C:\\',
    'a.png,"line \\"one\\"\nline two",3': 'line "one"\nline two',
    r'a.png,"C:\dir\",3': "C:\\dir\\",  # nothing is escaped
    r"a.png,12\" board,3": r"12\" board",
}


@pytest.mark.parametrize("row", ESCAPED)
def test_quotes_may_be_escaped_by_backslashes(place, row):
    source = open_source(table(place, f"path,caption,n\n{row}\nsub/b.png,x,4\n"))
    assert [(item.path, item.caption, item.metadata["n"]) for item in read(source)] == [
        ("a.png", ESCAPED[row], 3),
        ("sub/b.png", "x", 4),
    ]
    assert source.notes == ()


@pytest.mark.parametrize("header", ["path\n", ""])
@pytest.mark.parametrize(
    "names",
    [["Paris, 2019.png"], ["Paris, 2019.png", "b.png"], ["b.png", "a; b | c.png"], ["b.png", "c.png", "d, e.png"]],
)
def test_a_list_of_paths_may_have_separators_in_its_names(tmp_path, names, header):
    for name in names:
        paint(tmp_path / name, "red")
    for text in ("\n".join(names), "\r\n".join(f'"{name}"' for name in names)):
        assert [item.path for item in read(open_source(table(tmp_path, header + text)))] == names


def test_a_table_whose_rows_end_in_a_path_is_no_list(place):
    items = read(open_source(table(place, "one, red,a.png\ntwo, blue,sub/b.png\n")))
    assert [(item.path, item.metadata["column_2"]) for item in items] == [("a.png", "red"), ("sub/b.png", "blue")]


@pytest.mark.parametrize("name", ["t.tsv", "t.csv", "captions.txt", "results.token"])
def test_the_numbers_of_captions_behind_a_path_are_no_part_of_it(place, name):
    rows = ["a.png#0\tA dog , running .", "a.png#1\tA brown dog .", "sub/b.png#0\tA cat ."]
    items = read(open_source(table(place, "\n".join(rows), name)))
    assert [(item.path, item.captions) for item in items] == [
        ("a.png", ("A dog , running .", "A brown dog .")),
        ("sub/b.png", ("A cat .",)),
    ]


def archive(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    "data, sentence",
    [
        (archive("xl/workbook.xml"), "is a spreadsheet, whatever its name says; save its table as CSV"),
        (archive("a.csv"), "is a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "is a spreadsheet of an old Excel"),
        (gzip.compress(b"path\na.png\n"), "compressed by gzip, whatever its name says; unpack it"),
        (bz2.compress(b"path\na.png\n"), "compressed by bzip2"),
        (b'[{"path": "a.png"}]', "is JSON"),
        (b'\xef\xbb\xbf{"path": "a.png"}\n{"path": "b.png"}\n', "is JSON"),
        (b"SQLite format 3\0" + bytes(100), "is a database of SQLite"),
        (b"PAR1" + bytes(30), "is a parquet file, whatever its name says; give its name the ending .parquet"),
        (b"<!DOCTYPE html><table>", "is a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9), "is an image"),
        (bytes(range(1, 256)), "is no text"),
    ],
)
def test_what_is_called_a_table_and_is_none_is_said_in_a_sentence(place, data, sentence):
    with pytest.raises(UserError, match=sentence):
        open_source(table(place, data))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("language", ["gb18030", "shift_jis", "big5"])
def test_ideographs_in_utf_16_need_no_mark(encoding, language):
    assert decode_text(IN_CODE_PAGES[language].encode(encoding)) == IN_CODE_PAGES[language]
