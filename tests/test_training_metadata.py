"""What people and cameras wrote into an image, in every format that carries it, right, wrong and broken."""

import io
import json
import random
import struct
import subprocess
import time
import zlib
from datetime import datetime
from math import nan

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from tests.heic import heic
from tests.metadata_samples import exif_block, iptc_records, jpeg, photoshop_block, with_segments, xmp_packet
from tests.programs import has
from training.data.metadata.columns import merged, of_moment, of_source, row_of
from training.data.metadata.embedded import embedded_columns
from training.data.metadata.moments import read_moment
from training.data.metadata.takeout import json_columns
from training.data.metadata.values import place
from training.data.metadata.xmp import xmp_columns

MAKE, MODEL, ORIENTATION, DESCRIPTION, DATE = 0x010F, 0x0110, 0x0112, 0x010E, 0x0132
RATING, PERCENT, XP_TITLE, XP_COMMENT, XP_KEYWORDS = 0x4746, 0x4749, 0x9C9B, 0x9C9C, 0x9C9E
TAKEN, SUBSECOND, OFFSET, LENS, COMMENT = 0x9003, 0x9291, 0x9011, 0xA434, 0x9286
UNKNOWN = IFDRational(0, 0)
DAY = "2021:05:06 07:08:09"
MOMENT = datetime(2021, 5, 6, 7, 8, 9)
BERLIN = {1: "N", 2: (52.0, 30.0, 36.0), 3: "E", 4: (13.0, 24.0, 18.0)}
FULL = exif_block(
    {MAKE: "Canon", MODEL: "Canon EOS 5D", RATING: 4, XP_KEYWORDS: "Küche;Hund".encode("utf-16-le")},
    {TAKEN: DAY, OFFSET: "+02:00", LENS: "EF50mm f/1.8 STM"},
    {**BERLIN, 5: b"\0", 6: 34.5},
)
FULL_COLUMNS = {
    "taken": datetime(2021, 5, 6, 5, 8, 9),
    "taken_offset": "+02:00",
    "camera": "Canon EOS 5D",
    "lens": "EF50mm f/1.8 STM",
    "latitude": 52.51,
    "longitude": 13.405,
    "altitude": 34.5,
    "rating": 4,
    "keywords": "Küche; Hund",
}


def of_exif(main=(), detail=(), gps=()):
    return embedded_columns(jpeg(exif_block(dict(main), dict(detail), dict(gps))))


def saved(kind, **options):
    out = io.BytesIO()
    Image.new("RGB", (32, 24), "red").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_every_format_that_carries_exif_and_xmp_gives_both(kind):
    data = saved(kind, exif=FULL, **({} if kind == "PNG" else {"xmp": xmp_packet({"dc:title": {"x-default": "Rot"}})}))
    title = {} if kind == "PNG" else {"title": "Rot"}
    assert embedded_columns(data) == FULL_COLUMNS | title


def test_a_heic_keeps_both_as_items():
    data = heic(exif=FULL.tobytes().removeprefix(b"Exif\0\0"), xmp=xmp_packet({"dc:title": {"x-default": "Rot"}}))
    assert embedded_columns(data) == FULL_COLUMNS | {"title": "Rot"}


@pytest.mark.skipif(not has("exiftool"), reason="needs exiftool; `sh tests/exiftool.sh` brings it")
def test_what_exiftool_writes_is_read_in_every_format(tmp_path):
    formats = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF", "avif": "AVIF", "jp2": "JPEG2000"}
    for ending, kind in formats.items():
        (tmp_path / f"a.{ending}").write_bytes(saved(kind))
    (tmp_path / "a.heic").write_bytes(heic())
    exif = {"DateTimeOriginal": DAY, "OffsetTimeOriginal": "+02:00", "Make": "Canon", "Model": "Canon EOS 5D"}
    others = {
        "XMP:Rating": "3",
        "XMP-dc:Title": "Küche",
        "XMP-lr:HierarchicalSubject": "animal|cat",
        "RegionName": "Anna",
    }
    place = {"GPSLatitude": "52.51", "GPSLatitudeRef": "S", "GPSLongitude": "13.405", "GPSLongitudeRef": "E"}
    fields = {f"EXIF:{name}": value for name, value in (exif | place | {"UserComment": "東京"}).items()} | others
    command = [
        "exiftool",
        "-overwrite_original",
        *(f"-{name}={value}" for name, value in fields.items()),
        str(tmp_path),
    ]
    subprocess.run(command, check=True, capture_output=True)
    for path in tmp_path.iterdir():
        assert embedded_columns(path.read_bytes()) == {
            **{"taken": datetime(2021, 5, 6, 5, 8, 9), "taken_offset": "+02:00", "camera": "Canon EOS 5D"},
            **{"latitude": -52.51, "longitude": 13.405, "rating": 3, "title": "Küche", "description": "東京"},
            **{"keywords": "animal; cat", "people": "Anna"},
        }, path.name


def test_an_image_of_several_gives_the_metadata_of_the_first():
    out = io.BytesIO()
    second = Image.new("RGB", (32, 24), "blue")
    Image.new("RGB", (32, 24), "red").save(out, "MPO", save_all=True, append_images=[second], exif=FULL)
    assert embedded_columns(out.getvalue()) == FULL_COLUMNS


def test_a_tiff_has_its_metadata_in_its_own_fields():
    tags = Image.Exif()
    tags[MAKE], tags[MODEL], tags[DATE] = "NIKON CORPORATION", "NIKON D90", DAY
    tags[700] = xmp_packet({"xmp:Rating": "3"})
    tags[33723] = iptc_records([(25, b"red")])
    found = embedded_columns(saved("TIFF", exif=tags))
    assert found == {"taken": MOMENT, "camera": "NIKON D90", "rating": 3, "keywords": "red"}


def png_with(*chunks):
    data = saved("PNG")
    made = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return data[:-12] + made + data[-12:]  # before the end, that is behind the pixels


XMP_CHUNK = b"XML:com.adobe.xmp\0"


@pytest.mark.parametrize(
    "chunk",
    [
        (b"iTXt", XMP_CHUNK + b"\0\0\0\0" + xmp_packet({"xmp:Rating": "5"})),
        (b"iTXt", XMP_CHUNK + b"\1\0\0\0" + zlib.compress(xmp_packet({"xmp:Rating": "5"}))),
        (b"eXIf", exif_block({RATING: 5}).tobytes()[6:]),
        (b"eXIf", exif_block({RATING: 5}).tobytes()),
        (
            b"zTXt",
            b"Raw profile type exif\0\0"
            + zlib.compress(b"\nexif\n   99\n" + exif_block({RATING: 5}).tobytes().hex().encode()),
        ),
        (b"tEXt", b"Raw profile type xmp\0\nxmp\n 9\n" + xmp_packet({"xmp:Rating": "5"}).hex().encode()),
    ],
)
def test_a_png_keeps_metadata_in_chunks_before_or_behind_its_pixels(chunk):
    assert embedded_columns(png_with(chunk)) == {"rating": 5}


def test_the_texts_of_a_png_and_the_xmp_of_a_gif():
    texts = png_with((b"tEXt", b"Title\0Sunset"), (b"iTXt", "Description\0\0\0\0\0Küche".encode()))
    assert embedded_columns(texts) == {"title": "Sunset", "description": "Küche"}
    trailer = b"\1" + bytes(range(255, -1, -1)) + b"\0"
    extension = b"\x21\xff\x0bXMP DataXMP" + xmp_packet({"xmp:Rating": "2"}) + trailer
    gif = saved("GIF")
    assert embedded_columns(gif[:-1] + extension + gif[-1:]) == {"rating": 2}


@pytest.mark.parametrize(
    "detail, columns",
    [
        ({TAKEN: DAY}, {"taken": MOMENT}),
        ({TAKEN: DAY, SUBSECOND: "25"}, {"taken": datetime(2021, 5, 6, 7, 8, 9, 250000)}),
        ({TAKEN: DAY, OFFSET: "-03:30"}, {"taken": datetime(2021, 5, 6, 10, 38, 9), "taken_offset": "-03:30"}),
        ({TAKEN: DAY, OFFSET: "Z"}, {"taken": MOMENT, "taken_offset": "+00:00"}),
        ({TAKEN: DAY, OFFSET: "   :  "}, {"taken": MOMENT}),
        ({TAKEN: DAY, OFFSET: "+99:00"}, {"taken": MOMENT}),
        ({TAKEN: "2021-05-06T07:08:09+02:00"}, {"taken": datetime(2021, 5, 6, 5, 8, 9), "taken_offset": "+02:00"}),
        ({TAKEN: "0000:00:00 00:00:00", 0x9004: DAY}, {"taken": MOMENT}),
        *[
            ({TAKEN: wrong}, {})
            for wrong in (
                *("0000:00:00 00:00:00", "1970:01:01 00:00:00", "9999:12:31 23:59:59", "2022:02:31 00:00:00"),
                *("    :  :     :  :  ", "yesterday", "", "2021:13:01 00:00:00", "1700:01:01 00:00:00"),
            )
        ],
    ],
)
def test_when_an_image_was_taken(detail, columns):
    assert of_exif(detail=detail) == columns


@pytest.mark.parametrize(
    "fields, offset",
    [
        ({TAKEN: DAY, 0x9010: "+02:00"}, "+02:00"),
        ({TAKEN: DAY, 0x9012: "+02:00"}, "+02:00"),
        ({TAKEN: DAY, 0x0132: DAY, 0x9010: "+02:00"}, "+02:00"),
        ({TAKEN: DAY, 0x0132: "2022:01:01 00:00:00", 0x9010: "+02:00"}, None),  # the zone of a later change
        ({TAKEN: DAY, 0x9010: "-05:00", 0x9011: "+02:00"}, "+02:00"),
        ({0x9004: DAY, 0x9010: "+02:00"}, "+02:00"),
        ({TAKEN: DAY, 0x9010: ""}, None),
    ],
)
def test_an_offset_beside_a_time_without_one_is_its_own_if_the_clocks_agree(fields, offset):
    main = {0x0132: fields.pop(0x0132)} if 0x0132 in fields else {}
    assert of_exif(main=main, detail=fields).get("taken_offset") == offset


@pytest.mark.parametrize(
    "clock, day, time, columns",
    [
        (DAY, "2021:05:06", (5, 8, 9), {"taken": datetime(2021, 5, 6, 5, 8, 9), "taken_offset": "+02:00"}),
        (DAY, "2021:05:06", (1, 39, 50), {"taken": datetime(2021, 5, 6, 1, 38, 9), "taken_offset": "+05:30"}),
        (DAY, "2021:05:06", (5, 30, 0), {"taken": MOMENT}),  # an old fix tells nothing of the zone
        (DAY, "1999:01:01", (5, 8, 9), {"taken": MOMENT}),
        ("", "2021:05:06", (5, 8, 9), {"taken": datetime(2021, 5, 6, 5, 8, 9), "taken_offset": "+00:00"}),
        (DAY, "2021:05:06", (UNKNOWN, 8, 9), {"taken": MOMENT}),
    ],
)
def test_satellites_tell_the_time_zone(clock, day, time, columns):
    assert of_exif(detail={TAKEN: clock}, gps={7: time, 29: day}) == columns


@pytest.mark.parametrize(
    "gps, place",
    [
        (BERLIN, (52.51, 13.405)),
        (BERLIN | {1: "S", 3: "W"}, (-52.51, -13.405)),
        (BERLIN | {2: (52.0, 30.6), 4: (13.405,)}, (52.51, 13.405)),
        ({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)}, None),
        ({1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (6.0, 0.0, 0.0)}, (0.0, 6.0)),
        (BERLIN | {2: (UNKNOWN, 0.0, 0.0)}, None),
        (BERLIN | {2: (91.0, 0.0, 0.0)}, None),
        (BERLIN | {4: (1e9, 0.0, 0.0)}, None),
        ({1: "N", 2: (52.0, 30.0, 36.0)}, None),
    ],
)
def test_where_an_image_was_taken(gps, place):
    found = of_exif(gps=gps)
    assert (found.get("latitude"), found.get("longitude")) == (place or (None, None))


@pytest.mark.parametrize(
    "gps, altitude", [({5: b"\0", 6: 12.5}, 12.5), ({5: b"\1", 6: 12.5}, -12.5), ({6: UNKNOWN}, None), ({6: 1e9}, None)]
)
def test_an_altitude_has_its_sign_in_another_field(gps, altitude):
    assert of_exif(gps=BERLIN | gps).get("altitude") == altitude


@pytest.mark.parametrize(
    "main, columns",
    [
        ({MAKE: "NIKON CORPORATION", MODEL: "D90"}, {"camera": "NIKON CORPORATION D90"}),
        ({MAKE: "NIKON CORPORATION", MODEL: "NIKON D90"}, {"camera": "NIKON D90"}),
        ({MAKE: "EASTMAN KODAK COMPANY", MODEL: "KODAK DX6490"}, {"camera": "KODAK DX6490"}),
        ({MAKE: "Apple", MODEL: "iPhone 12"}, {"camera": "Apple iPhone 12"}),
        ({MAKE: "  ", MODEL: "X\0\x1b[2J"}, {"camera": "X"}),
        ({ORIENTATION: 6}, {"orientation": 6}),
        ({ORIENTATION: 9}, {}),
        ({RATING: 0}, {"rating": 0}),
        ({RATING: 9}, {}),
        ({PERCENT: 75}, {"rating": 4}),
        ({XP_TITLE: "Küche\0".encode("utf-16-le")}, {"title": "Küche"}),
        ({XP_COMMENT: "über\0".encode("utf-16-le")}, {"description": "über"}),
        ({DESCRIPTION: "two\nlines"}, {"description": "two\nlines"}),
        ({DESCRIPTION: "OLYMPUS DIGITAL CAMERA         "}, {}),
        ({DESCRIPTION: "SONY DSC"}, {}),
        ({XP_KEYWORDS: " a; b ;a;;c".encode("utf-16-le")}, {"keywords": "a; b; c"}),
        ({XP_KEYWORDS: "a\x01b\0;\x1b[2J".encode("utf-16-le")}, {"keywords": "ab; [2J"}),
    ],
)
def test_what_stands_in_the_fields_of_exif(main, columns):
    assert of_exif(main) == columns


@pytest.mark.parametrize(
    "comment, text",
    [
        (b"ASCII\0\0\0hello\0\0", "hello"),
        (b"UNICODE\0" + "Küche".encode("utf-16-le"), "Küche"),
        (b"UNICODE\0" + "Küche".encode("utf-16-be"), "Küche"),
        (b"UNICODE\0" + "Küche".encode("utf-16"), "Küche"),
        (b"JIS\0\0\0\0\0" + "東京".encode("iso2022_jp"), "東京"),
        (b"\0" * 8 + b"hello", "hello"),
        ("Küche".encode(), "Küche"),
        (b"\0" * 64, None),
        (b"ASCII\0\0\0" + b" " * 40, None),
    ],
)
def test_a_comment_names_its_encoding(comment, text):
    assert of_exif(detail={COMMENT: comment}).get("description") == text


@pytest.mark.parametrize(
    "text, utf_8, expected",
    [
        ("Küche".encode(), True, "Küche"),
        ("Küche".encode(), False, "Küche"),
        ("Küche".encode("latin-1"), False, "Küche"),
    ],
)
def test_iptc_has_a_charset_or_none(text, utf_8, expected):
    records = iptc_records(
        [(5, text), (25, text), (25, b"dog"), (120, text), (55, b"20210506"), (60, b"070809+0200")], utf_8
    )
    assert embedded_columns(jpeg(iptc=records)) == {
        "title": expected,
        "keywords": f"{expected}; dog",
        "description": expected,
        "taken": datetime(2021, 5, 6, 5, 8, 9),
        "taken_offset": "+02:00",
    }


def test_iptc_is_found_behind_other_blocks_of_photoshop():
    other = b"8BIM\x03\xed\x05names" + struct.pack(">I", 3) + b"abc\0"
    segment = photoshop_block(iptc_records([(25, b"cat")]), before=other)
    data = with_segments(saved("JPEG"), b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment)
    assert embedded_columns(data) == {"keywords": "cat"}


@pytest.mark.parametrize(
    "properties, columns",
    [
        ({"xmp:Rating": "4"}, {"rating": 4}),
        ({"xmp:Rating": "4.0"}, {"rating": 4}),
        ({"xmp:Rating": "-1"}, {"rejected": True}),
        ({"xmp:Rating": "many"}, {}),
        ({"MicrosoftPhoto:Rating": "99"}, {"rating": 5}),
        ({"MicrosoftPhoto:Rating": "1"}, {"rating": 1}),
        ({"dc:subject": ["cat", "dog; big", "cat"]}, {"keywords": "cat; dog, big"}),
        ({"lr:hierarchicalSubject": ["animal|cat"]}, {"keywords": "animal; cat"}),
        (
            {
                "dc:subject": ["changed", "cr2", "darktable", "cat", "darktable|style|film"],
                "lr:hierarchicalSubject": ["darktable|changed", "darktable|format|cr2", "animal|cat", "darktable"],
            },
            {"keywords": "darktable; cat; animal"},
        ),
        ({"digiKam:TagsList": ["Places/Berlin"]}, {"keywords": "Places; Berlin"}),
        ({"dc:title": {"de": "Katze", "x-default": "Cat"}}, {"title": "Cat"}),
        ({"dc:description": {"de": "Katze"}}, {"description": "Katze"}),
        ({"dc:description": {"de": "two&#xA;lines\0\x1b&#0;&#x1F;"}}, {"description": "two\nlines"}),
        ({"Iptc4xmpExt:PersonInImage": ["Anna", "Bob"]}, {"people": "Anna; Bob"}),
        ({"tiff:Make": "Canon", "tiff:Model": "EOS", "aux:Lens": "EF50mm"}, {"camera": "Canon EOS", "lens": "EF50mm"}),
        (
            {"exif:GPSLatitude": "52,30.6N", "exif:GPSLongitude": "13,24,18W", "exif:GPSAltitude": "69/2"},
            {"latitude": 52.51, "longitude": -13.405, "altitude": 34.5},
        ),
        ({"exif:GPSLatitude": "-52.51", "exif:GPSLongitude": "13.405"}, {"latitude": -52.51, "longitude": 13.405}),
        ({"exif:GPSLatitude": "0,0.0N", "exif:GPSLongitude": "0,0.0E"}, {}),
        ({"exif:DateTimeOriginal": "2021-05-06T07:08:09.25"}, {"taken": datetime(2021, 5, 6, 7, 8, 9, 250000)}),
        ({"photoshop:DateCreated": "2021-05-06"}, {"taken": datetime(2021, 5, 6)}),
        (
            {"photoshop:DateCreated": "2021-05-06T07:08:09", "xmp:CreateDate": "2021-05-06T07:08:09+02:00"},
            {"taken": datetime(2021, 5, 6, 5, 8, 9), "taken_offset": "+02:00"},
        ),
    ],
)
def test_what_xmp_says(properties, columns):
    packet = xmp_packet(properties)
    assert xmp_columns(packet) == columns
    assert xmp_columns(packet + b"\0" * 9) == columns
    assert embedded_columns(jpeg(xmp=packet)) == columns


@pytest.mark.parametrize(
    "document, columns",
    [
        (
            {"photoTakenTime": {"timestamp": "1620277689"}},
            {"taken": datetime(2021, 5, 6, 5, 8, 9), "taken_offset": "+00:00"},
        ),
        ({"photoTakenTime": {"timestamp": "0"}}, {}),
        ({"photoTakenTime": {"timestamp": "1e99"}}, {}),
        ({"photoTakenTime": None, "geoData": "nowhere", "people": 3}, {}),
        ({"title": "IMG_1.jpg", "geoData": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}}, {}),
        (
            {"geoData": {"latitude": 0.0, "longitude": 0.0}, "geoDataExif": {"latitude": 1.5, "longitude": -2.5}},
            {"latitude": 1.5, "longitude": -2.5},
        ),
        (
            {"geoData": {}, "description": "Anna &amp; Bob", "people": [{"name": "Anna"}, {"name": "Bob"}, {}]},
            {"description": "Anna & Bob", "people": "Anna; Bob"},
        ),
        ({"geoData": {}, "favorited": True}, {"favorite": True}),
        (
            {"url": "u", "score": 0.5, "tags": ["a", "b"], "nested": {"a": 1}},
            {"url": "u", "score": 0.5, "tags": ["a", "b"]},
        ),
        ({"wrong": nan, "large": float("inf"), "long": "x" * 20_000, "none": None}, {}),
    ],
)
def test_what_json_files_say(document, columns):
    assert json_columns(json.dumps(document).encode("utf-8-sig")) == columns
    assert json_columns(json.dumps(document).encode("utf-16")) == columns


@pytest.mark.parametrize("data", [b"", b"[]", b"3", b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(data):
    with pytest.raises(ValueError, match="no JSON"):
        json_columns(data)


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>' + xmp_packet({"xmp:Rating": "&b;"})
FILE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'


@pytest.mark.parametrize(
    "packet", [BOMB, FILE, b"", b"<", b"no xml", b"<a>" * 200_000, xmp_packet() + b" " * (8 << 20)]
)
def test_xml_that_is_broken_or_hostile_is_refused(packet):
    with pytest.raises(ValueError):
        xmp_columns(packet)
    if len(packet) < 60_000:
        assert embedded_columns(jpeg(FULL, xmp=packet)) == FULL_COLUMNS


def test_xmp_goes_before_iptc_and_that_before_exif():
    exif = exif_block({XP_KEYWORDS: "exif".encode("utf-16-le"), DESCRIPTION: "exif", RATING: 1}, {TAKEN: DAY})
    iptc = iptc_records([(25, b"iptc"), (120, b"iptc")])
    data = jpeg(exif, xmp_packet({"dc:subject": ["xmp"]}), iptc)
    assert embedded_columns(data) == {"taken": MOMENT, "keywords": "xmp", "description": "iptc", "rating": 1}


@pytest.mark.parametrize(
    "first, second, taken, offset",
    [
        ("2021-05-06T07:08:09", "2021-05-06T07:08:09+02:00", datetime(2021, 5, 6, 5, 8, 9), "+02:00"),
        ("2021-05-06T05:08:09Z", "2021-05-06T07:08:09", datetime(2021, 5, 6, 5, 8, 9), "+02:00"),
        ("2021-05-06T07:08:09", "2021-05-06T05:08:09Z", datetime(2021, 5, 6, 5, 8, 9), "+02:00"),
        ("2021-05-06T05:08:09Z", "2021-05-06T07:08:09+02:00", datetime(2021, 5, 6, 5, 8, 9), "+02:00"),
        ("2021-05-06T07:08:09", "2021-05-06T07:08:09.25+02:00", datetime(2021, 5, 6, 5, 8, 9, 250000), "+02:00"),
        ("2021-05-06T07:08:09", "1999-12-31T00:00:00+01:00", MOMENT, None),
        ("2021-05-06T05:08:09Z", "2021-05-06T07:20:00", datetime(2021, 5, 6, 5, 8, 9), "+00:00"),
    ],
)
def test_of_two_that_mean_one_moment_the_time_zone_is_kept(first, second, taken, offset):
    moments = [read_moment(text) for text in (first, second)]
    one, two = ({"taken": moment.time, "taken_offset": moment.offset} for moment in moments)
    assert merged(one, two)["taken"] == taken and merged(one, two).get("taken_offset") == offset


@pytest.mark.parametrize(
    "said, in_the_file, taken",
    [
        ("2021", "2021-05-06T07:08:09", MOMENT),
        ("2021-05", "2021-05-06T07:08:09", MOMENT),
        ("2021-00-00", "2021-05", datetime(2021, 5, 1)),
        ("2021-05-06", "2021-05-06T07:08:09", MOMENT),
        ("1958", "2021-05-06T07:08:09", datetime(1958, 1, 1)),  # of a scan
        ("1958:07:00 00:00:00", "2021-05-06T07:08:09", datetime(1958, 7, 1)),
        ("2021-01", "2021-05-06T07:08:09", datetime(2021, 1, 1)),
        ("1970", "2021-05-06T07:08:09", datetime(1970, 1, 1)),
        ("2021-01-01", "2021-05-06T07:08:09", datetime(2021, 1, 1)),
        ("2021-05-01", "2021-05-06T07:08:09", datetime(2021, 5, 1)),
    ],
)
def test_a_year_or_month_alone_corrects_a_date_only_where_it_differs(said, in_the_file, taken):
    assert row_of(*(of_moment(read_moment(text)) for text in (said, in_the_file))) == {"taken": taken}


def test_a_place_is_taken_as_a_whole_and_an_empty_cell_says_nothing():
    table = of_source(
        {"latitude": 1.0, "longitude": 2.0, "rating": nan, "title": "", "keywords": ["a", "b"], "own": None}
    )
    assert table == {"latitude": 1.0, "longitude": 2.0, "keywords": "a; b", "own": None}
    camera = {"latitude": 3.0, "longitude": 4.0, "altitude": 5.0, "rating": 3}
    assert merged(table, camera) == table | {"rating": 3}


def test_broken_metadata_never_fails_and_never_hangs():
    draw = random.Random(0)
    xmp, iptc = xmp_packet({"xmp:Rating": "4", "dc:subject": ["a"]}), iptc_records([(25, b"cat"), (120, b"x" * 40)])
    samples = [jpeg(FULL, xmp, iptc), png_with((b"eXIf", FULL.tobytes()[6:])), saved("WEBP", exif=FULL, xmp=xmp)]
    samples += [saved("AVIF", exif=FULL, xmp=xmp), saved("TIFF", exif=exif_block({700: xmp, 33723: iptc}))]
    began, tries = time.monotonic(), 60
    for sample in samples:
        for _ in range(tries):
            data = bytearray(sample)
            for _ in range(draw.randint(1, 12)):
                data[draw.randrange(min(len(data), 3000))] = draw.choice((0, 1, 127, 255, draw.randrange(256)))
            found = embedded_columns(bytes(data[: draw.choice((len(data), draw.randrange(len(data))))]))
            assert isinstance(found, dict)
    assert time.monotonic() - began < 20


PACKET = (
    '<{0}:RDF xmlns:{0}="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><{0}:Description '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/" '
    'xmlns:digiKam="http://www.digikam.org/ns/1.0/" xmp:Rating="4">{1}</{0}:Description></{0}:RDF>'
)


@pytest.mark.parametrize("prefix", ["rdf", "ns0", "r"])
def test_xmp_is_read_whatever_its_prefixes(prefix):
    packet = PACKET.format(prefix, "")
    assert xmp_columns(packet.encode()) == {"rating": 4}
    assert xmp_columns(f'<q:xmpmeta xmlns:q="adobe:ns:meta/">{packet}</q:xmpmeta>'.encode()) == {"rating": 4}


@pytest.mark.parametrize(
    "name, text, keywords",
    [
        ("lr:hierarchicalSubject", "music|AC/DC", "music; AC/DC"),
        ("digiKam:TagsList", "music/a|b", "music; a|b"),
    ],
)
def test_each_list_of_keywords_has_its_own_mark_between_levels(name, text, keywords):
    packet = PACKET.format("rdf", f"<{name}><rdf:Bag><rdf:li>{text}</rdf:li></rdf:Bag></{name}>")
    assert xmp_columns(packet.encode())["keywords"] == keywords


def test_an_offset_of_whole_hours_needs_no_minutes():
    moment = read_moment("2021-06-01 10:00:00+02")
    assert (str(moment.time), moment.offset) == ("2021-06-01 08:00:00", "+02:00")
    assert read_moment("2021-06-01T10:00:00-12").offset == "-12:00"


def test_no_place_has_a_negative_zero():
    assert str(place(51.5, -0.0, None)["longitude"]) == "0.0"


@pytest.mark.parametrize(
    "said, columns",
    [
        ({"taken": "yesterday", "latitude": "north", "altitude": 3}, ["source_taken", "source_latitude", "altitude"]),
        ({"taken": "2021-05-06", "longitude": 7.5}, ["taken", "longitude"]),
        ({"": 1, "  ": None, "n": 2}, ["unnamed", "unnamed", "n"]),
        ({"taken": 1620277689, "rating": "high"}, ["source_taken", "rating"]),
    ],
)
def test_what_a_source_calls_a_date_or_a_place_and_is_none_is_a_column_of_its_own(said, columns):
    assert list(of_source(said)) == list(dict.fromkeys(columns))


EXACT = {"taken": datetime(2021, 5, 6, 5, 8, 9), "taken_offset": "+02:00"}


@pytest.mark.parametrize(
    "coarse, columns",
    [
        ("2021-05-06", EXACT),
        ("2021-05-06T07:08", EXACT),
        ("2021-05-06T00:00:00", EXACT),
        ("2021-05-07", {"taken": datetime(2021, 5, 7)}),  # another day, which a person may have said
        ("2021-05-06T09:08", {"taken": datetime(2021, 5, 6, 9, 8)}),
    ],
)
def test_a_day_or_a_minute_does_not_hide_the_second_within_it(coarse, columns):
    packet = xmp_packet({"photoshop:DateCreated": coarse})
    assert embedded_columns(jpeg(exif_block({}, {TAKEN: DAY, OFFSET: "+02:00"}, {}), xmp=packet)) == columns
