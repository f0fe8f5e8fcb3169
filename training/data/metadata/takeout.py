"""The JSON file that Google Takeout writes for an image, and other JSON files beside one."""

import html
import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from training.data.metadata.columns import Columns, joined, known, merged, of_moment
from training.data.metadata.moments import moment_of_seconds
from training.data.metadata.values import description, number, place
from training.data.texts import decode_text

MARKS = ("photoTakenTime", "geoData", "geoDataExif", "googlePhotosOrigin")
MOST_COLUMNS, LONGEST_NAME, LONGEST_TEXT = 100, 60, 10_000


def json_columns(data: bytes) -> Columns:
    """The columns of a JSON file. ValueError if it is no JSON object.

    Of Takeout's, what a person may have said. Of any other, every value that is a text, a number or a list of them.
    """
    try:
        document = json.loads(decode_text(data))
    except (ValueError, RecursionError) as error:
        raise ValueError("it is no JSON that can be read") from error
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    return _takeout(document) if any(mark in document for mark in MARKS) else _plain(document)


def _takeout(document: Mapping[str, Any]) -> Columns:
    """Its `title` is the file's name, and its times are in UTC. Places and heights of 0 are unknown."""
    time = _object(document.get("photoTakenTime")).get("timestamp")
    places = (_place(_object(document.get(name))) for name in ("geoData", "geoDataExif"))
    people = document.get("people")
    names = [str(_object(person).get("name") or "") for person in people] if isinstance(people, list) else []
    facts = {
        "description": description(html.unescape(str(document.get("description") or ""))),
        "people": joined(html.unescape(name) for name in names),
        "favorite": True if document.get("favorited") is True else None,
    }
    return merged(of_moment(moment_of_seconds(time)), *places, known(facts))


def _place(geo: Mapping[str, Any]) -> Columns:
    latitude, longitude, altitude = (number(geo.get(name)) for name in ("latitude", "longitude", "altitude"))
    return place(latitude, longitude, altitude or None)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _plain(document: Mapping[str, Any]) -> Columns:
    simple = {
        str(name): value
        for name, value in document.items()
        if len(name) <= LONGEST_NAME
        and (_is_simple(value) or (isinstance(value, list) and all(map(_is_simple, value))))
    }
    return dict(list(simple.items())[:MOST_COLUMNS])


def _is_simple(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)  # NaN is no JSON, but Python reads it
    return isinstance(value, int | bool) or (isinstance(value, str) and len(value) <= LONGEST_TEXT)
