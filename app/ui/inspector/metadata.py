"""Columns of an image as the inspector shows them: one row each for its date, its place and its rating."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from index.storage.cells import as_display
from index.storage.layout import REQUIRED_COLUMNS
from training.data.metadata.columns import PLACE, TIME
from training.data.metadata.moments import Moment, read_offset

SHOWN_TOGETHER = (*TIME, *PLACE, "rating", "orientation")  # in other words than their own, or not at all


def shown_columns(record: Mapping[str, Any]) -> dict[str, str]:
    """The columns of a record that have a value, beside those that every image has."""
    together = {"place": _place(record), "rating": _rating(record.get("rating"))}
    others = {
        name: as_display(cell) for name, cell in record.items() if name not in (*REQUIRED_COLUMNS, *SHOWN_TOGETHER)
    }
    return {name: text for name, text in (together | others).items() if text}


def shown_date(record: Mapping[str, Any]) -> dict[str, str]:
    """date: when the image was taken, else when its file changed; date_of says which, "taken" or "changed"."""
    taken = _taken(record)
    return {"date": taken or _day(record["modified"]), "date_of": "taken" if taken else "changed"}


def _day(date: Any) -> str:
    """A date in words; empty if it is missing, or as good as."""
    return f"{date.day} {date:%B %Y}" if date == date and date.year > 1970 else ""


def _taken(record: Mapping[str, Any]) -> str:
    """What the clock of the camera showed, with its time zone where that is known."""
    taken, offset = record.get("taken"), record.get("taken_offset")
    if not isinstance(taken, datetime) or taken != taken:
        return as_display(taken)
    clock = Moment(taken, read_offset(offset)).clock
    return f"{_day(clock)}, {clock:%H:%M}" + (f" (UTC{offset})" if isinstance(offset, str) else "")


def _place(record: Mapping[str, Any]) -> str:
    latitude, longitude, altitude = (record.get(name) for name in PLACE)
    if not (isinstance(latitude, float) and isinstance(longitude, float) and latitude == latitude):
        return ", ".join(text for text in map(as_display, (latitude, longitude)) if text)
    above = f", {as_display(altitude)} m" if as_display(altitude) else ""
    return f"{latitude:.5f}, {longitude:.5f}{above}"


def _rating(stars: object) -> str:
    """Stars; other ratings, which a table may hold, as they are."""
    if isinstance(stars, int | float) and not isinstance(stars, bool) and stars in range(6):
        return "★" * int(stars) + "☆" * (5 - int(stars))
    return as_display(stars)
