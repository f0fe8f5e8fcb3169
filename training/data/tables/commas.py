"""Whether a comma in the numbers of a table is decimal, as in 3,5, or between thousands, as in 1,234,567."""

import re
from collections.abc import Iterable, Mapping

from training.data.tables.types import CAMEL, GROUPS_COMMA, GROUPS_POINT, MISSING, SIGN

THOUSANDS = re.compile(rf"{SIGN}[1-9]\d{{0,2}}(,\d{{3}})+")
POINT_OR_GROUPS = re.compile(r".*\.(?!\d{3}$).*|.*,\d{3},.*")  # 1.5, 0.25 and 1,234,567, but not 1.234
DEGREES = re.compile(r"(^|[ _.-]|gps)(lat|lon|lng|latitude|longitude)$")  # 48,137 of them is no number of thousands


def columns_with_decimal_comma(columns: Mapping[str, Iterable[str]], separator: str) -> tuple[set[str], list[str]]:
    """The columns whose commas are decimal, and a sentence on each where nothing but usage tells that they are not.

    columns: their cells by name. separator: of the table. One number that can only have a decimal comma decides for
    all columns. A semicolon as separator, and degrees, tell so of columns without points: where commas are decimal,
    programs write tables with semicolons.
    """
    numbers = {name: texts for name, cells in columns.items() if (texts := _numbers(cells))}
    if any(map(_shows_decimal_comma, numbers.values())):
        degrees = {name for name, texts in numbers.items() if _is_degrees(name) and not any("," in t for t in texts)}
        return set(columns) - degrees, []  # since 48.137 of them is no number of thousands either
    with_points = any(POINT_OR_GROUPS.fullmatch(text) for texts in numbers.values() for text in texts)
    decimal, said = set[str](), []
    for name, texts in numbers.items():
        with_comma = sorted(text for text in texts if "," in text)
        if not with_comma or any("." in text for text in texts):
            continue
        if _is_degrees(name) or (separator == ";" and not with_points):
            decimal.add(name)
        elif not with_points:
            said.append(f"{name}: the comma of {with_comma[0]} was read as one between thousands")
    return decimal, said


def _is_degrees(name: str) -> bool:
    return bool(DEGREES.search(CAMEL.sub("_", name).lower()))


def _numbers(cells: Iterable[str]) -> set[str]:
    """The texts of a column if all are numbers of some way of writing, else none."""
    texts = {text for text in cells if text.lower() not in MISSING}
    for written in (GROUPS_POINT, GROUPS_COMMA):
        if all(map(written.fullmatch, texts)):
            return texts
    return set()


def _shows_decimal_comma(texts: set[str]) -> bool:
    """Whether some of the numbers can only have a decimal comma, as 3,5 and 1.234,5 have."""
    commas = any("," in text and not THOUSANDS.fullmatch(text) for text in texts)
    return commas and all(map(GROUPS_COMMA.fullmatch, texts))
