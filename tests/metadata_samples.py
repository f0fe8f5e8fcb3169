"""Images with metadata, as cameras and programs write it, made of nothing but Pillow and bytes."""

import io
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

EXIF_IFD, GPS_IFD = 0x8769, 0x8825
JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
NONE: Mapping[Any, Any] = {}
SPACES = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def exif_block(
    main: Mapping[int, object] = NONE, detail: Mapping[int, object] = NONE, gps: Mapping[int, object] = NONE
) -> Image.Exif:
    """EXIF of its three directories, by tag."""
    exif = Image.Exif()
    for tag, value in main.items():
        exif[tag] = value
    exif.get_ifd(EXIF_IFD).update(detail)
    exif.get_ifd(GPS_IFD).update(gps)
    return exif


def xmp_packet(properties: Mapping[str, str | Sequence[str] | Mapping[str, str]] = NONE, extra: str = "") -> bytes:
    """XMP: a text is an attribute, a sequence a bag, and a mapping a text in several languages."""
    attributes, elements = "", extra
    for name, value in properties.items():
        if isinstance(value, str):
            attributes += f' {name}="{value}"'
        elif isinstance(value, Mapping):
            items = "".join(f'<rdf:li xml:lang="{language}">{text}</rdf:li>' for language, text in value.items())
            elements += f"<{name}><rdf:Alt>{items}</rdf:Alt></{name}>"
        else:
            elements += f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{one}</rdf:li>' for one in value)}</rdf:Bag></{name}>"
    spaces = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about=""{spaces}{attributes}>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def iptc_records(fields: Sequence[tuple[int, bytes]], utf_8: bool = False) -> bytes:
    """IIM: fields of record 2, by number."""
    head = b"\x1c\x01\x5a\x00\x03\x1b%G" if utf_8 else b""
    return head + b"".join(struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value for number, value in fields)


def photoshop_block(records: bytes, before: bytes = b"") -> bytes:
    """IIM as Photoshop puts it into a JPEG."""
    body = b"Photoshop 3.0\0" + before + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    return body + b"\0" * (len(records) % 2)


def jpeg(
    exif: Image.Exif | None = None, xmp: bytes = b"", iptc: bytes = b"", colour: str | tuple[int, int, int] = "red"
) -> bytes:
    """A JPEG with these blocks. iptc: records."""
    out = io.BytesIO()
    Image.new("RGB", (32, 24), colour).save(out, "JPEG", exif=exif if exif is not None else b"")
    segments = b""
    if xmp:
        segments += _segment(0xE1, JPEG_XMP + xmp)
    if iptc:
        segments += _segment(0xED, photoshop_block(iptc))
    return with_segments(out.getvalue(), segments)


def with_segments(data: bytes, segments: bytes) -> bytes:
    """A JPEG with more segments behind its first, which is the file's own header."""
    size = struct.unpack(">H", data[4:6])[0]
    return data[: 4 + size] + segments + data[4 + size :]


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body
