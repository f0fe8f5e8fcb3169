"""EXIF: what a camera wrote, and what Windows writes into the same place."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from PIL import ExifTags, Image

from training.data.metadata.columns import Columns, joined, known, of_moment
from training.data.metadata.moments import Moment, better, read_moment
from training.data.metadata.values import camera, degrees, description, lens, line, number, place, rating
from training.data.texts import decode_text

Base, GPS = ExifTags.Base, ExifTags.GPS
TIMES = (  # each with the fields of its fraction of a second and of its time zone
    (Base.DateTimeOriginal, Base.SubsecTimeOriginal, Base.OffsetTimeOriginal),
    (Base.DateTimeDigitized, Base.SubsecTimeDigitized, Base.OffsetTimeDigitized),
    (Base.DateTime, Base.SubsecTime, Base.OffsetTime),
)
CLOCKS_DIFFER = timedelta(minutes=5)  # a camera's clock and that of the satellites
TITLE, COMMENT, KEYWORDS, SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F  # Windows' fields, UTF-16
MAIN = (  # fields of the first directory that become columns
    *(Base.DateTime, Base.SubsecTime, Base.OffsetTime, Base.Make, Base.Model, Base.Orientation, Base.ImageDescription),
    *(Base.Rating, Base.RatingPercent, TITLE, COMMENT, KEYWORDS, SUBJECT),
    *(Base.DateTimeOriginal, Base.UserComment, Base.LensModel),  # where PNG and TIFF writers put them
)
XMP, IPTC, PHOTOSHOP = 700, 33723, 34377  # what a TIFF holds of others, as fields

Fields = Mapping[int, Any]


def open_exif(data: bytes) -> Image.Exif:
    """EXIF as Pillow reads it, out of a block or of a whole TIFF. It raises many kinds of error, here and later."""
    exif = Image.Exif()
    exif.load(data)
    return exif


def exif_columns(exif: Image.Exif) -> Columns:
    """The columns of EXIF; a field that is broken counts as missing."""
    detail = _directory(exif, ExifTags.IFD.Exif)
    gps = _directory(exif, ExifTags.IFD.GPSInfo)
    fields = {**{tag: _field(exif, tag) for tag in MAIN}, **detail}
    big_endian = getattr(exif, "endian", "<") == ">"
    readers: tuple[Callable[[], Columns], ...] = (
        lambda: of_moment(_taken(fields, gps)),
        lambda: known({"camera": camera(_text(fields.get(Base.Make)), _text(fields.get(Base.Model)))}),
        lambda: known({"lens": lens(_text(fields.get(Base.LensModel)))}),
        lambda: _place(gps),
        lambda: rating(fields.get(Base.Rating), fields.get(Base.RatingPercent)),
        lambda: known({"keywords": joined((_utf_16(fields.get(KEYWORDS)) or "").split(";"))}),
        lambda: known({"title": line(_utf_16(fields.get(TITLE)))}),
        lambda: known({"description": _description(fields, big_endian)}),
        lambda: known({"orientation": _orientation(fields.get(Base.Orientation))}),
    )
    found: Columns = {}
    for read in readers:
        with suppress(Exception):  # a field of any type where another is expected
            found |= read()
    return found


def _directory(exif: Image.Exif, which: int) -> dict[int, Any]:
    try:
        return dict(exif.get_ifd(which))
    except Exception:  # as for open_exif
        return {}


def _field(exif: Image.Exif, tag: int) -> Any:
    try:
        return exif.get(tag)
    except Exception:  # as for open_exif
        return None


def _taken(fields: Fields, gps: Fields) -> Moment | None:
    """The first of the times that there is; its time zone by what the satellites said if the camera did not say it."""
    found = (
        read_moment(_text(fields.get(time)), _text(fields.get(part)), _text(fields.get(zone) or _zone(fields, time)))
        for time, part, zone in TIMES
    )
    return better(next((moment for moment in found if moment is not None), None), _satellites(gps), CLOCKS_DIFFER)


def _zone(fields: Fields, time: int) -> Any:
    """The time zone of a time that has none of its own: that of another time at which the clock showed the same.

    Many cameras write OffsetTime alone. Of an image that was changed later it is the zone of the change.
    """
    zones = ((fields.get(other), fields.get(zone)) for other, _, zone in TIMES if fields.get(zone))
    return next((zone for clock, zone in zones if not clock or _text(clock) == _text(fields.get(time))), None)


def _satellites(gps: Fields) -> Moment | None:
    day, time = _text(gps.get(GPS.GPSDateStamp)), gps.get(GPS.GPSTimeStamp)
    if not day or not isinstance(time, tuple | list):
        return None
    parts = [number(part) for part in time]
    if len(parts) != 3 or any(part is None or part < 0 for part in parts):
        return None
    hour, minute, second = (int(part or 0) for part in parts)
    return read_moment(f"{day[:10]} {hour:02}:{minute:02}:{second:02}Z")


def _place(gps: Fields) -> Columns:
    height = number(gps.get(GPS.GPSAltitude))
    below = gps.get(GPS.GPSAltitudeRef) in (1, b"\x01", (1,))
    return place(
        _degrees(gps.get(GPS.GPSLatitude), gps.get(GPS.GPSLatitudeRef)),
        _degrees(gps.get(GPS.GPSLongitude), gps.get(GPS.GPSLongitudeRef)),
        -abs(height) if height is not None and below else height,
    )


def _degrees(value: Any, reference: object) -> float | None:
    parts = value if isinstance(value, tuple | list) else (value,)
    return degrees(parts, _text(reference))


def _description(fields: Fields, big_endian: bool) -> str | None:
    texts = (
        _text(fields.get(Base.ImageDescription)),
        _comment(fields.get(Base.UserComment), big_endian),
        _utf_16(fields.get(COMMENT)),
        _utf_16(fields.get(SUBJECT)),
    )
    return next((found for text in texts if (found := description(text))), None)


def _comment(value: object, big_endian: bool) -> str | None:
    """A comment, whose first eight bytes name its encoding."""
    if not isinstance(value, bytes):
        return _text(value)
    code, text = value[:8].rstrip(b"\0 ").upper(), value[8:]
    if code == b"UNICODE":
        if text[:2] in (b"\xff\xfe", b"\xfe\xff") or (text.count(0) == 0 and text.isascii()):
            return decode_text(text)
        zeros = text[0::2].count(0) - text[1::2].count(0)  # cameras differ on the order of bytes
        big_endian = zeros > 0 if zeros else big_endian
        return text.decode("utf-16-be" if big_endian else "utf-16-le", "ignore").rstrip("\0 ")
    if code == b"JIS":
        return text.decode("iso2022_jp", "ignore").rstrip("\0 ")
    return _text(text if code in (b"ASCII", b"") else value)


def _text(value: object) -> str | None:
    """A field as text. Pillow reads it as Latin-1, and most programs write UTF-8."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    if isinstance(value, str):
        value = value.partition("\0")[0]
        value = value.encode("latin-1") if all(ord(c) < 256 for c in value) else value
    if isinstance(value, bytes):
        return decode_text(value.rstrip(b"\0 ")).partition("\0")[0]
    return None if value is None else str(value)


def _utf_16(value: object) -> str | None:
    """Windows' texts."""
    if isinstance(value, tuple | list):
        value = bytes(value)
    if isinstance(value, bytes):
        return value.decode("utf-16-le", "ignore").rstrip("\0 ")
    return value if isinstance(value, str) else None


def _orientation(value: object) -> int | None:
    found = number(value)
    return int(found) if found is not None and found in range(1, 9) else None
