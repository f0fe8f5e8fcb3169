"""JSON that every reader accepts (RFC 8259): no NaN, no Infinity, missing values as null, dates in ISO 8601."""

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np

Json = str | int | float | bool | None | list[Any] | dict[str, Any]


def json_text(document: object, indent: int | None = 1, ascii_only: bool = False) -> str:
    """document as one line or more of strict JSON. ascii_only: other characters as \\uNNNN."""
    text = json.dumps(as_json(document), ensure_ascii=ascii_only, allow_nan=False, indent=indent)
    # Halves of surrogate pairs, from names that are no valid text, cannot be written to a file.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_json(value: object) -> Json:
    """value as JSON holds it: None where it is missing or no finite number, and text where JSON has no such type."""
    if value is None or isinstance(value, str | bool):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Enum):
        return as_json(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if is_missing(value):
        return None
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, date | time):  # a datetime and a pandas Timestamp are dates
        return value.isoformat()
    if isinstance(value, timedelta | np.timedelta64):
        return str(value)
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else _key(key): as_json(one) for key, one in value.items()}
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, list | tuple):
        return [as_json(one) for one in value]
    if isinstance(value, set | frozenset):
        return [as_json(one) for one in sorted(value, key=str)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def is_missing(value: object) -> bool:
    """Whether a value stands for none: None, NaN, and the missing values of NumPy and pandas."""
    if value is None:
        return True
    if isinstance(value, float | np.floating):
        return bool(value != value)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    pandas = sys.modules.get("pandas")  # where it was not imported, no value is one of its
    return pandas is not None and (value is pandas.NaT or value is pandas.NA)


def _key(key: object) -> str:
    """A key that is no text, as JSON writes it."""
    found = as_json(key)
    return "null" if found is None else str(found).lower() if isinstance(found, bool) else str(found)
