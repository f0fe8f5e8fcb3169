"""IPTC's older form of metadata (IIM), inside Photoshop's blocks of a JPEG or a field of a TIFF."""

from collections.abc import Iterator

from training.data.metadata.columns import Columns, joined, known, merged, of_moment
from training.data.metadata.moments import read_moment
from training.data.metadata.values import description, line
from training.data.texts import decode_text

IPTC_BLOCK = 0x0404  # of Photoshop's
CHARSET, UTF_8 = (1, 90), b"\x1b%G"
TITLE, KEYWORD, DATE, TIME, SCANNED, SCAN_TIME, HEADLINE, CAPTION = (
    (2, number) for number in (5, 25, 55, 60, 62, 63, 105, 120)
)


def iptc_columns(data: bytes) -> Columns:
    """The columns of IIM records; what follows a broken one is left out."""
    utf_8 = False
    found: dict[tuple[int, int], list[str]] = {}
    for field, value in _records(data):
        if field == CHARSET:
            utf_8 = value.startswith(UTF_8)
        else:
            text = value.decode("utf-8", "replace") if utf_8 else decode_text(value)
            found.setdefault(field, []).append(text)
    first = {field: texts[0] for field, texts in found.items()}
    taken = _date(first.get(DATE), first.get(TIME)) or _date(first.get(SCANNED), first.get(SCAN_TIME))
    facts = {
        "keywords": joined(found.get(KEYWORD, [])),
        "title": line(first.get(TITLE) or first.get(HEADLINE)),
        "description": description(first.get(CAPTION)),
    }
    return merged(taken, known(facts))


def photoshop_iptc(data: bytes) -> bytes:
    """The IIM records in Photoshop's blocks; empty if there are none."""
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        kind = int.from_bytes(data[at + 4 : at + 6], "big")
        name = data[at + 6] + 1
        at += 6 + name + name % 2
        size = int.from_bytes(data[at : at + 4], "big")
        if kind == IPTC_BLOCK:
            return data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def _records(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        field, size = (data[at + 1], data[at + 2]), int.from_bytes(data[at + 3 : at + 5], "big")
        at += 5
        if size & 0x8000:  # so many bytes hold the size
            digits = size & 0x7FFF
            size = int.from_bytes(data[at : at + digits], "big") if digits <= 4 else len(data)
            at += digits
        if at + size > len(data):
            return
        yield field, data[at : at + size]
        at += size


def _date(date: str | None, time: str | None) -> Columns:
    """YYYYMMDD, and HHMMSS with an offset."""
    date, time = (date or "").strip(), (time or "").strip()
    if len(date) == 8:
        date = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    if len(time) >= 6:
        date += f" {time[:2]}:{time[2:4]}:{time[4:6]}{time[6:]}"
    return of_moment(read_moment(date))
