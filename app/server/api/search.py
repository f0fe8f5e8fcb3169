"""A search by REST or gradio_client."""

from app.server.api.schemas import CopiesSchema, HitResponse, SearchResponse, SearchSchema
from app.state.errors import NotFound
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.search_requests import run_search
from index.search import Hit, copies_of
from index.storage.layout import LOCAL_COLUMNS


def search(library: Library, fields: SearchSchema) -> SearchResponse:
    """The result of the Search tab, with the columns of every hit."""
    opened, request, result = run_search(library, fields)
    threshold = result.threshold
    return SearchResponse(
        collection=opened.key,
        encoder=opened.encoder_name,
        images=result.total,
        matching=result.matching,
        distinct=result.distinct,
        collapse=result.collapse,
        likely=result.likely,
        threshold=threshold.value if threshold is not None and threshold.shown else None,
        milliseconds=round(1000 * result.seconds, 1) if request.terms else None,
        results=[_response(library, opened, hit) for hit in result.hits],
    )


def copies(library: Library, fields: CopiesSchema) -> list[HitResponse]:
    """The copies of one image, the best first."""
    opened = library.collection(fields.collection)
    try:
        hits = copies_of(opened.published(), fields.id, fields.collapse)
    except KeyError as error:
        raise NotFound(f"There is no image {fields.id} in this collection.") from error
    return [_response(library, opened, hit) for hit in hits]


def _response(library: Library, opened: OpenCollection, hit: Hit) -> HitResponse:
    hidden = ("hash",) if library.local else ("hash", *LOCAL_COLUMNS)
    return HitResponse(
        rank=hit.rank,
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
