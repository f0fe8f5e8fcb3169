"""When an image was taken, out of what EXIF, XMP, IPTC, JSON and tables write of it."""

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

FIRST_PHOTOGRAPH = 1826
EPOCH = datetime(1970, 1, 1)
DATE = re.compile(
    r"\s*(\d{4})(?:[:./-](\d\d?)(?:[:./-](\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?)?)?"
    r"\s*(Z|[+-]\d\d?(?::?\d\d)?)?[\s\0]*"
)
OFFSET = re.compile(r"\s*([+-])(?:(\d\d?):?(\d\d)|(\d\d))[\s\0]*")
MINUTE = timedelta(minutes=1)
# Minutes from UTC that clocks on earth show beside the whole hours: 3:30, 4:30, 5:30, 5:45, 6:30, 8:45, 9:30, ...
ODD_ZONES = (-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825)
ZONES = tuple(timedelta(minutes=minutes) for minutes in (*range(-720, 841, 60), *ODD_ZONES))


@dataclass(frozen=True)
class Moment:
    """A time. zone: of the clock that showed it; None where it is not known, and time is then what the clock showed.

    time: without a time zone; in UTC where zone is known. unit: "year" or "month" where no more is known, and time is
    its beginning; else "".
    """

    time: datetime
    zone: timedelta | None = None
    unit: str = ""

    @property
    def clock(self) -> datetime:
        """What the clock showed."""
        return self.time + (self.zone or timedelta())

    @property
    def offset(self) -> str | None:
        """zone as "+02:00"."""
        if self.zone is None:
            return None
        minutes = abs(self.zone) // MINUTE
        return f"{'-' if self.zone < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"

    @classmethod
    def of_clock(cls, clock: datetime, zone: timedelta | None) -> "Moment":
        return cls(clock - (zone or timedelta()), zone)


def read_moment(text: object, subsecond: object = "", offset: object = "") -> Moment | None:
    """A time as people and programs write it; None for what is no time, or none at which it can have been taken.

    subsecond: digits after the point of the second. offset: of the time zone, "+02:00". Both as EXIF has them, in
    fields of their own. A date alone is its midnight, a month or a year its beginning; a day or month 00 is not known.
    """
    found = DATE.fullmatch(str(text)[:64]) if text is not None else None
    if found is None:
        return None
    digits = found[7] or "".join(c for c in str(subsecond) if c.isdigit())
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    unit = "" if month and day else "month" if month else "year"
    if unit:
        month, day, hour, minute, second = month or 1, 1, 0, 0, 0
    try:
        clock = datetime(year, month, day, hour, minute, min(second, 59), int(digits[:6].ljust(6, "0") or 0))
    except ValueError:  # the 31st of February, or 0000:00:00
        return None
    moment = None
    with suppress(OverflowError):  # the first of the year 1
        moment = replace(Moment.of_clock(clock, read_offset(found[8] or offset)), unit=unit)
    return moment if moment is not None and is_possible(moment.time, unit) else None


def read_offset(text: object) -> timedelta | None:
    """An offset from UTC: "+02:00", "-0330" or "Z"; None for anything else."""
    if str(text).strip("\0 ") == "Z":
        return timedelta()
    found = OFFSET.fullmatch(str(text)[:16])
    if found is None:
        return None
    hours, minutes = int(found[2] or found[4]), int(found[3] or 0)
    if minutes > 59 or hours > 14:
        return None
    size = timedelta(hours=hours, minutes=minutes)
    return -size if found[1] == "-" else size


def moment_of_seconds(seconds: object) -> Moment | None:
    """Seconds since 1970, in UTC."""
    try:
        time = EPOCH + timedelta(seconds=float(str(seconds)))
    except (ValueError, OverflowError):
        return None
    return Moment(time, timedelta()) if is_possible(time) else None


def is_possible(time: datetime, unit: str = "") -> bool:
    """Whether an image can have been taken then. What clocks show that were never set is not, and nor is 9999."""
    never_set = not unit and abs(time - EPOCH) <= timedelta(days=1)
    return FIRST_PHOTOGRAPH <= time.year <= _this_year() + 1 and not never_set


def better(first: Moment | None, second: Moment | None, off: timedelta = timedelta(seconds=2)) -> Moment | None:
    """first, with the time zone that second tells of if both are of one moment. second, if there is no first, or if
    that is the year, month, day or minute of second alone, as IPTC and tools that write XMP often have it.

    off: by how much the two clocks may differ.
    """
    if first is None or second is None or first.zone:
        return first or second
    if first.zone is None and first.time in _coarser(second.clock, first.unit):
        return second
    if first.zone is None and second.zone is not None and abs(first.time - second.clock) <= off:
        return Moment.of_clock(_finer(first.time, second.clock), second.zone)
    if first.zone is None and second.zone == timedelta():  # a clock, and the same moment in UTC
        zone = _zone(first.time - second.time, off)
        return first if zone is None else Moment.of_clock(first.time, zone)
    if first.zone is not None and second.zone is None:
        zone = _zone(second.time - first.time, off)
        return first if zone is None else Moment(first.time, zone)
    if first.zone is not None and abs(first.time - second.time) <= off:
        return Moment(_finer(first.time, second.time), second.zone)
    return first


def _coarser(time: datetime, unit: str) -> list[datetime]:
    """The minute and the day of a time, and its year or month if that is unit."""
    minute, day = time.replace(second=0, microsecond=0), time.replace(hour=0, minute=0, second=0, microsecond=0)
    units = {"month": day.replace(day=1), "year": day.replace(month=1, day=1)}
    return [minute, day, *([units[unit]] if unit else [])]


def _finer(first: datetime, second: datetime) -> datetime:
    """Of two times within one second the one that knows its fraction."""
    return second if first == second.replace(microsecond=0) else first


def _zone(difference: timedelta, off: timedelta) -> timedelta | None:
    nearest = min(ZONES, key=lambda zone: abs(zone - difference))
    return nearest if abs(nearest - difference) <= off else None


@cache
def _this_year() -> int:
    return datetime.now().year
