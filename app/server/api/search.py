"""A search by REST or gradio_client."""

from app.server.api.responses import HitResponse, SearchResponse
from app.server.api.schemas import CopiesSchema, SearchSchema
from app.state.errors import NotFound
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.search_requests import ENCODER_TIMEOUT, TIMEOUT, run_search, run_search_of_several
from index.retrieval.request import Collapse
from index.search import Hit, copies_of
from index.storage.layout import LOCAL_COLUMNS

COLLAPSED: tuple[Collapse, ...] = ("none", "same", "similar")  # the least first


def search(library: Library, fields: SearchSchema) -> SearchResponse:
    """The result of the Search tab, with the columns of every hit."""
    if fields.collections:
        return _search_several(library, fields)
    opened, request, result = run_search(library, fields, TIMEOUT, encoder_timeout=ENCODER_TIMEOUT)
    threshold = result.threshold
    return SearchResponse(
        collection=opened.key,
        collections=[],
        merged=None,
        encoder=opened.encoder_name,
        images=result.total,
        matching=result.matching,
        distinct=result.distinct,
        collapse=result.collapse,
        likely=result.likely,
        threshold=threshold.value if threshold is not None and threshold.shown else None,
        pending=list(result.pending),
        milliseconds=round(1000 * result.seconds, 1) if request.terms else None,
        results=[_response(library, opened, hit) for hit in result.hits],
    )


def _search_several(library: Library, fields: SearchSchema) -> SearchResponse:
    opened, result = run_search_of_several(library, fields, TIMEOUT, encoder_timeout=ENCODER_TIMEOUT)
    by_key, parts = {one.key: one for one in opened}, result.results.values()
    shown = [part.threshold for part in parts if part.threshold is not None and part.threshold.shown]
    return SearchResponse(
        collection="",
        collections=list(result.results),
        merged=result.merged,
        encoder="",
        images=sum(part.total for part in parts),
        matching=sum(part.matching for part in parts),
        distinct=sum(part.distinct for part in parts),
        collapse=min((part.collapse for part in parts), key=COLLAPSED.index),
        likely=result.likely,
        threshold=shown[0].value if len(shown) == len(parts) else None,
        pending=list(dict.fromkeys(name for part in parts for name in part.pending)),
        milliseconds=round(1000 * result.seconds, 1) if fields.q or fields.image or fields.without else None,
        results=[_response(library, by_key[one.name], one.hit) for one in result.hits],
    )


def copies(library: Library, fields: CopiesSchema) -> list[HitResponse]:
    """The copies of one image, the best first."""
    opened = library.collection(fields.collection)
    try:
        hits = copies_of(opened.published(), fields.id, fields.collapse, TIMEOUT)
    except KeyError as error:
        raise NotFound(f"There is no image {fields.id} in this collection.") from error
    return [_response(library, opened, hit) for hit in hits]


def _response(library: Library, opened: OpenCollection, hit: Hit) -> HitResponse:
    hidden = ("hash",) if library.local else ("hash", *LOCAL_COLUMNS)
    return HitResponse(
        rank=hit.rank,
        collection=opened.key,
        id=hit.id,
        name=hit.name,
        file=hit.path,
        score=None if hit.score is None else round(hit.score, 5),
        normalised_score=None if hit.normalised_score is None else round(hit.normalised_score, 3),
        likely=hit.likely,
        matched=hit.matched,
        tags=list(hit.tags),
        copies=hit.copies,
        offline=hit.offline,
        preview=f"{library.root_path}/media/{opened.key}/{hit.id}.webp?v={opened.published().thumbnails}",
        columns={name: cell for name, cell in hit.columns.items() if name not in hidden},
    )
