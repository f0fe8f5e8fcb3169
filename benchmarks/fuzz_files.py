"""Small files of every format that is read, and mutations of them, both the same on every run."""

import io
import struct
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from tests.heic import heic

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 20">
<defs><g id="a"><rect width="9" height="9"/></g></defs><use href="#a"/>
<filter id="f"><feGaussianBlur stdDeviation="2"/></filter><g filter="url(#f)"><path d="M1 2L9 9Z"/></g>
<text x="1" y="9">hello</text></svg>"""


def files() -> dict[str, bytes]:
    """One of each format and of each variant that takes another way through a decoder, by name."""
    rng = np.random.default_rng(0)
    across, down = np.meshgrid(np.linspace(0, 255, 64), np.linspace(0, 255, 48))
    pixels = np.dstack([across, down, 255 - across]) + rng.normal(0, 20, (48, 64, 3))
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    tagged = {"icc_profile": profile, "exif": exif}
    deep = Image.fromarray((pixels[..., 0].clip(0, 255) * 257).astype(np.uint16))

    def written(image: Image.Image, format: str, **options: object) -> bytes:
        out = io.BytesIO()
        image.save(out, format, **options)
        return out.getvalue()

    jpeg = written(image, "JPEG", **tagged)
    found = {
        "JPEG": jpeg,
        "JPEG, progressive": written(image, "JPEG", progressive=True),
        "JPEG, restarts": written(image, "JPEG", restart_marker_blocks=3, subsampling="4:4:4"),
        "JPEG, CMYK": written(image.convert("CMYK"), "JPEG"),
        "JPEG, grey": written(image.convert("L"), "JPEG"),
        "MPO": written(image, "MPO", save_all=True, append_images=[image]),
        "PNG": written(image, "PNG", **tagged),
        "PNG, palette": written(image.quantize(16), "PNG", transparency=1),
        "PNG, 16 bits": written(deep, "PNG"),
        "APNG": written(image.convert("RGBA"), "PNG", save_all=True, append_images=[image]),
        "WebP": written(image, "WEBP", **tagged),
        "WebP, lossless": written(image.convert("RGBA"), "WEBP", lossless=True),
        "WebP, animated": written(image, "WEBP", save_all=True, append_images=[image.rotate(90)]),
        "GIF": written(image, "GIF", save_all=True, append_images=[image.rotate(90)], transparency=3),
        "BMP": written(image, "BMP"),
        "BMP, palette": written(image.quantize(16), "BMP"),
        "TIFF": written(image, "TIFF", **tagged),
        "TIFF, deep": written(deep, "TIFF"),
        "TIFF, float": written(Image.fromarray(pixels[..., 0].astype(np.float32)), "TIFF"),
        "TIFF, Lab": written(
            image.convert("RGB").convert("L").convert("RGB").convert("YCbCr"), "TIFF", compression="jpeg"
        ),
        "AVIF": written(image, "AVIF", **tagged),
        "AVIF, animated": written(image, "AVIF", save_all=True, append_images=[image.rotate(90)]),
        "HEIC": heic(),
        "HEIC, turned": heic(quarter_turns=3, profile=profile, exif=exif.tobytes()[6:], xmp=b"<x/>"),
        "JPEG 2000": written(image, "JPEG2000"),
        "JPEG 2000, codestream": written(image, "JPEG2000", no_jp2=True, irreversible=True),
        "TGA": written(image, "TGA", compression="tga_rle"),
        "PNM": written(image, "PPM"),
        "PNM, text": b"P3 4 2 255\n" + b"1 2 3 " * 8,
        "ICO": written(image, "ICO", sizes=[(32, 24), (64, 48)]),
        "ICO, bitmap": written(image.convert("RGBA"), "ICO", bitmap_format="bmp"),
        "PSD": b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 48, 64, 8, 3) + bytes(14) + image.tobytes(),
        "SVG": SVG,
        "RAW": b"II*\0\x08\0\0\0\1\0\6\1\3\0\1\0\0\0\x23\x80\0\0\0\0\0\0" + written(image.resize((200, 150)), "JPEG"),
        "RAW, without a preview": b"II*\0\x08\0\0\0\1\0\6\1\3\0\1\0\0\0\x23\x80\0\0\0\0\0\0" + image.tobytes(),
    }
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"):
        source = image.convert("1") if compression == "group4" else image
        found[f"TIFF, {compression}"] = written(source, "TIFF", compression=compression)
    try:
        import pylibjxl

        found["JPEG XL"] = pylibjxl.encode(np.asarray(image))
        found["JPEG XL, lossless"] = pylibjxl.encode(np.asarray(image.convert("RGBA")), lossless=True, icc=profile)
    except ImportError:
        pass
    return found


def mutated(data: bytes, rng: np.random.Generator, others: list[bytes]) -> bytes:
    """data after one to four random changes of the kinds that damage and attackers make."""
    out = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        MUTATIONS[rng.integers(len(MUTATIONS))](out, rng, others)
        if not out:
            out = bytearray(data[:1])
    return bytes(out)


def _flip_bits(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    for at in rng.integers(0, len(out), rng.integers(1, 9)):
        out[at] ^= 1 << int(rng.integers(8))


def _flip_header(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    at = int(rng.integers(0, min(len(out), 128)))
    out[at] = int(rng.integers(256))


def _extreme_number(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    width, order = (1, 2, 4)[rng.integers(3)], ("little", "big")[rng.integers(2)]
    at = int(rng.integers(0, len(out)))
    value = INTERESTING[rng.integers(len(INTERESTING))] & (256**width - 1)
    out[at : at + width] = value.to_bytes(width, order)  # type: ignore[arg-type]


def _cut(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    del out[int(rng.integers(1, len(out) + 1)) :]


def _remove(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    at = int(rng.integers(0, len(out)))
    del out[at : at + int(rng.integers(1, 64))]


def _repeat(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    at, size = int(rng.integers(0, len(out))), int(rng.integers(1, 256))
    out[at:at] = out[at : at + size] * int(rng.integers(1, 8))


def _insert_noise(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    at = int(rng.integers(0, len(out)))
    out[at:at] = rng.bytes(int(rng.integers(1, 64)))


def _splice(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    other = others[rng.integers(len(others))]
    at, start = int(rng.integers(0, len(out))), int(rng.integers(0, len(other)))
    out[at : at + 128] = other[start : start + int(rng.integers(1, 512))]


def _zeros(out: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    at, size = int(rng.integers(0, len(out))), int(rng.integers(1, 512))
    out[at : at + size] = bytes(size)


MUTATIONS: tuple[Callable[[bytearray, np.random.Generator, list[bytes]], None], ...] = (
    *(_flip_bits, _flip_bits, _flip_header, _extreme_number, _extreme_number),
    *(_cut, _remove, _repeat, _insert_noise, _splice, _zeros),
)
