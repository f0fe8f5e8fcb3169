"""Folders as the programs of docs/libraries.md write them: what Gelato makes of each, and the commands shown there."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from index.__main__ import cli
from index.build import build_collection
from index.collection import Collection
from tests.heic import heic
from tests.library import dng
from tests.samples import ColourEncoder, noise_image

XMP = """<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>
<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about=''
 xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:xmp='http://ns.adobe.com/xap/1.0/'
 xmlns:lr='http://ns.adobe.com/lightroom/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/'
 xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/'
 xmlns:digiKam='http://www.digikam.org/ns/1.0/' xmlns:darktable='http://darktable.sf.net/' {attributes}>{elements}
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"""


def xmp(attributes: str = "", elements: str = "") -> bytes:
    return XMP.format(attributes=attributes, elements=elements).encode()


def listed(name: str, kind: str, *values: str) -> str:
    """A property whose values are in an rdf:Bag, rdf:Seq or, one for each language, rdf:Alt."""
    language = " xml:lang='x-default'" if kind == "Alt" else ""
    items = "".join(f"<rdf:li{language}>{value}</rdf:li>" for value in values)
    return f"<{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"


def jpeg(number: int, **exif: Any) -> bytes:
    """An image with these EXIF tags, by their numbers: x9C9E is 0x9C9E."""
    out, tags = io.BytesIO(), Image.Exif()
    for tag, value in exif.items():
        tags[int(tag[1:], 16)] = value
    noise_image(number, (64, 48)).save(out, "JPEG", exif=tags)
    return out.getvalue()


TAKEOUT = {
    "title": "IMG_1.jpg",
    "description": "on the beach",
    "photoTakenTime": {"timestamp": "1560000000"},
    "geoData": {"latitude": 48.1, "longitude": 11.5, "altitude": 0.0},
    "people": [{"name": "Anna"}],
    "favorited": True,
}
BEACH = listed("dc:subject", "Bag", "beach", "dog")
# Of each program: its files, and of the one image the columns that must be known.
PROGRAMS: dict[str, tuple[Mapping[str, bytes], Mapping[str, Any]]] = {
    "Google Photos (Takeout)": (
        {
            "Takeout/Google Photos/Photos from 2019/IMG_1.jpg": jpeg(1),
            "Takeout/Google Photos/Photos from 2019/IMG_1.jpg.supplemental-metadata.json": json.dumps(TAKEOUT).encode(),
            "Takeout/Google Photos/Photos from 2019/metadata.json": b'{"title": "Photos from 2019"}',
            "Takeout/archive_browser.html": b"<html>",
        },
        {"description": "on the beach", "people": "Anna", "favorite": True, "latitude": 48.1},
    ),
    "Apple Photos": (
        {
            "Export/IMG_1.HEIC": heic(),
            "Export/IMG_1.MOV": b"moving",
            "Export/IMG_1.AAE": b"<plist/>",
            "Export/IMG_1.xmp": xmp(
                "",
                BEACH + listed("dc:title", "Alt", "Summer") + "<exif:GPSLatitude>48,6.0N</exif:GPSLatitude>"
                "<exif:GPSLongitude>11,30.0E</exif:GPSLongitude>",
            ),
        },
        {"keywords": "beach; dog", "title": "Summer", "latitude": 48.1},
    ),
    "Immich": (
        {
            "library/admin/2023/2023-05-01/IMG_1.jpg": jpeg(1),
            "library/admin/2023/2023-05-01/IMG_1.jpg.xmp": xmp(
                "xmp:Rating='4' exif:DateTimeOriginal='2023-05-01T10:00:00.000+02:00'",
                listed("digiKam:TagsList", "Seq", "animal/dog") + listed("dc:description", "Alt", "on the beach"),
            ),
            "thumbs/admin/00/11/thumbnail.webp.tmp": b"",
        },
        {"rating": 4, "keywords": "animal; dog", "description": "on the beach", "taken_offset": "+02:00"},
    ),
    "PhotoPrism": (
        {
            "originals/2023/IMG_1.jpg": jpeg(1),
            "originals/2023/IMG_1.xmp": xmp("", listed("dc:title", "Alt", "Summer") + BEACH),
            "sidecar/2023/IMG_1.yml": b"Title: other\n",
        },
        {"title": "Summer", "keywords": "beach; dog"},
    ),
    "digiKam": (
        {
            "IMG_1.jpg": jpeg(1),
            "IMG_1.jpg.xmp": xmp("xmp:Rating='5'", listed("digiKam:TagsList", "Seq", "animal/dog")),
            "digikam4.db": b"SQLite format 3\0",
        },
        {"rating": 5, "keywords": "animal; dog"},
    ),
    "Lightroom": (
        {
            "IMG_1.DNG": dng(noise_image(1, (200, 150))),
            "IMG_1.xmp": xmp("xmp:Rating='3'", listed("lr:hierarchicalSubject", "Bag", "animal|dog") + BEACH),
            "catalog Previews.lrdata/0/1.jpg": jpeg(9),
        },
        {"rating": 3, "keywords": "beach; dog; animal"},
    ),
    "darktable": (
        {"IMG_1.jpg": jpeg(1), "IMG_1.jpg.xmp": xmp("xmp:Rating='-1' darktable:xmp_version='5'", BEACH)},
        {"rejected": True, "keywords": "beach; dog"},
    ),
    "Windows": (
        {
            "IMG_1.jpg": jpeg(1, x9C9E="beach;dog".encode("utf-16-le"), x4746=4, x9C9B="Summer".encode("utf-16-le")),
            "Thumbs.db": b"",
            "desktop.ini": b"",
        },
        {"keywords": "beach; dog", "rating": 4, "title": "Summer"},
    ),
    "Picasa": ({"IMG_1.jpg": jpeg(1), ".picasa.ini": b"[IMG_1.jpg]\nstar=yes\n", "Picasa.ini": b""}, {}),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_program_wrote_is_known_and_the_commands_of_the_page_run(tmp_path, monkeypatch, program):
    files, columns = PROGRAMS[program]
    for name, data in files.items():
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).write_bytes(data)
    into = tmp_path / "photos.gelato"
    report = build_collection([tmp_path / "photos"], into, ColourEncoder())
    assert (report.images, report.failed, report.files["total"]) == (1, 0, len(files))
    [row] = Collection.open(into).stored.to_dict("records")
    assert {name: row.get(name) for name in columns} == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in columns.items()
    }
    monkeypatch.setattr("training.models.encoders.load_encoder", lambda *_: ColourEncoder())
    for command in (
        ["search", into, "red", "--where", "rating >= 4 and taken >= '2021-06-01'"],
        ["search", into, "red", "--filter", "keywords=beach"],
        ["export", into, "--format", "xmp", "--dry-run"],
        ["verify", into, "--deep"],
    ):
        done = CliRunner().invoke(cli, [str(word) for word in command])
        missing = "--where" in command or "--filter" in command
        assert done.exit_code == 0 or (missing and "column" in done.output), done.output


def test_every_program_of_the_page_has_a_folder_here():
    page = (Path(__file__).parent.parent / "docs/libraries.md").read_text()
    _, _, section = page.partition("## Coming from another program")
    named = [line.split("**")[1] for line in section.partition("\n## ")[0].splitlines() if line.startswith("- **")]
    programs = {program.strip() for names in named for program in names.rstrip(".").split(",")}
    assert programs == set(PROGRAMS)
