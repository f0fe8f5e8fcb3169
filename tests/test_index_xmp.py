"""XMP as other programs read and write it: what they wrote stays, what people said in Gelato is added."""

import json
import subprocess
from xml.etree import ElementTree

import pytest

from index.build import build_collection
from index.collection import Collection
from index.export.export import ExportRequest, export
from index.export.selection import Selection
from index.export.xmp import Annotation, merged_xmp
from index.storage.tags import tag
from tests.programs import has
from tests.samples import noise_image

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
LR = "{http://ns.adobe.com/lightroom/1.0/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
FULL = Annotation(("dog", "animal|cat & <x>"), 4, "A title", "two\nlines")

DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:dt="http://darktable.sf.net/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
   xmp:Rating="2" dt:note="a&#10;b" dt:xmp_version="4">
   <!-- of a person -->
   <dt:history><rdf:Seq><rdf:li dt:num="0" dt:operation="exposure" dt:params="00&quot;ff"/></rdf:Seq></dt:history>
   <dc:subject><rdf:Seq><rdf:li>pets</rdf:li><rdf:li>dog</rdf:li></rdf:Seq></dc:subject>
   <lr:hierarchicalSubject><rdf:Seq><rdf:li>pets|dog</rdf:li></rdf:Seq></lr:hierarchicalSubject>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">theirs</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
DIGIKAM = DARKTABLE.replace(
    "<!-- of a person -->",
    '<d:TagsList xmlns:d="http://www.digikam.org/ns/1.0/"><rdf:Seq><rdf:li>pets/dog</rdf:li></rdf:Seq></d:TagsList>',
)
OTHER_PREFIXES = """<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description r:about="uuid:1"
 xmlns:dc="urn:other" dc:subject="not keywords" xmlns:s="http://purl.org/dc/elements/1.1/" s:subject="pets"/></r:RDF>"""


def listed(packet: bytes, name: str) -> list[str]:
    """A property's list, by another parser."""
    found = ElementTree.fromstring(packet.strip()).find(f".//{name}")
    return [] if found is None else [item.text or "" for item in found.iter(f"{RDF}li")]


def facts(packet: bytes) -> list[tuple[str, str]]:
    """Every element and attribute that says something, with its value."""
    root = ElementTree.fromstring(packet.strip())
    said = [(element.tag, (element.text or "").strip()) for element in root.iter()]
    return [pair for pair in said if pair[1]] + [pair for element in root.iter() for pair in element.attrib.items()]


def test_a_new_packet_says_everything_once():
    packet = merged_xmp(b"", FULL)
    assert listed(packet, f"{DC}subject") == ["dog", "animal", "cat & <x>"]
    assert listed(packet, f"{LR}hierarchicalSubject") == ["dog", "animal|cat & <x>"]
    assert listed(packet, f"{DC}description") == ["two\nlines"] and listed(packet, f"{DC}title") == ["A title"]
    assert ElementTree.fromstring(packet.strip()).findtext(f".//{XMP}Rating") == "4"
    assert merged_xmp(packet, FULL) is packet


@pytest.mark.parametrize("theirs", [DARKTABLE, DIGIKAM, OTHER_PREFIXES])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_other_programs_wrote_stays(theirs, encoding):
    old = theirs.replace("UTF-8", "UTF-16" if encoding == "utf-16" else "UTF-8").encode(encoding)
    new = merged_xmp(old, FULL)
    missing = [pair for pair in facts(theirs.encode()) if pair not in facts(new) and pair[1] != "pets"]
    assert not missing and b"pets" in new
    assert {"dog", "cat & <x>", "pets"} <= set(listed(new, f"{DC}subject"))
    assert merged_xmp(new, FULL) is new


def test_what_is_there_goes_before_what_gelato_knows():
    new = merged_xmp(DARKTABLE.encode(), FULL)
    assert listed(new, f"{DC}subject") == ["pets", "dog", "animal", "cat & <x>"]
    assert listed(new, f"{LR}hierarchicalSubject") == ["pets|dog", "animal|cat & <x>"]  # dog is there as a path
    assert listed(new, f"{DC}description") == ["theirs"]
    assert ("{http://ns.adobe.com/xap/1.0/}Rating", "2") in facts(new) and b"of a person" in new
    assert "animal/cat & <x>" in listed(merged_xmp(DIGIKAM.encode(), FULL), "{http://www.digikam.org/ns/1.0/}TagsList")
    unrated = DARKTABLE.replace('xmp:Rating="2"', 'xmp:Rating="0"')
    assert ElementTree.fromstring(merged_xmp(unrated.encode(), FULL)).findtext(f".//{XMP}Rating") == "4"


def test_a_sidecar_repeats_the_keywords_of_the_file_since_programs_read_its_own_instead():
    packet = merged_xmp(b"", Annotation(("new",), own_keywords=("pets", "dog")))
    assert listed(packet, f"{DC}subject") == ["pets", "dog", "new"]
    packet = merged_xmp(DARKTABLE.encode(), Annotation(("sea|dog",), own_keywords=("pets", "dog")))
    assert listed(packet, f"{LR}hierarchicalSubject") == ["pets|dog", "sea|dog"]


def test_what_xml_cannot_hold_is_left_out():
    packet = merged_xmp(b"", Annotation(("a\x00b\ud800c", "\x01", "e\u0301"), None, "", "\x1b[2J"))
    assert listed(packet, f"{DC}subject") == ["abc", "\u00e9"] and listed(packet, f"{DC}description") == ["[2J"]


@pytest.mark.parametrize(
    "packet", [b"no XML", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>"]
)
def test_what_is_no_xmp_is_refused(packet):
    with pytest.raises(ValueError):
        merged_xmp(packet, FULL)


@pytest.fixture
def library(tmp_path, encoder):
    """Photos with tags, and what other programs put beside them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(("a.jpg", "two.jpg", "two.png", "theirs.jpg", "bad.jpg", "plain.jpg")):
        noise_image(number).save(folder / name)
    (folder / "theirs.jpg.xmp").write_text(DARKTABLE)
    (folder / "bad.xmp").write_text("not XML")
    build_collection([folder], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    tagged = collection.items["id"][collection.items["path"] != "plain.jpg"]
    tag(collection, list(tagged), "to print")
    return folder, collection


def xmp(collection, out=None, **settings):
    return export(Selection.of(collection), ExportRequest("xmp", out, **settings))


def test_sidecars_lie_beside_their_images_and_a_second_run_changes_nothing(library):
    folder, collection = library
    images = {path.name: path.read_bytes() for path in folder.glob("*.*g")}
    tried = xmp(collection, dry_run=True)
    assert (tried.written, tried.updated) == (3, 1) and len(list(folder.glob("*.xmp"))) == 2
    report = xmp(collection)
    assert (report.images, report.written, report.updated, report.empty) == (6, 3, 1, 1)
    assert [(one.path, "cannot be merged" in one.reason) for one in report.not_exported] == [("bad.jpg", True)]
    found = sorted(path.name for path in folder.glob("*.xmp"))
    assert found == ["a.xmp", "bad.xmp", "theirs.jpg.xmp", "two.jpg.xmp", "two.png.xmp"]
    assert (folder / "bad.xmp").read_text() == "not XML"
    assert listed((folder / "theirs.jpg.xmp").read_bytes(), f"{DC}subject") == ["pets", "dog", "to print"]
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    again = xmp(collection)
    assert (again.written, again.updated, again.unchanged) == (0, 0, 4)
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert images == {path.name: path.read_bytes() for path in folder.glob("*.*g")}


def test_sidecars_in_a_folder_begin_with_what_lies_beside_the_image(library, tmp_path):
    folder, collection = library
    before = sorted(path.name for path in folder.iterdir())
    report = xmp(collection, tmp_path / "out", full_names=True)
    assert report.written == 4 and before == sorted(path.name for path in folder.iterdir())
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        *("a.jpg.xmp", "theirs.jpg.xmp", "two.jpg.xmp", "two.png.xmp")
    ]
    assert listed((tmp_path / "out/theirs.jpg.xmp").read_bytes(), f"{DC}subject") == ["pets", "dog", "to print"]
    assert xmp(collection, tmp_path / "out", full_names=True).unchanged == 4


@pytest.mark.skipif(not has("exiftool"), reason="needs exiftool; `sh tests/exiftool.sh` brings it")
def test_exiftool_reads_the_sidecars_without_a_warning(tmp_path):
    for number, theirs in enumerate(("", DARKTABLE, DIGIKAM)):
        (tmp_path / f"{number}.xmp").write_bytes(merged_xmp(theirs.encode(), FULL))
    done = subprocess.run(["exiftool", "-j", "-a", str(tmp_path)], capture_output=True, text=True, check=False)
    new, darktable, digikam = sorted(json.loads(done.stdout), key=lambda one: one["SourceFile"])
    assert new["Subject"] == ["dog", "animal", "cat & <x>"] and new["Rating"] == 4
    assert new["HierarchicalSubject"] == ["dog", "animal|cat & <x>"]
    assert (new["Title"], new["Description"]) == ("A title", "two\nlines")
    assert darktable["Subject"] == ["pets", "dog", "animal", "cat & <x>"] and darktable["Rating"] == 2
    assert digikam["TagsList"] == ["pets/dog", "animal/cat & <x>"]
    assert not [key for one in (new, darktable, digikam) for key in one if key in ("Warning", "Error")]


@pytest.mark.parametrize("start", [b"", DARKTABLE.encode(), DIGIKAM.encode(), OTHER_PREFIXES.encode()])
def test_keywords_that_are_not_said_any_more_go_and_those_of_others_stay(start):
    before = set(listed(start, f"{DC}subject")) if start else set()
    one = merged_xmp(start, Annotation(("dog", "animal|cat", "print"), own_keywords=("sea",)))
    assert {"dog", "animal", "cat", "print", "sea"} | before <= set(listed(one, f"{DC}subject"))
    # A build reads the sidecar, so that all of its keywords come back as those that the file has itself.
    own = tuple(listed(one, f"{DC}subject"))
    said = Annotation(("dog", "animal|cat", "print"), own_keywords=own)
    one = merged_xmp(one, said)
    assert merged_xmp(one, said) == one
    two = merged_xmp(one, Annotation(("dog", "sun"), own_keywords=own))
    now = set(listed(two, f"{DC}subject"))
    assert {"dog", "sun", "sea"} <= now and before <= now and not {"animal", "cat", "print"} & now
    assert not {path for path in listed(two, f"{LR}hierarchicalSubject") if "cat" in path or "print" in path}
    three = merged_xmp(two, Annotation(own_keywords=own))
    left = set(listed(three, f"{DC}subject"))
    assert left >= before | {"sea"} and not {"sun", "animal"} & left
    assert ("dog" in left) == ("dog" in before)  # it stays where another program wrote it first
    assert merged_xmp(three, Annotation(own_keywords=tuple(left))) == three
    theirs = three.replace(b"sea</rdf:li>", b"sea</rdf:li><rdf:li>print</rdf:li>", 1)
    if theirs != three and b"TagsList" not in three:  # another program says now what was taken away
        assert "print" in listed(merged_xmp(theirs, Annotation(("sun",), own_keywords=own)), f"{DC}subject")


@pytest.mark.parametrize("where", ["beside", "folder", "originals"])
def test_a_tag_that_was_taken_away_leaves_what_was_written_for_it(tmp_path, encoder, where):
    (tmp_path / "photos").mkdir()
    noise_image(1).save(tmp_path / "photos/a.jpg")
    out = tmp_path / "out" if where == "folder" else None
    file = {"beside": "photos/a.xmp", "folder": "out/a.xmp", "originals": "photos/a.jpg"}[where]

    def exported():
        build_collection([tmp_path / "photos"], tmp_path / "c.gelato", encoder)
        collection = Collection.open(tmp_path / "c.gelato")
        asked = ExportRequest("xmp", out, write_originals=where == "originals")
        return collection, export(Selection.of(collection), asked)

    collection, _ = exported()
    id = str(collection.column("id").iat[0])
    tag(collection, [id], "trip")
    tag(collection, [id], "keep")
    assert exported()[1].written + exported()[1].unchanged >= 1
    assert b"trip" in (tmp_path / file).read_bytes()
    tag(collection, [id], "trip", on=False)
    exported()
    assert b"trip" not in (tmp_path / file).read_bytes() and b"keep" in (tmp_path / file).read_bytes()
    tag(collection, [id], "keep", on=False)
    assert exported()[1].updated == 1
    assert b"keep" not in (tmp_path / file).read_bytes()
    again = exported()[1]
    assert (again.written, again.updated) == (0, 0)
