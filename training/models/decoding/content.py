"""What a file holds, by its first bytes and whatever its name says."""

import re
import zlib

from training.models.decoding.tiff_parts import is_raw

# (offset, bytes, name in the table of formats). The first that fits counts.
SIGNATURES = (
    (0, b"\xff\xd8", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (8, b"WEBP", "WebP"),
    (0, b"8BPS\x00\x01", "PSD"),
    (0, b"8BPS\x00\x02", "Photoshop, large"),
    (0, b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"FUJIFILMCCD-RAW", "RAW"),
    (0, b"FOVb", "RAW"),
    (0, b"\x00MRM", "RAW"),
    (6, b"HEAPCCDR", "RAW"),
    (0, b"II\xbc", "JPEG XR"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance"),
    (0, b"#?RGBE", "Radiance"),
    (0, b"\xd7\xcd\xc6\x9a", "Windows metafile"),
    (40, b" EMF", "Windows metafile"),
    (128, b"DICM", "DICOM"),
    (0, b"qoif", "QOI"),
    (0, b"P7\nWIDTH", "PAM"),
    (0, b"PF\n", "PAM"),
    (0, b"DDS ", "DirectDraw"),
    (0, b"\x1aE\xdf\xa3", "video"),
    (8, b"AVI ", "video"),
    (0, b"\x00\x00\x01\xba", "video"),
    (0, b"\x00\x00\x01\xb3", "video"),
    (0, b"FLV\x01", "video"),
    (0, b"OggS", "video"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),
)
TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"IIRO", b"IIRS", b"MMOR", b"IIU\x00")
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes, by version
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"}
# What is found under images' names and is none, in words.
OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "compressed data (gzip)"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x00\x05\x16\x07", "macOS's notes on another file (AppleDouble)"),
    (b"version https://git-lfs", "a Git LFS pointer; `git lfs pull` fetches the image"),
    (b"ID3", "audio"),
    (b"RIFF", "audio or other data (RIFF)"),
    (b"fLaC", "audio"),
    (b"Salted__", "encrypted"),
    (b"-----BEGIN PGP", "encrypted"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I | re.S)
SVG = re.compile(rb"<([\w.-]+:)?svg[\s>]")
PNM = re.compile(rb"P(?:[1-6][\s#]+[\d#]|f\s+\d)")


def content_of(data: bytes) -> str:
    """The name in the table of formats of what data holds; "" if it is none of them."""
    for offset, signature, name in SIGNATURES:
        if data.startswith(signature, offset):
            return name
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    if data.startswith(TIFF):
        return "RAW" if is_raw(data) else "TIFF"
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in BMP_HEADERS:
        return "BMP"
    if PNM.match(data[:20]):
        return "PNM"
    if is_svg(data):
        return "SVG"
    return "TGA" if _is_tga(data) else ""


def why_no_image(data: bytes) -> str:
    """In plain words, what data is that is in no known image format."""
    if not data:
        return "not an image: the file is empty (0 bytes)"
    if not data.strip(b"\x00"):
        return "not an image: the file holds nothing but zeros, as after an interrupted copy"
    for signature, what in OTHERS:
        if data.startswith(signature):
            return f"not an image: it is {what}"
    text = _text(data[:4096])
    if HTML.match(text):
        return "not an image: it is a web page (HTML)"
    if text.lstrip()[:1] in (b"{", b"["):
        return "not an image: it is text (JSON)"
    if text.strip():
        return "not an image: it is text"
    return "not an image that can be read: its content is of no known kind; it may be encrypted or damaged"


def is_svg(data: bytes) -> bool:
    """Whether data is an SVG drawing, maybe compressed by gzip; an HTML page that holds one is not."""
    head = inflated(data, 1 << 16)[: 1 << 14] if data.startswith(b"\x1f\x8b") else data[: 1 << 14]
    text = _text(head)
    return bool(SVG.search(text)) and not HTML.match(text) and text.lstrip().startswith(b"<")


def inflated(data: bytes, most: int) -> bytes:
    """At most `most` bytes of what gzip compressed; b"" if it is broken from the start."""
    try:
        return zlib.decompressobj(wbits=31).decompress(data, most)
    except zlib.error:
        return b""


def _of_brands(data: bytes) -> str:
    """HEIC, AVIF, Canon's RAW and video share one container, and say in its first box what they are."""
    end = min(max(int.from_bytes(data[:4], "big"), 16), 512)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & AVIF_BRANDS:
        return "AVIF"
    if brands & HEIC_BRANDS:
        return "HEIC"
    return "RAW" if b"crx " in brands else "video"


def _text(head: bytes) -> bytes:
    """head as UTF-8 if it is text of any usual encoding, else b""."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if head.startswith(mark):
            return head[: len(head) // 2 * 2].decode(encoding, "replace").encode()
    control = sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in head)
    return b"" if control else head


def _is_tga(data: bytes) -> bool:
    """TGA has no signature at its start, so its header has to make sense in every field."""
    if data.endswith(b"TRUEVISION-XFILE.\x00"):
        return True
    if len(data) < 19:
        return False
    mapped, kind, depth = data[1], data[2], data[16]
    map_fits = data[3:8] == b"\x00" * 5 if mapped == 0 else data[7] in (15, 16, 24, 32)
    depths = {1: (8,), 9: (8,), 2: (15, 16, 24, 32), 10: (15, 16, 24, 32), 3: (1, 8, 16), 11: (1, 8, 16)}
    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (12, 14))
    return width > 0 and height > 0 and map_fits and mapped in (0, 1) and depth in depths.get(kind, ())
