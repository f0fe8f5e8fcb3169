"""A question as the page asks it: terms, filters, an order, and where the relevance line is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.state.library import Library
from app.state.open_collection import OpenCollection
from index.collection import Collection
from index.query import Term, parse_query
from index.retrieval.facets import Facets, Rows, facets_of
from index.retrieval.filters import matching_rows
from index.storage.tags import read_tags
from training.data.folder import IMAGES
from training.models.errors import UserError

PAGE = 60  # results at a time
MOST = 1200  # results on one page, and rows of an exported table
MOST_TERMS = 32  # of a question: each costs time
MOST_FILTERS = 32


@dataclass(frozen=True)
class Question:
    """What is asked of one collection, as it is now.

    line: the strength that is wanted as the relevance line, "on", "off", or None for the default.
    among: the rows that pass the filters, None if there are no filters. local: asked from this computer,
    which may see whole paths.
    """

    opened: OpenCollection
    collection: Collection
    terms: list[Term]
    sort: str = "best"
    line: float | str | None = None
    count: int = PAGE
    offset: int = 0
    among: Rows | None = None
    tags: Mapping[str, list[str]] = field(default_factory=dict)
    tagged: Mapping[str, Rows] = field(default_factory=dict)
    local: bool = False

    @property
    def words_only(self) -> bool:
        """Whether noise says anything about it: it was measured for words."""
        return bool(self.terms) and all(term.words for term in self.terms)

    @property
    def facets(self) -> Facets:
        return facets_of(self.collection)


def asked(library: Library, ask: Mapping[str, Any]) -> Question:
    """ask as the page sends it: collection, q, like, images, filters, sort, line, k and offset;
    the API also sends without, words that are not wanted, and where, comparisons of columns.

    An id or token with a minus before it is unwanted. UserError for what makes no sense.
    """
    opened = library.collection(ask.get("collection"))
    collection = opened.published()
    tags = read_tags(collection.path)
    tagged = rows_by_tag(collection, tags)
    filters = ask.get("filters") or []
    if not isinstance(filters, list) or not all(isinstance(one, dict) for one in filters):
        raise UserError("Filters are a list of columns with what they must hold.")
    among = facets_of(collection).rows(filters[:MOST_FILTERS], tagged) if filters else None
    if ask.get("where"):
        passing = matching_rows(collection.items, str(ask["where"]))
        among = np.flatnonzero(passing) if among is None else among[passing[among]]
    return Question(
        opened=opened,
        collection=collection,
        terms=asked_terms(library, collection, ask),
        sort=str(ask.get("sort") or "best"),
        line=_line(ask.get("line")),
        count=number(ask.get("k"), PAGE),
        offset=number(ask.get("offset"), 0, least=0),
        among=among,
        tags=tags,
        tagged=tagged,
        local=library.local,
    )


def asked_terms(library: Library, collection: Collection, ask: Mapping[str, Any]) -> list[Term]:
    """The words, ids and uploaded images of a question as terms; a file's name means that image."""
    terms = [_by_file(collection, term) for term in parse_query(str(ask.get("q") or "")[:2000])]
    terms += [Term(-1, words=words.strip()) for words in ask.get("without") or [] if words.strip()]
    for like in ask.get("like") or []:
        sign, id = _signed(like)
        terms.append(Term(sign, like=id))
    for token in ask.get("images") or []:
        sign, name = _signed(token)
        terms.append(Term(sign, image=library.uploads.get(name)))
    if len(terms) > MOST_TERMS:
        raise UserError(f"That is too much to ask for at once; the most is {MOST_TERMS} words and images.")
    return terms


def rows_by_tag(collection: Collection, tags: Mapping[str, list[str]]) -> dict[str, Rows]:
    """The rows of each tag; tags of images that are gone are left out."""
    rows: dict[str, list[int]] = {}
    for id, names in tags.items():
        try:
            row = collection.row(id)
        except KeyError:
            continue
        for name in names:
            rows.setdefault(name, []).append(row)
    return {name: np.array(found) for name, found in rows.items()}


def number(value: Any, otherwise: int, least: int = 1) -> int:
    """value as a count between least and MOST, or otherwise if it is none."""
    try:
        return min(max(int(value), least), MOST)
    except (TypeError, ValueError):
        return otherwise


def _by_file(collection: Collection, term: Term) -> Term:
    if term.words and term.words.lower().endswith(IMAGES):
        row = facets_of(collection).row_of_file(term.words)
        if row is not None:
            return Term(term.sign, term.weight, like=str(collection.items["id"].iat[row]))
    return term


def _signed(text: Any) -> tuple[int, str]:
    """A minus before the name means unwanted."""
    text = str(text)
    return (-1, text[1:]) if text.startswith("-") else (1, text)


def _line(value: Any) -> float | str | None:
    if value in (None, "", "on", "off"):
        return value or None
    try:
        strength = float(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{value!r} is no place for the relevance line; give a number, on or off.") from error
    return strength if strength == strength else None
