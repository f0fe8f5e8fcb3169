"""What a camera wrote into a photograph: when, with what, and where."""

import io
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, SupportsFloat

import pandas as pd
from PIL import ExifTags, Image

from training.models.decoding import FORMATS

EXIF_COLUMNS = ("date", "camera", "latitude", "longitude")
CARRIES = ("JPEG", "WEBP", "AVIF", "TIFF")
DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


def exif_of(data: bytes) -> dict[str, Any]:
    """date (as the camera's clock had it), camera, latitude and longitude (degrees), each only where it is known.

    Reads only the header of an image's file; odd values count as missing.
    """
    if b"Exif" not in data[: 1 << 16] and data[:2] not in (b"II", b"MM", b"RI"):
        return {}  # most images of the web: nothing to look for
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            if opened.format not in CARRIES:
                return {}
            exif = opened.getexif()
            facts = {"date": _date(exif), "camera": _camera(exif), **_location(exif.get_ifd(ExifTags.IFD.GPSInfo))}
    except Exception:  # Pillow's readers raise many kinds on broken headers; the image itself may be fine
        return {}
    return {name: value for name, value in facts.items() if value is not None}


def _date(exif: Image.Exif) -> pd.Timestamp | None:
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    for text in (detail.get(ExifTags.Base.DateTimeOriginal), exif.get(ExifTags.Base.DateTime)):
        found = DATE.match(str(text or ""))
        if found:
            with suppress(ValueError):  # the 31st of February
                return pd.Timestamp(datetime(*(int(part) for part in found.groups())))  # type: ignore[arg-type]
    return None


def _camera(exif: Image.Exif) -> str | None:
    maker, model = (_clean(exif.get(tag)) for tag in (ExifTags.Base.Make, ExifTags.Base.Model))
    if not model:
        return maker or None
    return model if not maker or model.lower().startswith(maker.split()[0].lower()) else f"{maker} {model}"


def _clean(value: object) -> str:
    text = "".join(c for c in str(value or "") if c.isprintable())
    return " ".join(text.split())[:100]


def _location(gps: dict[int, Any]) -> dict[str, float | None]:
    north = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), "S", 90)
    east = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), "W", 180)
    return {"latitude": north, "longitude": east} if north is not None and east is not None else {}


def _degrees(parts: Iterable[SupportsFloat] | None, reference: object, negative: str, most: int) -> float | None:
    """Degrees, minutes and seconds as degrees to six places, a tenth of a metre."""
    try:
        degrees, minutes, seconds = (float(part) for part in parts or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    value = degrees + minutes / 60 + seconds / 3600
    value = -value if str(reference or "").upper().startswith(negative) else value
    return round(value, 6) if abs(value) <= most else None
