"""Search requests as the page and the API send them, read into `index.search.SearchRequest`."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.uploads import Uploads
from index.query import Term, parse_query
from index.retrieval.facets import FacetFilter
from index.search import SearchRequest, ThresholdSetting, threshold_setting
from training.models.errors import UserError

PAGE = 60  # results at a time
MOST = 1200  # results on one page, and rows of an exported table
MOST_TERMS = 32  # of a query: each costs time
MOST_FILTERS = 32


def read_request(library: Library, fields: Mapping[str, Any]) -> tuple[OpenCollection, SearchRequest]:
    """The collection and the request of fields: collection, q, like, images, filters, sort, line, k and offset;
    the API also sends without, texts that are not wanted, and where, an expression over the columns.

    An id or token with a minus before it is unwanted. UserError for what makes no sense.
    """
    offset = number(fields.get("offset"), 0, least=0)
    request = SearchRequest(
        terms=read_terms(library.uploads, fields),
        filter=str(fields.get("where") or ""),
        facets=_facet_filters(fields.get("filters") or []),
        order=str(fields.get("sort") or "best"),
        threshold=_threshold(fields.get("line")),
        offset=offset,
        count=min(number(fields.get("k"), PAGE), MOST - offset),
    )
    return library.collection(fields.get("collection")), request


def read_terms(uploads: Uploads, fields: Mapping[str, Any]) -> list[Term]:
    """The text, ids and uploaded images of a request as terms."""
    terms = parse_query(str(fields.get("q") or "")[:2000])
    terms += [Term(-1, text=text.strip()) for text in fields.get("without") or [] if text.strip()]
    for like in fields.get("like") or []:
        sign, id = _signed(str(like))
        terms.append(Term(sign, image_id=id))
    for token in fields.get("images") or []:
        sign, name = _signed(str(token))
        terms.append(Term(sign, image=uploads.get(name)))
    if len(terms) > MOST_TERMS:
        raise UserError(f"That is too much to ask for at once; the most is {MOST_TERMS} texts and images.")
    return terms


def number(value: Any, otherwise: int, least: int = 1) -> int:
    """value as a count between least and MOST, or otherwise if it is none."""
    try:
        return min(max(int(value), least), MOST)
    except (TypeError, ValueError):
        return otherwise


def _signed(text: str) -> tuple[int, str]:
    """A minus before the name means unwanted."""
    return (-1, text[1:]) if text.startswith("-") else (1, text)


def _facet_filters(filters: Any) -> Sequence[FacetFilter]:
    if not isinstance(filters, list) or not all(isinstance(one, dict) for one in filters):
        raise UserError("Filters are a list of columns with what they must hold.")
    return [_facet_filter(one) for one in filters[:MOST_FILTERS]]


def _facet_filter(fields: Mapping[str, Any]) -> FacetFilter:
    values, contains = fields.get("values"), fields.get("contains")
    return FacetFilter(
        str(fields.get("column")),
        values=tuple(map(str, values)) if isinstance(values, list) else None,
        low=fields.get("low"),
        high=fields.get("high"),
        contains=None if contains is None else str(contains),
    )


def _threshold(value: Any) -> ThresholdSetting:
    return "auto" if value in (None, "") else threshold_setting(str(value))
