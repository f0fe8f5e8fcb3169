"""Annotations inside originals: only where it was asked for, only where it is safe, and without touching a pixel."""

import io
import json
import subprocess

import pytest
from PIL import Image, IptcImagePlugin

from index.build import build_collection
from index.collection import Collection
from index.export.embedded import NotSafe, jpeg_parts, png_parts, webp_parts, with_annotation
from index.export.export import ExportRequest, export
from index.export.iptc import merged_iptc
from index.export.selection import Selection
from index.export.xmp import Annotation, merged_xmp
from index.storage.tags import tag
from tests.programs import has
from tests.samples import noise_image
from training.models.errors import UserError

SAID = Annotation(("dog", "Tür|größte Katze"), 3, "", "a caption")
THEIRS = merged_xmp(b"", Annotation(rating=5, own_keywords=("theirs",)))


def saved(kind: str, mode: str = "RGB", **settings) -> bytes:
    out = io.BytesIO()
    noise_image(1).convert(mode).save(out, kind, **settings)
    return out.getvalue()


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x010F], found[0x0132] = "Maker", "2020:01:02 03:04:05"
    return found


FILES = {
    "jpeg": saved("JPEG"),
    "progressive": saved("JPEG", progressive=True, restart_marker_blocks=1),
    "jpeg with metadata": saved("JPEG", exif=exif(), xmp=THEIRS, comment=b"a comment", icc_profile=b"\0" * 200),
    "cmyk": saved("JPEG", "CMYK"),
    "png": saved("PNG"),
    "palette": saved("PNG", "P"),
    "png with metadata": saved("PNG", exif=exif()),
    "webp": saved("WEBP"),
    "lossless": saved("WEBP", lossless=True),
    "alpha": saved("WEBP", "RGBA", lossless=True),
    "webp with metadata": saved("WEBP", exif=exif(), xmp=THEIRS),
}


def coded(data: bytes) -> list[bytes]:
    """The parts of a file that are no metadata."""
    if data[:2] == b"\xff\xd8":
        return [body for kind, body in jpeg_parts(data) if kind not in (b"\xe1", b"\xed")]
    if data[:4] == b"RIFF":
        return [body for kind, body in webp_parts(data) if kind not in (b"VP8X", b"XMP ", b"EXIF")]
    return [body for kind, body in png_parts(data) if kind != b"iTXt"]


@pytest.mark.parametrize("name", FILES)
def test_pixels_stay_and_other_readers_find_what_was_written(name):
    old = FILES[name]
    new = with_annotation(old, SAID)
    assert coded(new) == coded(old) and len(coded(new)) > 0
    with Image.open(io.BytesIO(old)) as before, Image.open(io.BytesIO(new)) as after:
        after.load()
        assert (before.mode, before.size, before.tobytes()) == (after.mode, after.size, after.tobytes())
        assert dict(after.getexif()) == dict(before.getexif())
        assert after.info.get("icc_profile") == before.info.get("icc_profile")
        description = after.getxmp()["xmpmeta"]["RDF"]["Description"]
        theirs = ["theirs"] if before.getxmp() else []
        assert description["subject"]["Bag"]["li"] == [*theirs, "dog", "Tür", "größte Katze"]
        assert description["Rating"] == ("5" if theirs else "3")
        if old[:2] == b"\xff\xd8":
            keywords = IptcImagePlugin.getiptcinfo(after)[2, 25]
            assert [keyword.decode() for keyword in keywords] == ["dog", "größte Katze"]
    assert with_annotation(new, SAID) == new
    more = with_annotation(new, Annotation(("sea",)))
    assert coded(more) == coded(old) and b"sea" in more and b"a caption" in more


def mpo() -> bytes:
    out = io.BytesIO()
    noise_image(1).save(out, "MPO", save_all=True, append_images=[noise_image(2)])
    return out.getvalue()


def signed() -> bytes:
    data = FILES["jpeg"]
    body = b"JP\0\1\0\0\0\1 jumb c2pa"
    return data[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + data[2:]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (mpo(), "several images"),
        (signed(), "signed"),
        (FILES["jpeg"] + b"\0\0\0\x18ftypmp42", "data after its image"),
        (FILES["png"] + b"more", "data after its image"),
        (FILES["webp"] + b"more", "data after its image"),
        (FILES["jpeg"][:-20], "end is missing"),
        (FILES["png"][:-20], "end is missing"),
        (FILES["webp"][:-20], "end is missing"),
        (b"\xff\xd8\xff", "damaged"),
        (saved("GIF", "P"), "only JPEG, PNG and WebP"),
        (saved("TIFF"), "only JPEG, PNG and WebP"),
        (saved("JPEG", xmp=b"no XML"), "XMP cannot be merged"),
    ],
)
def test_a_file_that_is_not_safe_to_write_is_refused_with_the_reason(data, reason):
    with pytest.raises(NotSafe, match=reason):
        with_annotation(data, SAID)


def test_what_does_not_fit_a_jpeg_is_refused():
    with pytest.raises(NotSafe, match="does not fit"):
        with_annotation(FILES["jpeg"], Annotation(description="x" * 70_000))


def test_iptc_in_another_encoding_stays_as_it_is():
    latin = b"8BIM\x04\x04\0\0" + (9).to_bytes(4, "big") + b"\x1c\x02\x19\0\x04caf\xe9\0"
    assert merged_iptc(latin, ["dog"]) == latin
    with pytest.raises(ValueError):
        merged_iptc(b"8BIM\x04\x04\0\0\0\0\xff\xffab", ["dog"])


@pytest.fixture
def library(tmp_path, encoder):
    folder = tmp_path / "photos"
    folder.mkdir()
    names = {"jpeg": "a.jpg", "png": "b.png", "webp": "c.webp"}
    for kind, name in names.items():
        (folder / name).write_bytes(FILES[kind])
    noise_image(7).save(folder / "d.gif")
    noise_image(8).save(folder / "real.jpg")
    (folder / "linked").mkdir()
    (folder / "real.jpg").rename(tmp_path / "real.jpg")
    (folder / "linked/e.jpg").symlink_to(tmp_path / "real.jpg")
    build_collection([folder], tmp_path / "c.gelato", encoder)
    collection = Collection.open(tmp_path / "c.gelato")
    tag(collection, list(collection.items["id"]), "dog")
    return folder, collection


def test_originals_are_written_only_when_asked_and_the_files_as_they_were_are_kept(library, tmp_path):
    folder, collection = library
    before = {path: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    (folder / "a.jpg").chmod(0o640)
    request = ExportRequest("xmp", None, write_originals=True)
    report = export(Selection.of(collection), request)
    assert (report.updated, [one.path for one in report.not_exported]) == (4, ["d.gif"])
    for name in ("a.jpg", "b.png", "c.webp"):
        kept = folder / f"{name}_original"
        assert kept.read_bytes() == before[folder / name] != (folder / name).read_bytes()
    assert (folder / "a.jpg").stat().st_mode & 0o777 == 0o640
    assert (folder / "linked/e.jpg").is_symlink() and (tmp_path / "real.jpg_original").is_file()
    now = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert export(Selection.of(collection), request).unchanged == 4
    tag(collection, list(collection.items["id"]), "sea")
    assert export(Selection.of(collection), request).updated == 4
    assert (folder / "a.jpg_original").read_bytes() == now[folder / "a.jpg_original"]  # the first state is kept


def test_a_folder_for_what_goes_into_originals_makes_no_sense(library, tmp_path):
    with pytest.raises(UserError, match="--write-originals"):
        export(Selection.of(library[1]), ExportRequest("xmp", tmp_path / "out", write_originals=True))


@pytest.mark.skipif(not has("exiftool"), reason="needs exiftool; `sh tests/exiftool.sh` brings it")
def test_exiftool_reads_the_files_without_a_warning(tmp_path):
    endings = {b"\xff\xd8": "jpg", b"\x89P": "png", b"RI": "webp"}
    for name, data in FILES.items():
        (tmp_path / f"{name}.{endings[data[:2]]}").write_bytes(with_annotation(data, SAID))
    command = ["exiftool", "-j", "-a", "-G", "-validate", "-all", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    for one in json.loads(done.stdout):
        assert one["XMP:Subject"][-3:] == ["dog", "Tür", "größte Katze"]
        assert one["XMP:HierarchicalSubject"][-2:] == ["dog", "Tür|größte Katze"]
        assert one["XMP:Rating"] in (3, 5) and one["XMP:Description"] == "a caption"
        if one["SourceFile"].endswith("jpg"):
            assert one["IPTC:Keywords"] == ["dog", "größte Katze"]
        assert (
            one["ExifTool:Validate"] == "OK" or "with metadata" in one["SourceFile"]
        )  # our ICC profile is no real one
