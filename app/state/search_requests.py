"""The fields of a search as page, REST, gradio_client and exports send them, read into `index.search.SearchRequest`."""

import re
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.language.current import _
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.uploads import Uploads
from index.browse import Browsing, Grouping, browse
from index.collection import Collection
from index.query import Term, parse_query, signed_name
from index.retrieval.facets import FacetFilter
from index.retrieval.request import Collapse, ThresholdSetting, threshold_setting
from index.search import SearchRequest, SearchResult, search
from index.several import Searched, SeveralResult, search_several
from index.storage.layout import LOCAL_COLUMNS
from training.models.encoder import Encoder
from training.models.errors import UserError

PAGE = 60  # results at a time
MOST = 1200  # results that can be reached
MOST_TERMS = 32  # of a query: each costs time
MOST_FILTERS = 32
MOST_COLLECTIONS = 16  # searched at once
TIMEOUT = 10.0  # seconds that a request waits for what is computed once: the threshold, the index of texts, copies
ENCODER_TIMEOUT = 60.0  # seconds that a request of a program waits for an encoder that is being loaded
ALL = "*"  # every open collection

Text = Annotated[str, StringConstraints(max_length=2000)]
Name = Annotated[str, StringConstraints(max_length=200)]  # an id, a token, a key
Names = Annotated[list[Name], Field(max_length=MOST_TERMS)]


def _threshold(value: object) -> ThresholdSetting:
    try:
        return threshold_setting(str(value))
    except UserError as error:
        raise ValueError(str(error).rstrip(".")) from error


class QueryFields(BaseModel):
    """A query. A field that is not there is a mistake, so that no misspelt filter is passed over."""

    model_config = ConfigDict(extra="forbid")

    q: Text = Field("", description="What to look for, as typed on the page: 2:golden retriever + pool - people")
    like: Names = Field([], description="Ids of images to resemble; with a minus before it, not to resemble.")
    image: Names = Field([], description="Tokens of uploaded images, used like ids in `like`.")
    without: Annotated[list[Text], Field(max_length=MOST_TERMS)] = Field([], description="Texts that are not wanted.")

    @property
    def has_terms(self) -> bool:
        """Whether it looks for something: without, it browses."""
        return bool(self.q.strip() or self.like or self.image or self.without)

    def terms(self, uploads: Uploads) -> list[Term]:
        """Its texts and images as terms. UserError for too many, or for a token that is not stored."""
        terms = parse_query(self.q) + [Term(-1, text=text.strip()) for text in self.without if text.strip()]
        terms += [Term(sign, image_id=id) for sign, id in map(signed_name, self.like)]
        terms += [Term(sign, image_bytes=uploads.data(token)) for sign, token in map(signed_name, self.image)]
        if len(terms) > MOST_TERMS:
            raise UserError(
                _("The query has {n} texts and images; the most is {most_terms}.", n=len(terms), most_terms=MOST_TERMS)
            )
        return terms


class SearchFields(QueryFields):
    """A search without its facets, which the doors write differently."""

    collection: Name = Field("", description="Key of a collection, see /api/v1/collections; empty for the first.")
    collections: Annotated[list[Name], Field(max_length=MOST_COLLECTIONS)] = Field(
        [], description="Keys of several collections that are searched at once, or * for all; instead of collection."
    )
    filter: Annotated[str, StringConstraints(max_length=1000)] = Field(
        "", description='Comparisons of columns that results must pass: width >= 1000 and folder == "beach"'
    )
    tags: Names = Field([], description="Tags that an image must have, each of them.")
    order: Name = Field("best", description="best, newest, oldest, largest or name; of the likely matches.")
    threshold: Annotated[ThresholdSetting, BeforeValidator(_threshold)] = Field(
        "auto",
        description="Normalised score from which an image is likely: a number, on (1), off, or auto, which is on for "
        "encoders that it was measured for.",
    )
    likely: bool = Field(False, description="Only likely images.")
    text_ranking: bool = Field(True, description="Whether names, captions and tags are searched beside the embedding.")
    collapse: Collapse = Field(
        SearchRequest.collapse,
        description="same: of copies of one image only the best is a result; similar: of similar shots too; "
        "none: every file is one.",
    )
    k: int = Field(PAGE, ge=1, le=MOST, description="How many results.")
    offset: int = Field(0, ge=0, le=MOST, description="How many results to leave out before them.")

    def request(self, uploads: Uploads) -> SearchRequest:
        """The request of index.search. UserError where it makes no sense."""
        return SearchRequest(
            terms=self.terms(uploads),
            filter=self.filter,
            facets=self.facet_filters(),
            tags=self.tags,
            order=self.order,
            threshold=self.threshold,
            likely_only=self.likely,
            text_ranking=self.text_ranking,
            collapse=self.collapse,
            offset=self.offset,
            count=min(self.k, MOST - self.offset),
        )

    def facet_filters(self) -> list[FacetFilter]:
        return []


class CopiesFields(BaseModel):
    """Whose copies are asked for."""

    model_config = ConfigDict(extra="forbid")

    collection: Name = Field("", description="Key of a collection, see /api/v1/collections; empty for the first.")
    id: Name = Field(description="Id of an image of the collection.")
    collapse: Collapse = Field(
        "same", description="same: copies of the same image; similar: similar shots too; none: files of its id."
    )


class PageSearch(SearchFields):
    """A search by the page or for an export. id, heat: of the inspector's requests."""

    facets: Annotated[list[FacetFilter], Field(max_length=MOST_FILTERS)] = []
    id: Name = ""
    heat: bool = False

    def facet_filters(self) -> list[FacetFilter]:
        return self.facets


class BrowseFields(PageSearch):
    """What is browsed by the page; terms are left out of account."""

    group: Grouping = Field("auto", description="What images are grouped by.")
    offset: int = Field(0, ge=0, description="How many images to leave out before them.")


def run_browse(library: Library, fields: BrowseFields, timeout: float = TIMEOUT) -> tuple[OpenCollection, Browsing]:
    """Browse the collection that fields name.

    timeout: seconds to wait for groups of copies. UserError as for run_search.
    """
    opened = library.collection(fields.collection)
    request = fields.model_copy(update={"offset": 0}).request(library.uploads)
    _check_filter(library, request.filter)
    return opened, browse(opened.published(), request, fields.group, timeout)


def listing_version(opened: OpenCollection, result: SearchResult) -> str:
    """Differs whenever a likely image of a search may stand at another place."""
    collection = opened.published()
    return f"{collection.fingerprint[:8]} {collection.revision} {result.likely}"


def run_listing(library: Library, fields: PageSearch, end: int) -> tuple[list[str], str]:
    """The ids of the first results of a search, up to a place, and the version of that list."""
    opened = library.collection(fields.collection)
    request = replace(fields.request(library.uploads), offset=0, count=end)
    _check_filter(library, request.filter)
    result = _found(library, opened, request)
    return [hit.id for hit in result.hits], listing_version(opened, result)


def run_search(
    library: Library,
    fields: SearchFields,
    timeout: float = TIMEOUT,
    *,
    encoder_timeout: float | None = None,
    histogram: bool = False,
    facets: bool = False,
) -> tuple[OpenCollection, SearchRequest, SearchResult]:
    """Search the collection that fields name; waits for its encoder if a term needs it.

    timeout: seconds to wait for what is computed once; the result says what is left out. encoder_timeout: seconds to
    wait for the encoder, NotReady after them. UserError where the request makes no sense, or its filter compares what
    only this computer may know.
    """
    opened = library.collection(fields.collection)
    request = replace(fields.request(library.uploads), with_histogram=histogram, with_facets=facets)
    _check_filter(library, request.filter)
    return opened, request, _found(library, opened, request, timeout, encoder_timeout)


def _found(
    library: Library,
    opened: OpenCollection,
    request: SearchRequest,
    timeout: float = TIMEOUT,
    encoder_timeout: float | None = None,
) -> SearchResult:
    collection, encoder = _read(library, opened, request, encoder_timeout)
    return search(collection, encoder, request, timeout=timeout)


def _read(
    library: Library, opened: OpenCollection, request: SearchRequest, timeout: float | None
) -> tuple[Collection, Encoder | None]:
    """The collection as it is now, and its encoder if the request needs one."""
    return library.reading(opened, timeout) if request.needs_encoder else (opened.published(), None)


def run_search_of_several(
    library: Library, fields: SearchFields, timeout: float = TIMEOUT, *, encoder_timeout: float | None = None
) -> tuple[list[OpenCollection], SeveralResult]:
    """Search the collections that fields name at once; the first of them come first. The rest as for run_search."""
    if fields.collection:
        raise UserError(_("Name either one collection or several collections, not both."))
    keys = dict.fromkeys(fields.collections)
    opened = library.collections() if ALL in keys else [library.collection(key) for key in keys]
    request = fields.request(library.uploads)
    _check_filter(library, request.filter)
    searched = [Searched(one.key, *_read(library, one, request, encoder_timeout)) for one in opened[:MOST_COLLECTIONS]]
    return opened, search_several(searched, request, timeout=timeout)


def _check_filter(library: Library, expression: str) -> None:
    if not library.local and re.search(rf"\b({'|'.join(LOCAL_COLUMNS)})\b", expression):
        raise UserError(
            _("Remote users cannot filter by the folders of this computer; leave source out of the filter.")
        )
