"""The parts that lessons are drawn from, as JSON: sentences, matrices, curves, bars and rows of images.

Each has a `kind`, and a `part` by which a later one takes its place. Numbers have five significant digits.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from training.lessons.lesson import Part
from training.models.inline_image import data_url

THUMBNAIL = 96  # pixels of an image at a matrix


def short(value: object) -> Any:
    """Numbers with five significant digits, of any nesting; not a number is null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {name: short(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [short(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value


def sentence(text: str, part: str = "result") -> Part:
    """What was found, in a sentence: the heading of the figures."""
    return {"kind": "sentence", "part": part, "text": text}


def remark(text: str, part: str = "remark") -> Part:
    """What else has to be known."""
    return {"kind": "remark", "part": part, "text": text}


def head(text: str = "", image: Image.Image | None = None) -> dict[str, str]:
    """A head of a row or a column of a matrix."""
    return {"text": text, "image": "" if image is None else data_url(image, THUMBNAIL)}


def matrix(
    part: str,
    title: str,
    values: object,
    rows: Sequence[Mapping[str, str]] = (),
    columns: Sequence[Mapping[str, str]] = (),
    *,
    shown: str = "cosine",
    low: float | None = None,
    high: float | None = None,
    marks: Iterable[tuple[int, int]] = (),
    extra: Sequence[str] = (),
    extra_title: str = "",
) -> Part:
    """values: [R, C], None or nan for an empty cell. shown: "cosine", "percent", or "" for no numbers. low, high: of
    the colours [default: of the values]. marks: cells that are outlined. extra: a text after each row.
    """
    return {
        "kind": "matrix",
        "part": part,
        "title": title,
        "values": short(values),
        "rows": list(rows),
        "columns": list(columns),
        "shown": shown,
        "low": low,
        "high": high,
        "marks": [list(mark) for mark in marks],
        "extra": list(extra),
        "extraTitle": extra_title,
    }


def curve(
    part: str,
    title: str,
    lines: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x: str,
    at: float | None = None,
    log: bool = False,
    low: float | None = None,
    high: float | None = None,
) -> Part:
    """lines: points (x, y) of each by its name. x: what lies on the axis. at: an x that is marked. log: of x. low,
    high: of y [default: of the points].
    """
    drawn = [{"name": name, "points": short([list(point) for point in points])} for name, points in lines.items()]
    ends = {"low": low, "high": high}
    return {"kind": "curve", "part": part, "title": title, "lines": drawn, "x": x, "at": short(at), "log": log, **ends}


def bar(
    name: str,
    value: float,
    *,
    low: float | None = None,
    high: float | None = None,
    strong: bool = False,
    text: str = "",
    beside: float | None = None,
) -> dict[str, Any]:
    """A row of bars. low, high: its interval. text: in the place of the number. beside: a second, fainter value."""
    ends = {"low": short(low), "high": short(high), "beside": short(beside)}
    return {"name": name, "value": short(float(value)), "strong": strong, "text": text, **ends}


def bars(
    part: str, title: str, rows: Sequence[dict[str, Any]], *, high: float = 1.0, note: str = "", percent: bool = False
) -> Part:
    """Horizontal bars from 0 to high. percent: the values are shares. note: what the fainter values are."""
    return {
        "kind": "bars",
        "part": part,
        "title": title,
        "rows": list(rows),
        "high": short(float(high)),
        "note": note,
        "percent": percent,
    }


def histogram(part: str, title: str, groups: Mapping[str, Any], *, x: str, bins: int = 30) -> Part:
    """How values of several groups spread over common bins. groups: values [N] of each by its name."""
    arrays = {name: np.asarray(values, np.float64).ravel() for name, values in groups.items()}
    every = np.concatenate(list(arrays.values()))
    edges = np.histogram_bin_edges(every, bins)
    shares = {name: np.histogram(values, edges)[0] / max(1, len(values)) for name, values in arrays.items()}
    drawn = [{"name": name, "shares": short(counts)} for name, counts in shares.items()]
    return {"kind": "histogram", "part": part, "title": title, "edges": short(edges), "groups": drawn, "x": x}


def images(part: str, title: str, shown: Sequence[tuple[Image.Image, str]], side: int = 160) -> Part:
    """A row of images with captions."""
    drawn = [{"image": data_url(image, side), "caption": caption} for image, caption in shown]
    return {"kind": "images", "part": part, "title": title, "images": drawn, "side": side}


def steps(part: str, rows: Sequence[tuple[str, Sequence[str]]]) -> Part:
    """Numbered boxes, each with a title and lines."""
    return {"kind": "steps", "part": part, "boxes": [{"title": title, "lines": list(lines)} for title, lines in rows]}
