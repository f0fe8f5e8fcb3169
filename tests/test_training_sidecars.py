"""Which files belong to an image, by their names, and what is read of them only when it is asked for."""

import codecs
import os
import pickle
import unicodedata

import pytest

from tests.samples import paint
from training.data.folder import FolderSource
from training.data.sidecars import sidecars_of
from training.data.texts import decode_text

LONG = "IMG_20200101_000000000_HDR_and_a_name_that_Takeout_cuts"  # 55 characters
NFD = unicodedata.normalize("NFD", "Küche")


@pytest.mark.parametrize(
    "image, sidecars",
    [
        ("IMG_1.JPG", ["IMG_1.xmp"]),
        ("IMG_1.JPG", ["IMG_1.JPG.xmp", "img_1.XMP"]),
        ("img_1.jpg", ["IMG_1.JPG.XMP", "Img_1.Txt"]),
        ("a.b.jpg", ["a.b.TXT", "a.b.jpg.txt"]),
        (unicodedata.normalize("NFC", "Küche.jpg"), [f"{NFD}.txt"]),
        ("IMG_1.HEIC", ["IMG_1.MOV", "IMG_1.AAE", "IMG_O1.AAE"]),
        *[("IMG_1.HEIC", [f"IMG_1_{of}.MOV"]) for of in ("HEVC", "HEIC")],
        ("IMG_1-123.JPG", ["IMG_1-123_HEVC.MOV"]),
        ("IMG_1.jpg", ["IMG_1.supplemental-metadata.json"]),
        ("IMG_1(1).jpg", ["IMG_1.supplemental-metadata(1).json"]),
        ("IMG_1.heic", ["IMG_1.HEIC.supplemental-metadata.json", "IMG_1.MP4"]),
        ("IMG_1.JPG", ["IMG_1.CR2", "IMG_1.CR2.xmp", "IMG_1.WAV"]),
        ("IMG_1.JPG", ["IMG_1.dng", "IMG_1.JPG.dop", "IMG_1.dng.pp3"]),
        ("IMG_1.JPG", ["IMG_1.JPG_original"]),
        ("IMG_1.NEF", ["IMG_1.xmp", "IMG_1.NEF.xmp"]),
        ("IMG_1.CR2.jpg", ["IMG_1.CR2"]),
        ("PXL_1.MP.jpg", ["PXL_1.MP", "PXL_1.MP.jpg.json"]),
        ("PXL_1.jpg", ["PXL_1.MP~2"]),
        ("MVI_1.AVI", ["MVI_1.THM", "MVI_1.AVI.json"]),
        ("IMG_1.jpg", ["IMG_1.jpg.json"]),
        ("IMG_1.jpg", ["IMG_1.json"]),
        ("IMG_1.jpg", ["IMG_1.jpg.supplemental-metadata.json"]),
        *[("IMG_1.jpg", [f"IMG_1.jpg{'.supplemental-metadata'[:n]}.json"]) for n in range(1, 23)],
        ("IMG_1(1).jpg", ["IMG_1.jpg(1).json"]),
        ("IMG_1(1).jpg", ["IMG_1.jpg.supplemental-metadata(1).json"]),
        ("IMG_1(1).jpg", ["IMG_1(1).jpg.supplemental-metadata.json"]),
        (f"{LONG[:47]}.jpg", [f"{LONG[:46]}.json"]),
        (f"{LONG[:47]}(1).jpg", [f"{LONG[:46]}(1).json"]),
        (f"{LONG[:40]}.jpg", [f"{LONG[:40]}.jpg.s.json"]),
        (f"{LONG[:43]}.jpg", [f"{LONG[:43]}.jp.json"]),
        ("写真" * 12 + ".jpg", ["写真" * 8 + ".json"]),
        *[
            (f"IMG_1-{word}.jpg", ["IMG_1.jpg.supplemental-metadata.json"])
            for word in ("edited", "bearbeitet", "modifié", "ha editado", "modificato", "bewerkt", "編集済み", "संपादित")
        ],
        ("IMG_1-edited.jpg", ["IMG_1.HEIC.json"]),
        ("IMG_1-edited(1).jpg", ["IMG_1.jpg(1).json"]),
        ("IMG_1(1)-edited.jpg", ["IMG_1.jpg(1).json"]),
        ("IMG_1(1)-bearbeitet.jpg", ["IMG_1.jpg.supplemental-met(1).json"]),
        ("IMG_1(1)-edited.jpg", ["IMG_1(1).jpg.supplemental-metadata.json"]),
        ("IMG_1(1)-edited.jpg", ["IMG_1.HEIC(1).json"]),
        (f"{LONG[:43]}-edi.jpg", [f"{LONG[:46]}.json"]),
    ],
)
def test_a_sidecar_belongs_to_its_image(image, sidecars):
    found = sidecars_of([image, *sidecars, "other.jpg", "notes.txt", "x.json", "metadata.json"])
    assert {name: set(of_image) for name, of_image in found.items()} == {image: set(sidecars)}


@pytest.mark.parametrize(
    "names",
    [
        ["metadata.jpg", "metadata.json"],
        ["a.jpg", "b.txt", "readme.md", "a.jpg.bak", "ab.xmp"],
        ["a.png", "a.mp4"],
        ["a.jpg", "b_HEVC.MOV", "a_HEVC.CR2"],
        ["a.jpg", "a.avi"],
        ["IMG_1.jpg", "IMG_10.jpg.json", "IMG_1.jpg(1).json"],
        ["IMG_1-2.jpg", "IMG_1.jpg.json"],
        ["clip.MOV", "clip.mp4"],
        ["a.jpg", "a.png", "a.svg"],
        ["a.jpg", "b.jpg_original", "a_original"],
    ],
)
def test_what_only_resembles_a_sidecar_is_none(names):
    assert sidecars_of(names) == {}


def test_two_images_of_one_name_share_what_fits_both_and_keep_what_names_one():
    found = sidecars_of(["a.jpg", "a.png", "a.txt", "a.png.xmp", "a.xmp", "a.cr2"])
    assert found == {"a.jpg": ("a.txt", "a.xmp", "a.cr2"), "a.png": ("a.png.xmp", "a.txt", "a.xmp", "a.cr2")}


def test_each_second_image_of_a_name_has_its_own_file_and_edited_copies_that_of_the_original():
    images = ["IMG_1.jpg", "IMG_1(1).jpg", "IMG_1(2).jpg", "IMG_1-edited.jpg", "IMG_1-edited(2).jpg"]
    for suffix in ("", ".supplemental-metadata"):
        files = [f"IMG_1.jpg{suffix}{number}.json" for number in ("", "(1)", "(2)")]
        found = sidecars_of([*images, *files])
        assert [found[image] for image in images] == [(files[n],) for n in (0, 1, 2, 0, 2)]


TEXT = "Zoë läuft, 東京"


@pytest.mark.parametrize(
    "data, text",
    [
        (TEXT.encode(), TEXT),
        (TEXT.encode("utf-8-sig"), TEXT),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), TEXT),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), TEXT),
        (TEXT.encode("utf-16-le"), TEXT),
        (TEXT.encode("utf-16-be"), TEXT),
        (TEXT.encode("utf-32"), TEXT),
        ("Zoë läuft – “so”".encode("cp1252"), "Zoë läuft – “so”"),
        *((name.encode("cp1252"), name) for name in ("Größe", "été", "São Paulo", "25 °C", "don’t", "© 2020 Müller")),
        ("海辺の夕日".encode("shift_jis"), "海辺の夕日"),
        ("закат на пляже".encode("cp1251"), "закат на пляже"),
        (TEXT.encode()[:-1], TEXT[:-1]),  # cut within a character
        (b"", ""),
        (b"a", "a"),
        (b"one\0two three four", "one\0two three four"),
    ],
)
def test_text_is_read_in_any_encoding(data, text):
    assert decode_text(data) == text


@pytest.mark.parametrize("name", ["red.txt", "RED.TXT", "red.png.txt", "Red.Txt"])
def test_captions_are_read_in_any_encoding_and_case_of_the_name(tmp_path, name):
    paint(tmp_path / "red.png", "red")
    (tmp_path / name).write_bytes(codecs.BOM_UTF16_LE + "ein Rot\r\nrouge\r\n".encode("utf-16-le"))
    [item] = FolderSource(tmp_path)
    assert pickle.loads(pickle.dumps(item)).captions == item.captions == ("ein Rot", "rouge")


def test_the_second_file_of_a_pair_is_no_image(tmp_path):
    for name in ("a.jpg", "b.jpg", "b.tif"):
        paint(tmp_path / name, "red")
    (tmp_path / "a.dng").write_bytes((tmp_path / "b.tif").read_bytes())
    assert [item.path for item in FolderSource(tmp_path)] == ["a.jpg", "b.jpg", "b.tif"]


def test_a_stamp_tells_of_every_sidecar_that_is_read_and_opens_none(tmp_path):
    paint(tmp_path / "a.jpg", "red")

    def stamp():
        [item] = FolderSource(tmp_path)
        return item.stamp

    stamps = [stamp()]
    facts = (tmp_path / "a.jpg").stat()
    assert stamps == [f"{facts.st_size}:{facts.st_mtime_ns}"]  # as it was before sidecars counted
    for ending in ("txt", "jpg.txt", "xmp", "jpg.json"):
        (tmp_path / f"a.{ending}").write_text("one")
        stamps.append(stamp())
    os.chmod(tmp_path / "a.txt", 0)
    assert stamp() == stamps[-1]
    (tmp_path / "a.xmp").write_text("other")
    stamps.append(stamp())
    assert len(set(stamps)) == len(stamps)
    for ending in ("txt", "jpg.txt", "xmp", "jpg.json"):
        (tmp_path / f"a.{ending}").unlink()
    assert stamp() == stamps[0]


@pytest.mark.parametrize("middle", ["", "MP."])
def test_the_raw_of_a_pixel_phone_belongs_to_its_cover(middle):
    cover, raw = f"PXL_1.RAW-01.{middle}COVER.jpg", "PXL_1.RAW-02.ORIGINAL.dng"
    assert sidecars_of([cover, raw]) == {cover: (raw,)}
