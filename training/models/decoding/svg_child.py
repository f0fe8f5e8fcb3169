"""What the child process does with an SVG drawing."""

from xml.etree import ElementTree

SIDE = 768  # pixels of the longer side


def convert(data: bytes) -> bytes:
    """The drawing as a PNG. Whatever it links to outside itself is taken out before it is drawn."""
    import resvg_py

    root = ElementTree.fromstring(data)  # expat stops entities that grow without end, and loads none from outside
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name.rpartition("}")[2] == "href" and not value.strip().startswith(("#", "data:image/")):
                del element.attrib[name]
    text = ElementTree.tostring(root, encoding="unicode")
    png = resvg_py.svg_to_bytes(
        svg_string=text,
        width=SIDE,
        height=SIDE,
        dpi=96,  # of mm, cm, pt and in; without it they have no size
        skip_system_fonts=True,
        font_files=_fonts(),
        font_family="DejaVu Sans",
        serif_family="DejaVu Sans",
        sans_serif_family="DejaVu Sans",
        monospace_family="DejaVu Sans",
    )
    return bytes(png)


def _fonts() -> list[str]:
    """matplotlib's DejaVu Sans, found without importing it."""
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("matplotlib")
    font = Path(spec.origin or "").parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf" if spec else Path()
    return [str(font)] if font.is_file() else []
