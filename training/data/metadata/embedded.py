"""Metadata inside an image's file: XMP before IPTC before EXIF."""

import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from PIL import Image

from training.data.metadata.blocks import Blocks, blocks_of
from training.data.metadata.columns import Columns, known, merged, of_moment
from training.data.metadata.exif import IPTC, PHOTOSHOP, XMP, exif_columns, open_exif
from training.data.metadata.iptc import iptc_columns, photoshop_iptc
from training.data.metadata.moments import read_moment
from training.data.metadata.values import description, line
from training.data.metadata.xmp import xmp_columns

Given = TypeVar("Given")
Read = TypeVar("Read")


def embedded_columns(data: bytes) -> Columns:
    """The columns that an image's bytes tell of. Whatever is broken counts as missing: the image itself may be fine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd EXIF is of no account
        blocks = _or_nothing(blocks_of, data) or Blocks()
        exif = _or_nothing(_open_exif, blocks) if blocks.exif else None
        of_exif = _or_nothing(exif_columns, exif) if exif is not None else None
        of_xmp = _or_nothing(xmp_columns, blocks.xmp) if blocks.xmp else None
        of_iptc = _or_nothing(iptc_columns, blocks.iptc) if blocks.iptc else None
    orientation = {"orientation": of_exif["orientation"]} if of_exif and "orientation" in of_exif else None
    sources = (
        orientation,
        of_xmp,
        of_iptc,
        of_exif,
        _text_columns(blocks.texts),
    )  # the decoder obeys EXIF's orientation
    return merged(*(source for source in sources if source))


def _or_nothing(read: Callable[[Given], Read], given: Given) -> Read | None:
    """read(given), or None: readers raise many kinds of error on broken metadata, Pillow's above all."""
    try:
        return read(given)
    except Exception:
        return None


def _open_exif(blocks: Blocks) -> Image.Exif:
    """The EXIF of a file; what else stands in its fields goes to where the others have it."""
    exif = open_exif(blocks.exif)
    with suppress(Exception):
        blocks.xmp = blocks.xmp or _bytes(exif.get(XMP), exif)
        photoshop = photoshop_iptc(_bytes(exif.get(PHOTOSHOP), exif))
        blocks.iptc = blocks.iptc or _bytes(exif.get(IPTC), exif) or photoshop
    return exif


def _bytes(value: object, exif: Image.Exif) -> bytes:
    """A field that holds a block, which some write as numbers of four bytes."""
    if isinstance(value, tuple | list) and value:
        wide = any(part > 255 for part in value)
        return struct.pack(f"{exif.endian}{len(value)}{'I' if wide else 'B'}", *value)
    return bytes(value) if isinstance(value, bytes) else b""


def _text_columns(texts: dict[str, str]) -> Columns:
    """What a PNG says in its texts."""
    facts = {"title": line(texts.get("title")), "description": description(texts.get("description"))}
    return merged(of_moment(read_moment(texts.get("creation time"))), known(facts))
