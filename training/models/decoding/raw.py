"""RAW files of cameras: the JPEG preview that the camera put into them, found without knowing its maker's format."""

import io
import re
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from training.models.decoding.child import ChildFailed, in_child
from training.models.decoding.image import ORIENTATION, QUIET, DecodedImage, ImageError, UnsupportedFormat, upright
from training.models.decoding.jpeg import decode_plain_jpeg
from training.models.decoding.jpeg_parts import READ_FRAMES, frame_of
from training.models.decoding.pillow import read_by_pillow
from training.models.decoding.tiff_parts import orientation_of_tiff
from training.models.formats import OPTIONAL

JPEG = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]")
LEAST_SIDE = 120  # pixels of a preview's shorter side; what is smaller is an icon
MOST_PREVIEWS = 200


def read_raw(data: bytes, name: str, min_side: int | None, most_megapixels: float) -> DecodedImage:
    """The largest JPEG within data, upright; without one, what rawpy makes of the file, if it is installed."""
    for at in previews(data):
        try:
            return _read_preview(data, at, min_side, most_megapixels)
        except Exception:  # damaged, or no JPEG after all: the next largest may do
            continue
    if find_spec("rawpy") is None:
        raise UnsupportedFormat(f"a RAW file without a preview needs the package rawpy: pip install -r {OPTIONAL}")
    try:
        made = in_child(Path(__file__).with_name("raw_child.py"), data)
    except ChildFailed as error:
        raise ImageError(
            "broken or of an unknown camera: a RAW file without a preview that cannot be developed"
        ) from error
    return read_by_pillow(made, "PNG", min_side, most_megapixels)


def previews(data: bytes) -> list[int]:
    """Where the JPEGs within data begin that are large enough to be previews, the largest first."""
    found = []
    for match in JPEG.finditer(data):
        frame = frame_of(data, match.start())
        if frame is not None and frame[0] in READ_FRAMES and min(frame[2:]) >= LEAST_SIDE:
            found.append((frame[2] * frame[3], match.start()))
        if len(found) == MOST_PREVIEWS:
            break
    return [at for _, at in sorted(found, key=lambda one: -one[0])]


def _read_preview(data: bytes, at: int, min_side: int | None, most_megapixels: float) -> DecodedImage:
    jpeg = data[at:]
    with QUIET, Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
        is_upright = ORIENTATION in opened.getexif()
    image = decode_plain_jpeg(jpeg, min_side, most_megapixels)
    image = image or read_by_pillow(jpeg, "JPEG", min_side, most_megapixels)
    turn = 1 if is_upright else _orientation(data)
    size = (image.height, image.width) if turn in (5, 6, 7, 8) else (image.width, image.height)
    return DecodedImage(upright(image.pixels, turn), *size, image.warning)


def _orientation(data: bytes) -> int:
    """How the camera was held, by the RAW file itself: in its first directory, or in the box CMT1 of Canon's CR3."""
    if data.startswith((b"II", b"MM")):
        return orientation_of_tiff(data)
    box = data.find(b"CMT1", 0, 1 << 16)
    return orientation_of_tiff(data[box + 4 : box + 4 + (1 << 16)]) if box >= 0 else 1
