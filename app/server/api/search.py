"""A search by REST or gradio_client."""

from app.server.api.schemas import HitResponse, SearchResponse, SearchSchema
from app.state.library import Library
from app.state.search_requests import run_search
from index.search import Hit
from index.storage.layout import LOCAL_COLUMNS


def search(library: Library, fields: SearchSchema) -> SearchResponse:
    """The result of the Search tab, with the columns of every hit."""
    opened, request, result = run_search(library, fields)
    hidden = ("hash",) if library.local else ("hash", *LOCAL_COLUMNS)
    threshold, previews = result.threshold, opened.published().previews

    def response(hit: Hit) -> HitResponse:
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
            offline=hit.offline,
            preview=f"/media/{opened.key}/{hit.id}.webp?v={previews}",
            columns={name: cell for name, cell in hit.columns.items() if name not in hidden},
        )

    return SearchResponse(
        collection=opened.key,
        encoder=opened.encoder_name,
        images=result.total,
        matching=result.matching,
        likely=result.likely,
        threshold=threshold.value if threshold is not None and threshold.shown else None,
        milliseconds=round(1000 * result.seconds, 1) if request.terms else None,
        results=[response(hit) for hit in result.hits],
    )
