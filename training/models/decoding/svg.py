"""SVG drawings, by resvg in a process of its own: deep or endless drawings crash it or keep it busy."""

from pathlib import Path

from training.models.decoding.child import ChildFailed, in_child
from training.models.decoding.content import inflated
from training.models.decoding.image import DecodedImage, ImageError
from training.models.decoding.pillow import read_by_pillow

MOST_BYTES = 32 << 20  # of a drawing's text


def read_svg(data: bytes, name: str, min_side: int | None, most_megapixels: float) -> DecodedImage:
    """Draw data on white, the longer side 768 pixels. Linked files are not read; text is set in DejaVu Sans."""
    if data.startswith(b"\x1f\x8b"):
        data = inflated(data, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ImageError(f"too large: an SVG drawing of more than {MOST_BYTES >> 20} MB")
    try:
        png = in_child(Path(__file__).with_name("svg_child.py"), data)
    except ChildFailed as error:
        raise ImageError("broken, or too complex to be drawn: its SVG cannot be rendered") from error
    return read_by_pillow(png, "PNG", min_side, most_megapixels)
