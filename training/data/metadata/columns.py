"""The columns of metadata, and how what several places say of one image becomes one row.

taken: when, in UTC if taken_offset ("+02:00", of the clock) is known, else as the camera's clock showed it. latitude,
longitude: degrees; altitude: metres above the sea. rating: 0 to 5; rejected: True where a person said so. keywords and
people: a text of several, see `joined`. orientation: EXIF's, 1 to 8.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from training.data.metadata.moments import Moment, better, read_moment, read_offset
from training.data.texts import printable_text

COLUMNS = (
    *("taken", "taken_offset", "camera", "lens", "latitude", "longitude", "altitude"),
    *("rating", "rejected", "favorite", "keywords", "people", "title", "description", "orientation"),
)
UNIT = "taken_unit"  # beside taken until all places are merged: "year" or "month" where that is all one of them says
LISTS = ("keywords", "people")  # columns that hold several values
SEPARATOR = "; "
TIME = ("taken", "taken_offset", UNIT)
PLACE = ("latitude", "longitude", "altitude")
NAMELESS = "unnamed"  # the column of what a source gave no name
MOST_VALUES, LONGEST_VALUE = 200, 200  # values of a list, characters of one

Columns = dict[str, Any]


def joined(values: Iterable[str]) -> str | None:
    """Values as the one text of a column, each once; None if there are none. `split` gives them back."""
    clean = (" ".join(printable_text(value).replace(";", ",").split())[:LONGEST_VALUE] for value in values)
    return SEPARATOR.join([*dict.fromkeys(value for value in clean if value)][:MOST_VALUES]) or None


def split(text: str) -> list[str]:
    """The values of a column of LISTS."""
    return [value for value in text.split(SEPARATOR) if value]


def known(columns: Mapping[str, Any]) -> Columns:
    """columns without those that have no value."""
    return {name: value for name, value in columns.items() if value is not None}


def of_moment(moment: Moment | None) -> Columns:
    """The columns of when an image was taken."""
    if moment is None:
        return {}
    return known({"taken": moment.time, "taken_offset": moment.offset, UNIT: moment.unit or None})


def merged(*sources: Mapping[str, Any]) -> Columns:
    """One row of what several sources say, the first going before the others.

    A place is taken as a whole from one source. Of two that mean one moment, the time zone that either knows is kept.
    """
    found: Columns = {}
    for source in sources:
        held = tuple(name for names in (PLACE, TIME) if any(name in found for name in names) for name in names)
        moment = better(_moment(found), _moment(source)) if "taken" in source else None
        found |= {name: value for name, value in source.items() if name not in found and name not in held}
        if moment is not None and isinstance(found["taken"], datetime):
            found = {name: value for name, value in found.items() if name != UNIT} | of_moment(moment)
    return found


def row_of(*sources: Mapping[str, Any]) -> Columns:
    """All that is known of an image, the first going before the others."""
    return {name: value for name, value in merged(*sources).items() if name != UNIT}


def of_source(metadata: Mapping[str, Any]) -> Columns:
    """What a source says, with dates and lists as these columns hold them; whatever else it says stays as it is.

    What is no date, degree or height becomes source_taken, source_latitude, ...: one text would make the column of all
    images text. An empty name becomes NAMELESS, which filters can name.
    """
    columns = {name: value for name, value in metadata.items() if not (name in COLUMNS and _is_missing(value))}
    taken = columns.get("taken")
    if isinstance(taken, str) and (moment := read_moment(taken, offset=columns.get("taken_offset") or "")):
        columns |= of_moment(moment)
    elif isinstance(taken, datetime) and taken.tzinfo is not None:
        columns |= of_moment(Moment(taken.astimezone(UTC).replace(tzinfo=None), taken.utcoffset()))
    elif isinstance(taken, date) and not isinstance(taken, datetime):
        columns["taken"] = datetime(taken.year, taken.month, taken.day)
    for name in LISTS:
        if isinstance(columns.get(name), list | tuple):
            columns[name] = joined(str(value) for value in columns[name] if not _is_missing(value))
    return {_own_name(name, value): value for name, value in columns.items()}


def _own_name(name: str, value: object) -> str:
    """What a column of a source is called here."""
    if (name == "taken" and not isinstance(value, datetime)) or (name in PLACE and not isinstance(value, int | float)):
        return f"source_{name}"
    return name if name.strip() else NAMELESS


def _is_missing(value: object) -> bool:
    return value is None or value == "" or value != value  # NaN and NaT are the only values unlike themselves


def _moment(columns: Mapping[str, Any]) -> Moment | None:
    taken = columns.get("taken")
    if not isinstance(taken, datetime):
        return None
    return Moment(taken, read_offset(columns.get("taken_offset")), columns.get(UNIT, ""))
