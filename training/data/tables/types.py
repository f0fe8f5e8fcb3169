"""What the texts of a column stand for: numbers, dates, yes or no, or text."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias

import pandas as pd

Cell: TypeAlias = str | int | float | bool | pd.Timestamp | None
Parse: TypeAlias = Callable[[str], Cell]
Parsed: TypeAlias = dict[str, Cell]  # what each text stands for

# Texts whose digits are no quantity: by these names a column stays text, whatever it holds.
CODES = re.compile(
    r"(^|[ _.-])(id|ids|uuid|guid|key|hash|md5|sha\d*|phash|phone|telephone|tel|mobile|fax|zip|zipcode|zip_code|"
    r"postcode|postal_code|plz|isbn|issn|ean|upc|gtin|sku|barcode|iban|serial|serial_number|account|version)$"
)
MISSING = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", "nat", "(null)", "\\n"))
BOOLEANS = {
    **dict.fromkeys(("true", "wahr", "vrai", "vero", "verdadero", "verdadeiro", "waar"), True),
    **dict.fromkeys(("false", "falsch", "faux", "falso", "onwaar"), False),
}
SIGN = r"[+-]?"
WHOLE = re.compile(rf"{SIGN}(0|[1-9]\d{{0,17}})")
POINT = re.compile(rf"{SIGN}((0|[1-9]\d*)?\.\d+|(0|[1-9]\d*)\.?)(e[+-]?\d+)?|{SIGN}inf(inity)?", re.IGNORECASE)
COMMA = re.compile(rf"{SIGN}(0|[1-9]\d*)(,\d+)?")
GROUPS_POINT = re.compile(
    rf"{SIGN}[1-9]\d{{0,2}}([,'\u2019\u00a0\u202f]\d{{3}})+(\.\d+)?|{POINT.pattern}", re.IGNORECASE
)
GROUPS_COMMA = re.compile(rf"{SIGN}[1-9]\d{{0,2}}([.'\u2019\u00a0\u202f]\d{{3}})+(,\d+)?|{COMMA.pattern}")
GROUP_MARKS = str.maketrans("", "", "'\u2019\u00a0\u202f")
LONG = re.compile(rf"{SIGN}\d{{19,}}")
PHONE = re.compile(r"\+\d{7,}")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y:%m:%d", "%Y.%m.%d", "%d.%m.%Y", "%d.%m.%y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%B-%Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d. %B %Y"),
)
LONGEST_DATE = 40  # characters
SLASHED = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4}|\d{2})")
TIMES = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s?(Z|UTC|[+-]\d\d(:?\d\d)?)?)?", re.IGNORECASE)


def typed(name: str, texts: Sequence[str], decimal_comma: bool = False) -> tuple[list[Cell], str]:
    """The cells of the column called name, and a sentence where they stay text though most look like something else.

    A column is of one kind as a whole. Missing cells (empty; in columns of numbers, dates and booleans also NA, null,
    ...) are None there; in columns of text they stay as written. decimal_comma: 1.234 is more than a thousand.
    """
    distinct = set(texts)
    present = {text for text in distinct if text.lower() not in MISSING}
    if not present:
        return ([None] * len(texts) if distinct <= {""} else list(texts)), ""
    if CODES.search(CAMEL.sub("_", name).lower()):
        return list(texts), ""
    values = parsed(present, decimal_comma)
    if values is None:
        return list(texts), _doubt(name, present)
    return [values.get(text) for text in texts], ""


def parsed(texts: set[str], decimal_comma: bool = False) -> Parsed | None:
    """What each of texts stands for, if all are of the same kind; None if they are text."""
    if all(text.lower() in BOOLEANS for text in texts):
        return {text: BOOLEANS[text.lower()] for text in texts}
    if any(map(PHONE.fullmatch, texts)):
        return None
    if all(map(WHOLE.fullmatch, texts)):
        return {text: int(text) for text in texts}
    point: tuple[tuple[re.Pattern[str], Parse], ...] = ((POINT, float), (GROUPS_POINT, _with_point))
    comma: tuple[tuple[re.Pattern[str], Parse], ...] = ((COMMA, _with_comma), (GROUPS_COMMA, _with_comma))
    for pattern, parse in (*comma, *point) if decimal_comma else (*point, *comma):
        if all(map(pattern.fullmatch, texts)):
            # A long run of digits is a code: as a number it would lose its end.
            return None if any(map(LONG.fullmatch, texts)) else {text: parse(text) for text in texts}
    return parsed_dates(texts)


def parsed_dates(texts: set[str]) -> Parsed | None:
    """texts as dates, all in one format. None if they are none, or the day could be the month as well."""
    if all(map(ISO.fullmatch, texts)):
        return _each(_iso, texts)
    if any(len(text) > LONGEST_DATE or not any(map(str.isdigit, text)) for text in texts):
        return None
    formats: Iterable[str] = DATE_FORMATS
    slashed = [match for match in map(SLASHED.match, texts) if match]
    if len(slashed) == len(texts):
        first = any(int(match[1]) > 12 for match in slashed)
        second = any(int(match[3]) > 12 for match in slashed)
        if first == second:
            return None
        order = ("%d", "%m") if first else ("%m", "%d")
        formats = [slashed[0][2].join((*order, year)) for year in ("%Y", "%y")]
    one = next(iter(texts))
    for format in (date + time for date in formats for time in TIMES):
        read = partial(_strptime, format)
        if _each(read, {one}) and (found := _each(read, texts)):
            return found
    return None


def _strptime(format: str, text: str) -> pd.Timestamp:
    return pd.Timestamp(datetime.strptime(text, format))


def _each(parse: Parse, texts: set[str]) -> Parsed | None:
    try:
        return {text: parse(text) for text in texts}
    except ValueError:  # what pandas and datetime raise for dates that are none
        return None


def _iso(text: str) -> pd.Timestamp:
    """A date of ISO 8601; what names a time zone in UTC. Like all dates of a collection it carries no zone."""
    moment = pd.Timestamp(text.replace(",", "."))
    return moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)


def _with_point(text: str) -> float:
    return float(text.replace(",", "").translate(GROUP_MARKS))


def _with_comma(text: str) -> float:
    return float(text.replace(".", "").translate(GROUP_MARKS).replace(",", "."))


def _doubt(name: str, texts: set[str]) -> str:
    """What to say of a column of text of which nearly all is numbers, or dates that can be read in two ways."""
    if all(map(SLASHED.match, texts)):
        return f"{name} stays text: its dates, such as {min(texts)}, may begin with the day or with the month"
    odd = sorted(text for text in texts if not GROUPS_POINT.fullmatch(text) and not COMMA.fullmatch(text))
    if len(texts) >= 5 and 0 < len(odd) <= len(texts) // 5 and not any(text.startswith("0") for text in odd):
        return f"{name} stays text: not all of it is numbers, the first that is none is {odd[0][:40]!r}"
    return ""
