"""A library of photos as people have them: a phone, a NAS, a camera card and a Takeout export, all generated.

`make_library` writes the files and says of each what a build has to make of it.
"""

import io
import json
import os
import zipfile
from pathlib import Path

from PIL import Image

from tests.heic import heic
from tests.samples import noise_image

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="5" height="9" fill="red"/></svg>'
IMAGE, COPY = "image", "duplicate"
Kinds = dict[str, str]  # of every file by its path: IMAGE, or the kind that it is passed over as


class _Writer:
    """Writes files below a folder and notes what a build has to make of each."""

    def __init__(self, folder: Path):
        self.folder, self.kinds, self.images = folder, Kinds(), 0

    def image(self, path: str, kind: str = IMAGE) -> None:
        """An image unlike any other, in the format that its name says."""
        self.images += 1
        out = io.BytesIO()
        ending = Path(path).suffix.lower()
        noise_image(self.images, (24, 20)).save(out, Image.registered_extensions().get(ending, "JPEG"))
        self.bytes(path, out.getvalue(), kind)

    def bytes(self, path: str, data: bytes, kind: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        self.kinds[path] = kind

    def text(self, path: str, kind: str, text: str = "text") -> None:
        self.bytes(path, text.encode(), kind)

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()


def make_library(folder: Path) -> Kinds:
    """Write over 300 files into folder, in phone, nas, card and takeout; what has to become of each."""
    writer = _Writer(folder)
    for part in (_phone, _nas, _card, _takeout):
        part(writer)
    return writer.kinds


def _phone(to: _Writer) -> None:
    for number in range(40):
        to.image(f"phone/DCIM/100APPLE/IMG_{number:04}.JPG")
    for number in range(10):
        to.text(f"phone/DCIM/100APPLE/IMG_{number:04}.MOV", "sidecar")  # the moving half of a Live Photo
        to.text(f"phone/DCIM/100APPLE/IMG_{number + 10:04}.AAE", "sidecar")
    for number in range(8):
        to.image(f"phone/Pictures/Screenshots/Screenshot_{number}.png")
        to.image(f"phone/WhatsApp Images/IMG-2024-WA{number:04}.webp")
        to.text(f"phone/DCIM/Camera/VID_{number:04}.mp4", "video")
        to.text(f"phone/DCIM/.thumbnails/{number}.jpg", "excluded")
    for name in (".trashed-1700000000-IMG_1.jpg", ".nomedia", "._IMG_0001.JPG", ".DS_Store"):
        to.text(f"phone/DCIM/{name}", "excluded")
    to.bytes("phone/DCIM/100APPLE/IMG_0100.HEIC", heic(), IMAGE)
    to.text("phone/DCIM/100APPLE/IMG_0100.MOV", "sidecar")
    to.image("phone/DCIM/Camera/depth.mpo")
    to.image("phone/DCIM/Camera/animation.gif")
    to.image("phone/DCIM/Camera/modern.avif")
    to.bytes("phone/Download/cut.jpg", to.read("phone/DCIM/100APPLE/IMG_0000.JPG")[:200], "unreadable")
    to.text("phone/Download/manual.pdf", "other file")
    to.text("phone/Download/contacts.vcf", "other file")


def _nas(to: _Writer) -> None:
    for year in range(2015, 2020):
        for number in range(8):
            path = f"nas/photo/{year}/DSC_{number:04}.jpg"
            to.image(path)
            to.text(f"nas/photo/{year}/@eaDir/DSC_{number:04}.jpg/SYNOPHOTO_THUMB_XL.jpg", "excluded")
            if number < 2:
                to.text(f"nas/photo/{year}/DSC_{number:04}.xmp", "sidecar", XMP)
        to.text(f"nas/photo/{year}/Thumbs.db", "excluded")
        to.bytes(f"nas/web/backup/{year}.jpg", to.read(f"nas/photo/{year}/DSC_0000.jpg"), COPY)
    for name in ("scan.tif", "scan.bmp", "fax.tga", "map.jp2", "a name with spaces.PNG", "Grüße.jpg", "写真.jpg"):
        to.image(f"nas/scans/{name}")
    to.text("nas/scans/logo.svg", IMAGE, SVG)
    for name in ("poster.xcf", "print.eps", "light.exr"):
        to.text(f"nas/scans/{name}", "unsupported format")
    for name in ("empty.jpg", "text.png"):
        to.bytes(f"nas/scans/{name}", b"" if name == "empty.jpg" else b"these are words", "unreadable")
    for name in (
        "#recycle/old.jpg",
        "#recycle/deep/older.jpg",
        "photo/lost+found/1.jpg",
        "web/node_modules/a/logo.png",
    ):
        to.text(f"nas/{name}", "excluded")
    for name in ("My.photoslibrary/resources/derivatives/1.jpg", "My.photoslibrary/database/Photos.sqlite"):
        to.text(f"nas/{name}", "excluded")
    to.image("nas/My.photoslibrary/originals/0/0A.jpg")
    for name in ("list.csv", "old.tar", "table.parquet", "notes.txt", "index.html"):
        to.text(f"nas/{name}", "other file")
    os.link(to.folder / "nas/photo/2015/DSC_0001.jpg", to.folder / "nas/hard link.jpg")
    (to.folder / "nas/link.jpg").symlink_to(to.folder / "nas/photo/2015/DSC_0002.jpg")
    (to.folder / "nas/photo/loop").symlink_to(to.folder / "nas")
    to.kinds |= {"nas/link.jpg": COPY, "nas/photo/2015/DSC_0001.jpg": COPY, "nas/hard link.jpg": IMAGE}


def _card(to: _Writer) -> None:
    for number in range(20):
        to.image(f"card/DCIM/100CANON/IMG_{number:04}.JPG")
        if number < 8:
            to.text(f"card/DCIM/100CANON/IMG_{number:04}.CR2", "sidecar")  # RAW+JPEG
    for number in range(4):
        to.text(f"card/DCIM/100CANON/MVI_{number:04}.MP4", "video")
        to.text(f"card/DCIM/100CANON/MVI_{number:04}.THM", "sidecar")
    to.bytes("card/DCIM/100CANON/IMG_8888.DNG", dng(noise_image(8888, (200, 150))), IMAGE)
    to.text("card/DCIM/100CANON/IMG_9999.CR2", "unreadable")  # alone, and cut short
    to.text("card/DCIM/CANONMSC/M0100.CTG", "other file")
    to.text("card/System Volume Information/IndexerVolumeGuid", "excluded")
    to.text("card/$RECYCLE.BIN/S-1-5-21/$R1.jpg", "excluded")


def dng(preview: Image.Image) -> bytes:
    """A RAW file of which there is nothing but a directory that says so, and the preview."""
    out = io.BytesIO()
    preview.save(out, "JPEG")
    return b"II*\0\x08\0\0\0\1\0\6\1\3\0\1\0\0\0\x23\x80\0\0\0\0\0\0" + out.getvalue()


def _takeout(to: _Writer) -> None:
    album = "takeout/Takeout/Google Photos/Photos from 2019"
    for number in range(30):
        to.image(f"{album}/PXL_{number:04}.jpg")
        ending = "json" if number % 2 else "supplemental-metadata.json"
        facts = {"title": f"PXL_{number:04}.jpg", "photoTakenTime": {"timestamp": str(1_560_000_000 + number)}}
        to.text(f"{album}/PXL_{number:04}.jpg.{ending}", "sidecar", json.dumps(facts))
    to.image(f"{album}/PXL_0001-edited.jpg")
    to.text(f"{album}/metadata.json", "other file", json.dumps({"title": "Photos from 2019"}))
    to.text(f"{album}/clip.mp4", "video")
    to.text(f"{album}/clip.mp4.json", "sidecar", json.dumps({"title": "clip.mp4"}))
    to.text("takeout/archive_browser.html", "other file")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.txt", "a")
    to.bytes("takeout/takeout-001.zip", held.getvalue(), "other file")
