"""A HEIC file in bytes: four coloured quarters, with whatever rotation, profile and metadata a test wants.

The coded pixels (128 x 96: red and green above blue and grey) and their decoder settings come from
`heif-enc -q 60 -p chroma=420 quarters.png` of Debian's libheif-examples; the container around them is made here.
"""

import struct
from base64 import b64decode

WIDTH, HEIGHT = 128, 96
SETTINGS = b64decode(
    "AQNwAAAAAAAAAAAAHvAA/P34+AAADwMgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQCEAAQArQgEBA3AAAAMAkAAAAwAA"
    "AwAeoBAgYWW6kkprm4EBAwIAAAMAAgAAAwACECIAAQAHRAHBcrAiQA=="
)
PIXELS = b64decode(
    "AAABESgBrwng4wucuq///pk///5Fu5D+MNs4hm4h5R//0tDFf2fMx/6KkqFtMfeZzNZqn84lOTUHyu4b6ZG0dTp1YXEBhgxU"
    "csIo8Pk+1DNei6mk7Cuskt+11lvWH735P/zF3//jKNr3TsN76XVvNh+BycAWf/6rFtTx62iHWSsh4ea1yi8w3/6ulOno+fC9"
    "ZBlXP/GBzkMAkuSqUUtSTWqwhvFKy674sEcz6+xXhfHl18ANvp7HS/PXXCywhYtRRbRMrRzOwpxR2G91JBnMLKsgB/cezGXQ"
    "8xNXWswbpLonga7HMcDvE41GkQCn8yjWE/arnmY5Cnlyzn/8jA7zee4SBoA6NUOG6AqhjVb5+vFk/ryvMA=="
)


def heic(
    quarter_turns: int = 0, profile: bytes = b"", exif: bytes = b"", xmp: bytes = b"", brand: bytes = b"heic"
) -> bytes:
    """The file. quarter_turns: counterclockwise, to be applied when it is shown. exif: a TIFF structure."""
    properties = [
        _box(b"hvcC", SETTINGS),
        _full(b"ispe", struct.pack(">II", WIDTH, HEIGHT)),
        _full(b"pixi", b"\3\10\10\10"),
    ]
    if profile:
        properties.append(_box(b"colr", b"prof" + profile))
    if quarter_turns:
        properties.append(_box(b"irot", bytes([quarter_turns])))
    used = bytes([len(properties), 0x81, *range(2, len(properties) + 1)])
    associations = _full(b"ipma", struct.pack(">IH", 1, 1) + used)
    items = [(b"hvc1", PIXELS, b"")]
    if exif:
        items.append((b"Exif", struct.pack(">I", 0) + exif, b""))
    if xmp:
        items.append((b"mime", xmp, b"application/rdf+xml\0"))
    infos = b"".join(
        _full(b"infe", struct.pack(">HH", number, 0) + kind + b"\0" + more, version=2)
        for number, (kind, _, more) in enumerate(items, 1)
    )
    references = b"".join(_box(b"cdsc", struct.pack(">HHH", number, 1, 1)) for number in range(2, len(items) + 1))

    def meta(start: int) -> bytes:
        places, at = b"", start
        for number, (_, content, _) in enumerate(items, 1):
            places += struct.pack(">HHHII", number, 0, 1, at, len(content))
            at += len(content)
        return _full(
            b"meta",
            _full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + _full(b"pitm", struct.pack(">H", 1))
            + _full(b"iloc", b"\x44\0" + struct.pack(">H", len(items)) + places)
            + _full(b"iinf", struct.pack(">H", len(items)) + infos)
            + (_full(b"iref", references) if references else b"")
            + _box(b"iprp", _box(b"ipco", b"".join(properties)) + associations),
        )

    kind = _box(b"ftyp", brand + bytes(4) + b"mif1" + brand)
    start = len(kind) + len(meta(0)) + 8
    return kind + meta(start) + _box(b"mdat", b"".join(content for _, content, _ in items))


def heic_with_gain_map() -> bytes:
    """The file as iPhones write it: its second item is the primary image, its first a gain map on edge."""
    kind = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    settings, size = _box(b"hvcC", SETTINGS), _full(b"ispe", struct.pack(">II", WIDTH, HEIGHT))
    of_gain_map = _full(b"auxC", b"urn:com:apple:photo:2020:aux:hdrgainmap\0")
    properties = [settings, size, _full(b"pixi", b"\3\10\10\10"), of_gain_map, _box(b"irot", b"\1")]
    associations = struct.pack(">I", 2) + struct.pack(">H", 1) + bytes([5, 0x81, 2, 3, 4, 5])
    associations += struct.pack(">H", 2) + bytes([3, 0x81, 2, 3])
    infos = b"".join(_full(b"infe", struct.pack(">HH", n, 0) + b"hvc1\0", version=2) for n in (1, 2))

    def meta(start: int) -> bytes:
        places = b"".join(struct.pack(">HHHII", n, 0, 1, start + (n - 1) * len(PIXELS), len(PIXELS)) for n in (1, 2))
        return _full(
            b"meta",
            _full(b"hdlr", bytes(4) + b"pict" + bytes(13))
            + _full(b"pitm", struct.pack(">H", 2))
            + _full(b"iloc", b"\x44\0" + struct.pack(">H", 2) + places)
            + _full(b"iinf", struct.pack(">H", 2) + infos)
            + _full(b"iref", _box(b"auxl", struct.pack(">HHH", 1, 1, 2)))
            + _box(b"iprp", _box(b"ipco", b"".join(properties)) + _full(b"ipma", associations)),
        )

    return kind + meta(len(kind) + len(meta(0)) + 8) + _box(b"mdat", PIXELS + PIXELS)


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def _full(name: bytes, content: bytes, version: int = 0) -> bytes:
    return _box(name, struct.pack(">I", version << 24) + content)
