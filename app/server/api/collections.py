"""What is open, by REST or gradio_client."""

from app.server.api.responses import CollectionDetails, CollectionSummary, UploadResponse
from app.state.library import Library
from app.state.open_collection import OpenCollection
from index.storage.info import files_of
from index.storage.layout import LOCAL_COLUMNS
from index.storage.tags import read_tags
from training.models.errors import UserError


def collections(library: Library) -> list[CollectionSummary]:
    """Everything that is open."""
    return [_summary(library, opened) for opened in library.collections()]


def collection(library: Library, key: str) -> CollectionDetails:
    """One collection. NotFound if it is not open."""
    opened = library.collection(key)
    summary = _summary(library, opened).model_dump()
    if not summary["images"]:
        return CollectionDetails(**summary)
    published = opened.published()
    return CollectionDetails(
        **summary,
        dim=published.dim,
        failed=published.manifest.failed,
        files=files_of(published),
        offline=int(published.offline.sum()),
        revision=published.revision,
        columns=[name for name in published.columns if library.local or name not in LOCAL_COLUMNS],
        tags=sorted({name for names in read_tags(opened.path).values() for name in names}),
    )


def upload(library: Library, data: bytes) -> UploadResponse:
    """Store an image in memory. UserError if it cannot be read."""
    token, width, height = library.uploads.read(data)
    return UploadResponse(image=token, width=width, height=height)


def _summary(library: Library, opened: OpenCollection) -> CollectionSummary:
    encoder = library.encoder_state(opened)
    problem = encoder["error"]
    try:
        images = len(opened.collection or ())
    except UserError as error:
        images, problem = 0, str(error)
    return CollectionSummary(
        key=opened.key,
        name=opened.name,
        images=images,
        encoder=encoder["name"],
        state=encoder["state"],
        problem=problem,
        job=opened.job.id if opened.job is not None else None,
    )
