"""The table of file formats: which endings are images, how each is read, and what is known but not read.

Folders, tables, tar shards, queries and the README all take it from here. An ending only says which files to look at:
`training.models.decoding` decides by content how a file is read.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

OPTIONAL = "requirements-formats.txt"  # what installs the modules that Format.module names


@dataclass(frozen=True)
class Format:
    """A file format.

    endings: in lower case, with the dot. kind: "image" and "raw" are read, "unsupported" and "video" are passed over.
    reader: the library that reads it, or the program that would. module: an optional Python module that it needs.
    note: what a user should know.
    """

    name: str
    endings: tuple[str, ...]
    kind: Literal["image", "raw", "unsupported", "video"]
    reader: str
    module: str = ""
    note: str = ""


TABLE = (
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), "image", "libjpeg-turbo, Pillow", note="gain maps are ignored"),
    Format("MPO", (".mpo",), "image", "libjpeg-turbo, Pillow", note="the first image"),
    Format("PNG", (".png", ".apng"), "image", "Pillow", note="the first frame"),
    Format("HEIC", (".heic", ".heif", ".hif", ".heics", ".heifs"), "image", "pi-heif", note="the primary image"),
    Format("AVIF", (".avif", ".avifs"), "image", "Pillow", note="the first frame"),
    Format("WebP", (".webp",), "image", "Pillow", note="the first frame"),
    Format("GIF", (".gif",), "image", "Pillow", note="the first frame"),
    Format("TIFF", (".tif", ".tiff"), "image", "Pillow, tifffile", note="the first page; 8 to 64 bits and floats"),
    Format("JPEG XL", (".jxl",), "image", "pylibjxl", "pylibjxl", "the first frame"),
    Format(
        "JPEG 2000", (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"), "image", "Pillow", note="without ICC profiles"
    ),
    Format("BMP", (".bmp", ".dib"), "image", "Pillow", note="no ICC profiles"),
    Format("TGA", (".tga",), "image", "Pillow"),
    Format("PNM", (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"), "image", "Pillow", note="PFM in grey"),
    Format("ICO", (".ico",), "image", "Pillow", note="the largest image"),
    Format("PSD", (".psd",), "image", "Pillow", note="the merged image, if it was saved with one"),
    Format("SVG", (".svg", ".svgz"), "image", "resvg", note="768 pixels; linked files are not read"),
    Format(
        "RAW",
        (
            *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".raf", ".orf", ".rw2", ".pef"),
            *(".srw", ".x3f", ".3fr", ".erf", ".kdc", ".dcr", ".mef", ".mos", ".mrw", ".iiq", ".rwl", ".gpr", ".fff"),
        ),
        "raw",
        "its largest embedded JPEG",
        note="without one, rawpy decodes it if installed; tested on generated files, not on files of real cameras",
    ),
    Format("Photoshop, large", (".psb",), "unsupported", "Photoshop"),
    Format("GIMP", (".xcf",), "unsupported", "GIMP"),
    Format("PostScript", (".eps", ".ai"), "unsupported", "Illustrator, Inkscape"),
    Format("OpenEXR", (".exr",), "unsupported", "Blender, GIMP"),
    Format("Radiance", (".hdr",), "unsupported", "Blender, GIMP"),
    Format("JPEG XR", (".jxr", ".wdp", ".hdp"), "unsupported", "Windows"),
    Format("Windows metafile", (".wmf", ".emf"), "unsupported", "Windows, Inkscape"),
    Format("DICOM", (".dcm",), "unsupported", "a DICOM viewer"),
    Format("PAM", (".pam",), "unsupported", "GIMP, ffmpeg", note="and PFM in colour"),
    Format("QOI", (".qoi",), "unsupported", "GIMP"),
    Format("DirectDraw", (".dds",), "unsupported", "GIMP"),
    Format(
        "video",
        (
            *(".mp4", ".m4v", ".mov", ".qt", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".mpe", ".3gp", ".3g2"),
            *(".mts", ".m2ts", ".m2t", ".mod", ".tod", ".vob", ".flv", ".f4v", ".ogv", ".asf", ".divx", ".insv"),
        ),
        "video",
        "a video player",
    ),
)

IMAGES = tuple(ending for one in TABLE if one.kind in ("image", "raw") for ending in one.endings)
VIDEOS = tuple(ending for one in TABLE if one.kind == "video" for ending in one.endings)
ACCEPT = ",".join(("image/*", *IMAGES))  # what a file picker offers: browsers know few of the endings themselves
_BY_ENDING = {ending: one for one in TABLE for ending in one.endings}
_BY_NAME = {one.name: one for one in TABLE}


def format_called(name: str) -> Format:
    """The line of the table with this name ("JPEG XL"). KeyError if there is none."""
    return _BY_NAME[name]


def format_of(file: str) -> Format | None:
    """The format that a file's name or path ends like, in any case of letters; None if it ends like none of them."""
    base = file.replace("\\", "/").rpartition("/")[2]
    stem, dot, ending = base.rpartition(".")
    return _BY_ENDING.get(f".{ending.lower()}") if stem and dot else None


def why_unsupported(format: Format) -> str:
    """Why this installation does not read a format, as a reason that names what would; "" if it does read it."""
    if format.kind == "video":
        return "a video: only images are read"
    if format.kind == "unsupported":
        return f"an image in a format that is not read ({format.name})"
    if format.module and find_spec(format.module) is None:
        return f"reading {format.name} needs the package {format.module}: pip install -r {OPTIONAL}"
    return ""


def markdown() -> str:
    """The table as the README shows it."""
    rows = ["| format | endings | read by | notes |", "|---|---|---|---|"]
    for one in TABLE:
        if one.kind in ("image", "raw"):
            optional = f", with `{OPTIONAL}`" if one.module else ""
            rows.append(f"| {one.name} | {' '.join(one.endings)} | {one.reader}{optional} | {one.note} |")
    others = [one for one in TABLE if one.kind == "unsupported"]
    endings = " ".join(ending for one in others for ending in one.endings)
    rows.append(f"| {', '.join(one.name for one in others)} | {endings} | not read | listed as unsupported |")
    rows.append(f"| video | {' '.join(VIDEOS)} | not read | counted as video |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
