"""What folders hold: endings that lie, files that end early, odd metadata, rare pixels, and what is no image."""

import gzip
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.heic import heic
from tests.icc import rgb_profile
from tests.test_training_decoding import encoded, gradient, photograph
from training.models.decoding import ImageError, UnsupportedFormat, decode_by_pillow, decode_image
from training.models.formats import TABLE

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 20">'
    '<rect width="15" height="20" fill="#f00"/><rect x="15" width="15" height="20" fill="#00f"/></svg>'
)
WRITTEN = {  # format of the table: Pillow's name and options
    "JPEG": ("JPEG", {}),
    "MPO": ("MPO", {"save_all": True, "append_images": [gradient(32, 24)]}),
    "PNG": ("PNG", {"save_all": True, "append_images": [gradient(64, 48)]}),
    "WebP": ("WEBP", {"save_all": True, "append_images": [gradient(64, 48)]}),
    "GIF": ("GIF", {"save_all": True, "append_images": [gradient(64, 48)]}),
    "BMP": ("BMP", {}),
    "TIFF": ("TIFF", {"save_all": True, "append_images": [gradient(32, 24)]}),
    "AVIF": ("AVIF", {"save_all": True, "append_images": [gradient(64, 48)]}),
    "JPEG 2000": ("JPEG2000", {}),
    "TGA": ("TGA", {}),
    "PNM": ("PPM", {}),
    "ICO": ("ICO", {"sizes": [(64, 48)]}),
}


def quarters(width: int = 64, height: int = 48) -> Image.Image:
    """Red and green above blue and grey."""
    image = Image.new("RGB", (width, height), (200, 200, 200))
    for colour, at in (((220, 20, 20), (0, 0)), ((20, 180, 20), (width // 2, 0)), ((20, 20, 220), (0, height // 2))):
        image.paste(colour, (*at, at[0] + width // 2, at[1] + height // 2))
    return image


def shows_quarters(pixels: np.ndarray) -> bool:
    height, width = pixels.shape[:2]
    colours = [pixels[y, x].astype(int) for y in (height // 4, -height // 4) for x in (width // 4, -width // 4)]
    expected = [(220, 20, 20), (20, 180, 20), (20, 20, 220), (200, 200, 200)]
    return all(np.abs(one - other).max() < 12 for one, other in zip(colours, expected, strict=True))


@pytest.mark.parametrize("name", WRITTEN)
def test_the_first_image_of_each_format_is_read(name):
    format, options = WRITTEN[name]
    image = decode_image(encoded(quarters(), format, **options))
    assert shows_quarters(image.pixels) and (image.width, image.height) == (64, 48) and image.warning == ""


def psd(image: Image.Image) -> bytes:
    """Photoshop's format with no layers but the merged image."""
    width, height = image.size
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3)
    return header + bytes(12) + b"\0\0" + b"".join(band.tobytes() for band in image.split())


def test_photoshops_merged_image_is_read():
    assert shows_quarters(decode_image(psd(quarters())).pixels)


def test_heic_is_turned_once_by_its_container_and_not_again_by_its_exif():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert shows_quarters(decode_image(heic()).pixels)
    for data in (heic(quarter_turns=3), heic(quarter_turns=3, exif=exif.tobytes()[6:])):
        image = decode_image(data)
        assert (image.width, image.height) == (96, 128)
        assert shows_quarters(np.rot90(image.pixels))
    assert shows_quarters(decode_image(heic(exif=exif.tobytes()[6:])).pixels)


def test_a_large_heic_is_reduced_as_a_large_jpeg_is_and_keeps_its_size_on_record():
    data = heic(profile=rgb_profile("Display P3"))
    small, whole = decode_image(data, min_side=8), decode_image(data)
    assert (small.width, small.height, small.pixels.shape) == (128, 96, (16, 22, 3))
    expected = np.asarray(Image.fromarray(whole.pixels).resize((22, 16), Image.Resampling.BOX), int)
    assert np.abs(small.pixels - expected).mean() < 4
    assert decode_image(data, min_side=25).pixels.shape == (96, 128, 3)


@pytest.mark.parametrize("name", [b"application/rdf+xml", b"mime", b"Exif"])
def test_heic_items_with_names_that_are_no_text_do_no_harm(name):
    """pi-heif 1.4 ends the process over them; found by benchmarks/fuzz.py."""
    data = heic(exif=Image.Exif().tobytes()[6:], xmp=b"<x/>").replace(name, b"\xff" * len(name))
    assert shows_quarters(decode_image(data).pixels)
    assert decode_image(heic(xmp="\u00fc".encode())).warning == ""


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "AVIF"])
def test_orientation_is_applied_once_in_every_format_that_has_it(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = quarters()
    stored = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}.get(orientation, [])
    for method in stored:
        image = image.transpose(Image.Transpose(method))
    options = {"tiffinfo": exif} if format == "TIFF" else {"exif": exif}
    decoded = decode_image(encoded(image, format, **options))
    assert shows_quarters(decoded.pixels) and (decoded.width, decoded.height) == (64, 48)


@pytest.mark.parametrize("data", [SVG.encode(), gzip.compress(SVG.encode()), ("\ufeff" + SVG).encode("utf-16-le")])
def test_drawings_are_drawn_at_a_size_of_their_own(data):
    image = decode_image(data)
    assert (image.width, image.height) == (768, 512)
    assert image.pixels[256, 100].tolist() == [255, 0, 0] and image.pixels[256, 700].tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    "size, unit",
    [
        *(
            ('width="60mm" height="40mm"', "mm"),
            ('width="6cm" height="4cm"', "cm"),
            ('width="60pt" height="40pt"', "pt"),
        ),
        *(('width="6in" height="4in"', "in"), ('width="210mm" height="140mm" viewBox="0 0 60 40"', ""), ("", "mm")),
    ],
)
def test_a_drawing_may_be_measured_in_units_of_paper(size, unit):
    sides = [float(side) / (10 if size.startswith(('width="6cm', 'width="6in')) else 1) for side in (30, 40)]
    rect = f'width="{sides[0]:g}{unit}" height="{sides[1]:g}{unit}"'
    drawing = f'<rect {rect} fill="red"/><rect x="{sides[0]:g}{unit}" {rect} fill="blue"/>'
    image = decode_image(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{drawing}</svg>'.encode())
    assert image.width == 768 and abs(image.height - 512) <= 4  # a size of whole pixels is taken first
    assert image.pixels[250, 100].tolist() == [255, 0, 0] and image.pixels[250, 700].tolist() == [0, 0, 255]


def test_a_drawing_reads_no_file_beside_it(tmp_path):
    quarters().save(tmp_path / "secret.png")
    for link in (str(tmp_path / "secret.png"), f"file://{tmp_path}/secret.png", "&link;"):
        inner = f'<image href="{link}" width="30" height="20"/><use href="{tmp_path}/secret.png"/>'
        entity = f'<!DOCTYPE svg [<!ENTITY link "{tmp_path}/secret.png">]>'
        data = entity + SVG.replace("</svg>", inner + "</svg>")
        assert decode_image(data.encode()).pixels[10, 10].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    "inner",
    [
        "<g>" * 50_000 + "</g>" * 50_000,
        "".join(f'<g id="g{i}">' + f'<use href="#g{i - 1}"/>' * 10 + "</g>" for i in range(1, 12))
        + '<g id="g0"><rect width="9" height="9"/></g><use href="#g11"/>',
    ],
    ids=["deep", "endless"],
)
def test_a_drawing_that_would_crash_or_never_end_is_a_failure(inner, monkeypatch):
    monkeypatch.setattr("training.models.decoding.child.SECONDS", 1)
    with pytest.raises(ImageError, match="too complex to be drawn"):
        decode_image(SVG.replace("</svg>", inner + "</svg>").encode())


def dng(preview: bytes, orientation: int = 1) -> bytes:
    """A RAW file as cameras build it: a TIFF whose first directory points at another one, which holds a JPEG."""
    entries = [(0x0112, 3, orientation), (0x014A, 4, 62), (0x0106, 3, 32803), (0xC612, 1, 0x0401)]
    sub = [(0x0103, 3, 7), (0x0201, 4, 300), (0x0202, 4, len(preview))]

    def directory(entries) -> bytes:
        return (
            struct.pack("<H", len(entries))
            + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
            + bytes(4)
        )

    return (b"II*\0" + struct.pack("<I", 8) + directory(entries) + directory(sub)).ljust(300, b"\0") + preview


def test_a_raw_file_shows_its_largest_preview_upright():
    small, large = encoded(gradient(160, 120), "JPEG"), encoded(quarters(480, 360), "JPEG", quality=95)
    image = decode_image(dng(small + large))
    assert (image.width, image.height) == (480, 360) and shows_quarters(image.pixels)
    sideways = encoded(quarters(480, 360).transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95)
    image = decode_image(dng(small + sideways, orientation=6))
    assert (image.width, image.height) == (480, 360) and shows_quarters(image.pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    sideways = encoded(quarters(480, 360).transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)
    assert shows_quarters(decode_image(dng(small + sideways, orientation=6)).pixels)  # turned once
    canon = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + b"\0\0\0\x40CMT1" + dng(b"", orientation=6)[:100]
    plain = encoded(quarters(480, 360).transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95)
    assert shows_quarters(decode_image(canon + bytes(50) + plain).pixels)


def test_a_raw_file_without_a_preview_names_what_would_read_it(monkeypatch):
    monkeypatch.setattr("training.models.decoding.raw.find_spec", lambda module: None)
    with pytest.raises(UnsupportedFormat, match=r"needs the package rawpy: pip install -r requirements-formats.txt"):
        decode_image(dng(encoded(gradient(40, 30), "JPEG")))


def test_a_raw_file_without_a_preview_is_developed_where_rawpy_is():
    pytest.importorskip("rawpy")
    import tifffile

    shown = np.asarray(quarters(640, 480), np.uint16) * 257
    sensor = shown[..., 1].copy()  # green, but for a red and a blue pixel in each square of four
    sensor[0::2, 0::2], sensor[1::2, 1::2] = shown[0::2, 0::2, 0], shown[1::2, 1::2, 2]
    matrix = [32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570]  # of a camera that sees sRGB
    tags = [(33421, 3, 2, (2, 2)), (33422, 1, 4, b"\0\1\1\2"), (50706, 1, 4, b"\1\4\0\0"), (50708, 2, 0, "Test camera")]
    tags += [(50721, 10, 9, [part for value in matrix for part in (value, 10_000)]), (50778, 3, 1, 21)]
    tags += [(50728, 5, 3, (1, 1) * 3)]
    out = io.BytesIO()
    extra = [(*tag, True) for tag in tags]
    tifffile.imwrite(out, sensor.astype(np.uint16), photometric=32803, extratags=extra, metadata=None)
    pixels = decode_image(out.getvalue()).pixels.astype(int)
    assert pixels.shape == (240, 320, 3)
    corners = [pixels[y, x].argmax() for y, x in ((60, 60), (60, -60), (-60, 60))]
    assert corners == [0, 1, 2] and np.ptp(pixels[-60, -60]) < 10


@pytest.mark.parametrize(
    "format, options",
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"restart_marker_rows": 1}),
        ("PNG", {}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("AVIF", {}),
        ("JPEG2000", {}),
        ("JPEG2000", {"no_jp2": True}),
        ("PPM", {}),
        ("TGA", {}),
    ],
)
def test_a_few_missing_bytes_are_a_warning_and_half_a_file_is_a_failure(format, options):
    data = encoded(photograph(200, 150), format, **options)
    whole = decode_image(data)
    assert whole.warning == ""
    for cut in (1, 2, 10):
        image = decode_image(data[:-cut])
        same = (image.pixels == whole.pixels).all(axis=2).mean()
        assert same >= 0.9
        assert same == 1 or "the end of the file is missing" in image.warning
        assert np.array_equal(image.pixels, decode_by_pillow(data[:-cut]).pixels)
    for share in (0.8, 0.5, 0.1):
        with pytest.raises(ImageError, match="truncated"):
            decode_image(data[: int(len(data) * share)])


def test_heic_that_ends_early_is_read_or_refused_by_the_same_rule():
    assert "the end of the file is missing" in decode_image(heic()[:-5]).warning
    with pytest.raises(ImageError, match="truncated"):
        decode_image(heic()[:-200])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_zeros_in_place_of_the_second_half_are_a_failure_too(format):
    data = encoded(photograph(200, 150), format)
    with pytest.raises(ImageError, match="truncated"):
        decode_image(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert decode_image(data + bytes(5000)).warning == ""  # behind a whole image they are of no account


@pytest.mark.parametrize("missing", [0.02, 0.3])
def test_how_much_of_a_jpeg_is_there_is_known_to_a_block(missing):
    data = encoded(photograph(320, 320), "JPEG", quality=90)
    cut = data[: int(len(data) * (1 - missing))]
    if missing > 0.1:
        with pytest.raises(ImageError):
            decode_image(cut)
        return
    image, whole = decode_image(cut), decode_image(data)
    differs = (image.pixels != whole.pixels).any(axis=2).mean()
    assert 0 < differs < 0.1
    assert f"{differs:.1%}"[:1] in image.warning


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    data = encoded(quarters(), "PNG")
    more = b"".join(struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks)
    return data[:33] + more + data[33:]


@pytest.mark.parametrize(
    "data",
    [
        png_with((b"zTXt", b"k\0\0" + zlib.compress(bytes(20_000_000)))),
        png_with((b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(20_000_000)))),
        png_with((b"tEXt", b"k\0" + b"x" * 2_000_000)),
        png_with(*[(b"zTXt", b"k\0\0" + zlib.compress(bytes(1_000_000)))] * 70),
        png_with((b"iCCP", b"icc\0\0" + zlib.compress(bytes(20_000_000)))),
        png_with((b"iCCP", b"icc\0\0not zlib")),
        png_with((b"eXIf", b"MM\0*\xff\xff\xff\xff")),
        png_with((b"tEXt", b"k\0value")).replace(b"value", b"other"),  # its checksum is wrong
        encoded(quarters(), "JPEG", quality=95, exif=b"Exif\0\0" + b"\xff" * 60_000),
        encoded(quarters(), "JPEG", quality=95, icc_profile=bytes(3_000_000)),
        encoded(quarters(), "JPEG", quality=95, comment=b"c" * 65_000),
        encoded(quarters(), "WEBP", lossless=True, exif=b"z" * 2_000_000, icc_profile=b"z" * 2_000_000),
        encoded(quarters(), "TIFF", tiffinfo={270: "x" * 2_000_000}),
    ],
)
def test_metadata_that_is_huge_or_broken_does_not_spoil_an_image(data):
    assert shows_quarters(decode_image(data).pixels)


GREYS = np.linspace(0, 1, 64 * 48).reshape(48, 64)


@pytest.mark.parametrize(
    "values, expected",
    [
        (GREYS.astype(np.float32), GREYS * 255),
        ((GREYS * 255).astype(np.float32), GREYS * 255),
        ((GREYS * 1e9).astype(np.float32), GREYS * 255),
        ((GREYS * 2 - 1).astype(np.float32), GREYS * 255),
        ((GREYS * 1e-4).astype(np.float32), GREYS * 255),
        (np.where(GREYS > 0.5, np.nan, GREYS).astype(np.float32), np.where(GREYS > 0.5, 0, GREYS * 255)),
        (np.where(GREYS > 0.5, np.inf, GREYS).astype(np.float32), np.where(GREYS > 0.5, 255, GREYS * 255)),
        (np.full((48, 64), np.nan, np.float32), np.zeros((48, 64))),
        (np.full((48, 64), 0.5, np.float32), np.full((48, 64), 127.5)),
        ((GREYS * 65535).astype(np.uint16), GREYS * 255),
        ((GREYS * 4095).astype(np.uint16), GREYS * 255),
        ((29_000 + GREYS * 2000).astype(np.uint16), GREYS * 255),
        (np.full((48, 64), 32768, np.uint16), np.full((48, 64), 127.5)),
        ((GREYS > 0.5).astype(np.uint16), 255 * (GREYS > 0.5)),
        ((GREYS * 2000 - 1000).astype(np.int32), GREYS * 255),
        ((GREYS * 4e9).astype(np.uint32), GREYS * 255),
        (GREYS.astype(np.float64), GREYS * 255),
        (GREYS.astype(np.float16), GREYS * 255),
        (np.dstack([GREYS] * 3).astype(np.float32), GREYS * 255),
    ],
)
def test_deep_and_float_images_are_scaled_by_their_content(values, expected):
    import tifffile

    out = io.BytesIO()
    tifffile.imwrite(out, values, photometric="rgb" if values.ndim == 3 else "minisblack")
    pixels = decode_image(out.getvalue()).pixels
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels[..., 0] - expected).max() <= 1.6


def test_deep_colours_in_planes_are_as_those_in_pixels_and_keep_profile_and_orientation():
    import tifffile

    colours = np.dstack([GREYS, 1 - GREYS, GREYS * 0.5])

    def written(planar: bool, **more: object) -> bytes:
        out, values = io.BytesIO(), (colours * 65535).astype(np.uint16)
        values = np.moveaxis(values, -1, 0) if planar else values
        tifffile.imwrite(out, values, photometric="rgb", planarconfig="separate" if planar else "contig", **more)
        return out.getvalue()

    assert np.abs(decode_image(written(True)).pixels - colours * 255).max() <= 1.6
    more = {"extratags": [(0x0112, "H", 1, 6, True)], "iccprofile": rgb_profile("ProPhoto")}
    turned, expected = (decode_image(written(planar, **more)).pixels.astype(int) for planar in (True, False))
    assert turned.shape == (64, 48, 3) and np.abs(turned - expected).mean() < 1


SAMPLES = [("rgb", (0, 0)), ("rgb", (2, 0, 0)), ("separated", ()), ("separated", (0,)), ("minisblack", (0,) * 4)]


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize(
    "photometric, extra, kind",
    [(*one, kind) for one in SAMPLES for kind in (np.uint8, np.uint16, np.float32)[: 2 if "sep" in one[0] else 3]],
)
def test_samples_beyond_the_colours_are_left_out(photometric, extra, kind, planar):
    import tifffile

    colours = np.dstack([GREYS] * 3 if photometric == "minisblack" else [GREYS, 1 - GREYS, GREYS * 0.5])
    shown = {"rgb": colours, "separated": np.dstack([1 - colours, 0 * GREYS]), "minisblack": GREYS[..., None]}
    values = np.dstack([shown[photometric], *[np.ones_like(GREYS)] * len(extra)])
    values = (values * (1 if kind is np.float32 else np.iinfo(kind).max)).astype(kind)
    out, how = io.BytesIO(), {"extrasamples": extra} if extra else {}
    values = np.moveaxis(values, -1, 0).copy() if planar == "separate" else values
    tifffile.imwrite(out, values, photometric=photometric, planarconfig=planar, **how)
    assert np.abs(decode_image(out.getvalue()).pixels - colours * 255).max() <= 1.6


@pytest.mark.parametrize("depth, clear", [(16, 5140), (8, 20)])
def test_a_grey_that_is_transparent_is_white(depth, clear):
    values = np.full((8, 8), 30_000 if depth == 16 else 117, np.uint16 if depth == 16 else np.uint8)
    values[:4] = clear
    pixels = decode_image(encoded(Image.fromarray(values), "PNG", transparency=clear)).pixels
    assert (pixels[:4] == 255).all() and (pixels[4:] < 255).all()


def test_deep_greys_of_either_byte_order_are_the_same():
    values = (GREYS * 65535).astype(np.uint16)
    big = encoded(Image.frombytes("I;16B", (64, 48), values.astype(">u2").tobytes()), "TIFF")
    for data in (big, encoded(Image.fromarray(values), "PNG"), b"P5 64 48 65535\n" + values.astype(">u2").tobytes()):
        assert np.abs(decode_image(data).pixels[..., 1] - GREYS * 255).max() <= 1.6


MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
UNWRITABLE = {  # modes that Pillow cannot write in a format
    "PNG": ("CMYK", "YCbCr"),
    "JPEG": ("LA", "P", "RGBA"),
    "TGA": ("CMYK", "YCbCr"),
    "BMP": ("LA", "CMYK", "YCbCr"),
    "JPEG2000": ("1", "P"),
    "GIF": ("CMYK", "YCbCr"),
    "ICO": ("CMYK", "YCbCr"),
    **dict.fromkeys(("TIFF", "WEBP", "AVIF"), ()),
}


@pytest.mark.parametrize(
    ("format", "mode"),
    [(format, mode) for format, without in UNWRITABLE.items() for mode in MODES if mode not in without],
)
def test_every_mode_of_every_format_shows_the_image(mode, format):
    image = quarters().quantize(16) if mode == "P" else quarters().convert(mode)
    options = {"compression": "jpeg"} if (mode, format) == ("YCbCr", "TIFF") else {"sizes": [(64, 48)]}
    data = encoded(image, format, quality=95, **options)
    reference = np.asarray(image.convert("RGB"), int)
    assert np.abs(decode_image(data).pixels.astype(int) - reference).mean() < 12


def damaged(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(255 - byte for byte in data[at : at + 20]) + data[at + 20 :]


HTML = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>"


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not an image: the file is empty (0 bytes)"),
        (b"these are words", "not an image: it is text"),
        ("\u00fc\u00f6".encode("utf-16"), "not an image: it is text"),
        (HTML, "not an image: it is a web page (HTML)"),
        (b"\n  " + HTML.lower(), "not an image: it is a web page (HTML)"),
        (b'{"error": "quota"}', "not an image: it is text (JSON)"),
        (b"%PDF-1.7\n%\xe2\xe3", "not an image: it is a PDF document"),
        (b"PK\3\4" + bytes(30), "not an image: it is a ZIP archive or an office document"),
        (bytes(4096), "not an image: the file holds nothing but zeros, as after an interrupted copy"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "not an image: it is macOS's notes on another file (AppleDouble)"),
        (b"Salted__" + bytes(range(100)), "not an image: it is encrypted"),
        (
            np.random.default_rng(0).bytes(5000),
            "not an image that can be read: its content is of no known kind; it may be encrypted or damaged",
        ),
        (encoded(photograph(99, 99), "JPEG")[:50], "truncated: the JPEG file ends before its image does"),
        (encoded(photograph(99, 99), "PNG")[:40], "truncated: the PNG file ends before its image does"),
        (
            encoded(photograph(99, 99), "PNG").replace(b"IDAT", b"IDAT" + bytes(9), 1),
            "truncated: the PNG file ends before its image does",
        ),
        (damaged(encoded(photograph(99, 99), "PNG"), 2000), "broken: the PNG data is damaged"),
        (damaged(encoded(photograph(99, 99), "WEBP"), 20), "broken: the WebP data is damaged"),
        (
            b"BM" + bytes(40),
            "not an image that can be read: its content is of no known kind; it may be encrypted or damaged",
        ),
    ],
)
def test_the_reason_is_the_true_one_in_plain_words(data, reason):
    with pytest.raises(ImageError) as failure:
        decode_image(data)
    assert str(failure.value) == reason and not isinstance(failure.value, UnsupportedFormat)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(99), "a video: only images are read"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(99), "a video: only images are read"),
        (b"gimp xcf v011\0" + bytes(99), "an image in a format that is not read (GIMP)"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "an image in a format that is not read (PostScript)"),
        (encoded(photograph(64, 64), "JPEG").replace(b"\xff\xc0", b"\xff\xc5"), "a rare kind of JPEG that is not read"),
        (encoded(photograph(64, 64), "BMP")[:30] + b"\x09" + bytes(9999), "a rare kind of BMP that is not read"),
        (b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 8, 8, 16, 3) + bytes(14 + 8 * 8 * 6), "a rare kind of PSD"),
    ],
)
def test_a_format_that_is_not_read_is_told_from_a_broken_image(data, reason):
    with pytest.raises(UnsupportedFormat) as failure:
        decode_image(data)
    assert str(failure.value).startswith(reason)


def test_jpeg_xl_names_the_package_that_reads_it(monkeypatch):
    data = b"\xff\x0a" + bytes(99)
    monkeypatch.setattr("training.models.formats.find_spec", lambda module: None)
    with pytest.raises(
        UnsupportedFormat, match=r"needs the package pylibjxl: pip install -r requirements-formats\.txt"
    ):
        decode_image(data)


def test_jpeg_xl_is_read_where_the_package_is():
    pylibjxl = pytest.importorskip("pylibjxl")
    image = decode_image(pylibjxl.encode(np.asarray(quarters()), lossless=True))
    assert np.array_equal(image.pixels, np.asarray(quarters()))
    with pytest.raises(ImageError, match="JPEG XL"):
        decode_image(pylibjxl.encode(np.asarray(quarters()))[:-40])


def test_the_limit_of_megapixels_can_be_chosen():
    data = encoded(gradient(200, 100), "PNG")
    assert decode_image(data, most_megapixels=0.02).width == 200
    for format in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "AVIF"):
        with pytest.raises(ImageError, match=r"200 x 100 pixels is over the limit of 0\.01 megapixels"):
            decode_image(encoded(gradient(200, 100), format), most_megapixels=0.01)
    with pytest.raises(ImageError, match=r"over the limit of 0\.01 megapixels"):
        decode_image(heic(), most_megapixels=0.01)


def test_decoders_write_nothing_to_stderr():
    """libtiff, libjpeg and LibRaw would; a build's progress is there."""
    files = [encoded(photograph(99, 99), "TIFF", compression=kind)[:-9] for kind in ("jpeg", "tiff_lzw", "zip")]
    files += [
        encoded(photograph(99, 99), "TIFF", compression="tiff_lzw")[:-3000].ljust(30_000, b"\0"),
        dng(b""),
        heic()[:-200],
    ]
    files += [encoded(photograph(99, 99), "TIFF").replace(b"\x15\x01\x03\0\1\0\0\0\3", b"\x15\x01\x03\0\1\0\0\0\xff")]
    files += [encoded(photograph(99, 99), "JPEG")[:-2000], png_with((b"eXIf", b"MM\0*\xff\xff\xff\xff"))]
    lines = [f"    bytes.fromhex('{data.hex()}')," for data in files]
    program = "\n".join(
        [
            "from training.models.decoding import ImageError, decode_image",
            "files = [",
            *lines,
            "]",
            "for data in files:",
            "    try: decode_image(data)",
            "    except ImageError: pass",
        ]
    )
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, cwd=os.getcwd())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_reader_exists_for_each_image_format_of_the_table():
    from training.models.decoding.pillow import PILLOW
    from training.models.decoding.readers import READERS

    read = {one.name for one in TABLE if one.kind in ("image", "raw")}
    assert read == {*PILLOW, *READERS, "MPO"}
