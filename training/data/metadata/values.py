"""Texts, ratings, cameras and places, whoever wrote them."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import SupportsFloat

from training.data.metadata.columns import Columns, known
from training.data.texts import printable_text

LONGEST_NAME, LONGEST_TEXT = 200, 5000  # characters
# What cameras and programs write into a description without being asked.
NO_DESCRIPTION = re.compile(
    r"(?i)((konica )?minolta |olympus |kodak |samsung |sony |nikon |casio |pentax )?digital (still )?camera|"
    r"|sony dsc|dcim\S*|exif[ _]jpeg[ _]picture|default|null|ascii|unicode|charset=\S*|binary comment|"
    r"r?hdr|cof|edf|mde|dav|oznor|sdr|btf|rbt|qrf|ptr|bst|nfd|created with (the )?gimp"
)
NO_LENS = re.compile(r"[-\s]*|0\.0 ?mm f/0\.0|unknown.*|n/a|none|manual lens no cpu", re.IGNORECASE)


def line(value: object) -> str | None:
    """A value as one line of text; None if nothing is left."""
    return " ".join(_text(value).split())[:LONGEST_NAME].strip() or None


def description(value: object) -> str | None:
    """A value as a text of several lines; None for what cameras write by themselves."""
    lines = (" ".join(one.split()) for one in _text(value).splitlines())
    text = "\n".join(lines).strip()[:LONGEST_TEXT]
    return None if NO_DESCRIPTION.fullmatch(text) else text


def _text(value: object) -> str:
    return "" if value is None else printable_text(str(value))


def camera(maker: object, model: object) -> str | None:
    """Maker and model, which often repeats the maker."""
    make, name = line(maker), line(model)
    if not make or not name:
        return name or make
    first = name.split()[0].lower()
    words = [word.lower().strip(",.") for word in make.split()]
    return name if name.lower().startswith(words[0]) or first in words else f"{make} {name}"


def lens(model: object) -> str | None:
    """A lens; None for what bodies write that do not know theirs."""
    name = line(model)
    return None if name is None or NO_LENS.fullmatch(name) else name


def rating(stars: object, percent: object = None) -> Columns:
    """rating, or rejected for -1. stars: 0 to 5. percent: as Windows writes them, 1, 25, 50, 75, 99."""
    value, share = number(stars), number(percent)
    if value is None and share is not None and 0 <= share <= 100:
        value = 0 if share == 0 else min(5, 1 + round(share / 25))
    if value == -1:
        return {"rejected": True}
    return {"rating": round(value)} if value is not None and 0 <= value <= 5 else {}


def place(latitude: float | None, longitude: float | None, altitude: float | None) -> Columns:
    """A place in degrees and metres; nothing for what is none on earth, or the 0, 0 of a camera that found none."""
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return {}
    if abs(latitude) < 1e-5 and abs(longitude) < 1e-5:
        return {}
    high = altitude if altitude is not None and -12_000 < altitude < 100_000 else None
    return known(
        {
            "latitude": round(latitude, 6) + 0.0,  # a tenth of a metre, and no -0.0
            "longitude": round(longitude, 6) + 0.0,
            "altitude": None if high is None else round(high, 1),
        }
    )


def degrees(parts: Sequence[SupportsFloat | str], reference: object) -> float | None:
    """Degrees, minutes and seconds, of which the last may be missing; reference "S" or "W" makes them negative."""
    values = [number(part) for part in parts]
    if not 1 <= len(values) <= 3 or any(value is None for value in values):
        return None
    size = sum((value or 0) / 60**power for power, value in enumerate(values))
    return -abs(size) if str(reference or "").strip("\0 ").upper()[:1] in ("S", "W") else size


def number(value: object) -> float | None:
    """A value as a finite number, also "4,5" and "9/2"; None for anything else."""
    try:
        if isinstance(value, str):
            above, _, below = value.strip().replace(",", ".").partition("/")
            found = float(above) / float(below or 1)
        else:
            found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def first_of(values: Mapping[str, Sequence[str]], *names: str) -> str | None:
    """The first value of the first of names that has one."""
    return next((values[name][0] for name in names if values.get(name)), None)
