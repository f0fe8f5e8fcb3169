"""What the colours of a map say: a column of the collection, or how well images answer words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from index.collection import Collection
from index.nearest import cosines
from index.query import Term, embed_query, parse_query, with_file_names
from training.models.encoder import Encoder
from training.models.errors import UserError
from training.models.everyday import SENTENCE
from training.models.zero_shot import ClassName, zero_shot_classifier

MOST_CLASSES = 10  # colours that people can tell apart, colour-blind or not
UNKNOWN = 255  # the code of an image that is of no class, or whose value is not known
SIZES = ("width", "height", "bytes")  # numbers even where there are few of them
NOT_OFFERED = ("id", "hash", "source", "path", "caption")


@dataclass(frozen=True)
class Colouring:
    """codes: [N], a class, or 0..254 along a scale. kind: "classes" or "scale".

    classes: names and numbers of images, the code being the place in the list. low and high: what the
    ends of a scale stand for, in words. best: rows that answer words best, nearest first, a list a class.
    """

    kind: str
    codes: NDArray[np.uint8]
    classes: tuple[tuple[str, int], ...] = ()
    low: str = ""
    high: str = ""
    best: tuple[tuple[int, ...], ...] = ()

    @property
    def values(self) -> list[str | float | None]:
        """Of each image: the name of its class, or how far along the scale it lies, 0 to 1; None where unknown."""
        if self.kind == "scale":
            return [None if code == UNKNOWN else round(int(code) / (UNKNOWN - 1), 3) for code in self.codes]
        return [None if code == UNKNOWN else self.classes[code][0] for code in self.codes]


def colourable(items: pd.DataFrame) -> list[str]:
    """The columns that tell images apart by a few classes or along a scale; few classes first."""
    few, scales = [], []
    for name in items.columns:
        if name in NOT_OFFERED:
            continue
        whole = _typed(items[name])
        column = whole.dropna()
        if _is_scale(whole):
            if column.nunique() > 1:
                scales.append(name)
        elif 1 < column.astype(str).nunique() <= max(MOST_CLASSES, len(column) // 4):
            few.append(name)
    return few + scales


def _typed(column: pd.Series) -> pd.Series:
    """A table's texts as the numbers or dates that all of them are."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return column
    texts = column.where(column.map(lambda cell: isinstance(cell, str) and cell.strip() != ""))
    known = texts.dropna()
    if not len(known):
        return column
    numbers = pd.to_numeric(known, errors="coerce")
    if numbers.notna().all():
        return pd.to_numeric(texts, errors="coerce")
    dates = pd.to_datetime(known, errors="coerce", format="ISO8601")
    return pd.to_datetime(texts, errors="coerce", format="ISO8601") if dates.notna().all() else column


def _is_scale(column: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(column):
        return True
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return numeric and (column.name in SIZES or column.nunique() > MOST_CLASSES)  # numbers of classes are classes


def first_column(items: pd.DataFrame) -> str:
    """What to colour by at first: class names, else the text column that divides images most evenly; "" for none."""
    few = [name for name in colourable(items) if not _is_scale(_typed(items[name]))]
    texts = [name for name in few if not pd.api.types.is_numeric_dtype(_typed(items[name]))]
    named = [name for name in texts if "label" in name or "class" in name]
    return named[0] if named else max(texts or few, key=lambda name: _evenness(items[name]), default="")


def _evenness(column: pd.Series) -> float:
    """Entropy in bits: 0 where all but everything is of one class."""
    shares = column.value_counts(normalize=True)
    return float(-(shares * np.log2(shares)).sum())


def by_column(items: pd.DataFrame, name: str) -> Colouring:
    """UserError for a column that is not there or does not tell images apart."""
    if name not in colourable(items):
        raise UserError(f"There is no column {name!r} to colour by; choose one of the list.")
    column = _typed(items[name])
    if _is_scale(column):
        return _scale(column)
    texts = column.where(column.notna(), "").astype(str)
    counts = texts[texts != ""].value_counts()
    counts = counts.sort_index(kind="stable").sort_values(ascending=False, kind="stable")[:MOST_CLASSES]
    place = {text: code for code, text in enumerate(counts.index)}
    codes = texts.map(lambda text: place.get(text, UNKNOWN)).to_numpy(np.uint8)
    return Colouring("classes", codes, tuple((str(text), int(n)) for text, n in counts.items()))


def _scale(column: pd.Series) -> Colouring:
    dates = pd.api.types.is_datetime64_any_dtype(column)
    known = column.notna().to_numpy()
    values = np.zeros(len(column))
    values[known] = column[known].astype("int64" if dates else "float64").to_numpy()
    low, high = np.quantile(values[known], [0.01, 0.99])
    if low == high:
        low, high = values[known].min(), values[known].max()
    ends = [_said(column, end, dates) for end in (low, high)]
    codes = np.full(len(column), UNKNOWN, np.uint8)
    codes[known] = _steps(values[known], low, high)
    return Colouring("scale", codes, low=ends[0], high=ends[1])


def _said(column: pd.Series, value: float, dates: bool) -> str:
    if dates:
        date: Any = pd.Timestamp(int(value), unit=column.dt.unit)
        return f"{date.day} {date:%b %Y}"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def _steps(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint8]:
    return np.round(254 * np.clip((values - low) / max(high - low, 1e-12), 0, 1)).astype(np.uint8)


def by_score(scores: NDArray[np.floating], marked: int = 12) -> Colouring:
    """Along the cosine to a query. The scale begins at the median, as what lies below answers it no better."""
    low, high = np.quantile(scores, [0.5, 1])
    order = np.argsort(-scores, kind="stable")[:marked]
    ends = (f"{low:.2f} (the median)", f"{high:.2f}")
    return Colouring(
        "scale", _steps(scores, low, high), low=ends[0], high=ends[1], best=(tuple(int(row) for row in order),)
    )


def by_query(collection: Collection, encoder: Encoder, terms: Sequence[Term]) -> Colouring:
    """Each image by its score for a query. UserError if there are no terms."""
    query = embed_query(with_file_names(terms, collection), collection, encoder)
    return by_score(cosines(collection, query[None])[:, 0])


def by_text(collection: Collection, encoder: Encoder, text: str) -> Colouring:
    """Texts separated by commas are classes; otherwise the text is a query as in the search."""
    texts = [part.strip() for part in text.split(",") if part.strip()]
    if len(texts) > 1:
        return by_texts(collection, encoder, texts)
    return by_query(collection, encoder, parse_query(text))


def by_texts(collection: Collection, encoder: Encoder, texts: Sequence[str]) -> Colouring:
    """Each image by the text that it has the highest score for, as a class name. UserError for too many texts."""
    classifier = zero_shot_classifier(encoder, [ClassName(text) for text in texts], [SENTENCE])
    return by_words(cosines(collection, classifier), texts)


def by_words(scores: NDArray[np.floating], words: Sequence[str], marked: int = 12) -> Colouring:
    """scores [N, K]: each image gets the class of the word that it answers best. UserError for too many words."""
    if len(words) > MOST_CLASSES:
        raise UserError(f"The map has {MOST_CLASSES} colours and those are {len(words)} words; leave some out.")
    own = scores.argmax(axis=1)
    counts = np.bincount(own, minlength=len(words))
    best = []
    for word in range(len(words)):
        rows = np.flatnonzero(own == word)
        order = rows[np.argsort(-scores[rows, word], kind="stable")[:marked]]
        best.append(tuple(int(row) for row in order))
    classes = tuple((word, int(n)) for word, n in zip(words, counts, strict=True))
    return Colouring("classes", own.astype(np.uint8), classes, best=tuple(best))
