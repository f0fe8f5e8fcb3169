"""The routes of /api/v1: the functions behind the tabs as JSON. docs/api.md has examples."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from app.server.api.classify import classify
from app.server.api.collections import collection, collections, upload
from app.server.api.errors import ERRORS
from app.server.api.image_probes import image_probe_routes
from app.server.api.jobs import job_routes
from app.server.api.models import model_routes
from app.server.api.probe import generated, probe
from app.server.api.queue import queue
from app.server.api.responses import (
    ClassifyResponse,
    CollectionDetails,
    CollectionSummary,
    HitResponse,
    ProbeResponse,
    QueueResponse,
    SearchResponse,
    UploadResponse,
)
from app.server.api.schemas import (
    ClassifySchema,
    ClassifyUploadSchema,
    CopiesSchema,
    GeneratedSchema,
    ProbeSchema,
    QueueSchema,
    SearchSchema,
)
from app.server.api.search import copies, search
from app.state.errors import NotFound
from app.state.library import Library
from app.ui.api_docs.api_docs import api_docs

PREFIX = "/api/v1"
BODY = {"requestBody": {"required": True, "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}}


def api_routes(library: Library) -> APIRouter:
    """The endpoints of the API."""
    router = APIRouter(prefix=PREFIX, responses=ERRORS)
    model_routes(router, library)

    @router.get("/search", summary="Images that match texts, images or both, best first")
    def search_images(request: Annotated[SearchSchema, Query()]) -> SearchResponse:
        """Without texts or images: the first images of the collection. At most 1,200 results can be reached."""
        return search(library, request)

    @router.get("/copies", summary="The copies of an image, the best first")
    def list_copies(request: Annotated[CopiesSchema, Query()]) -> list[HitResponse]:
        return copies(library, request)

    @router.post("/classify", summary="Which of some classes an image shows")
    def classify_image(request: ClassifySchema) -> ClassifyResponse:
        return classify(library, request)

    @router.post("/classify/image", summary="The same for an image in the body", openapi_extra=BODY)
    async def classify_upload(fields: Annotated[ClassifyUploadSchema, Query()], request: Request) -> ClassifyResponse:
        data = await request.body()

        def work() -> ClassifyResponse:
            token = upload(library, data).image
            return classify(library, ClassifySchema(image=token, **fields.model_dump()))

        return await run_in_threadpool(work)

    @router.post("/label/queue", summary="The images to label by hand next")
    def label_queue(request: QueueSchema) -> QueueResponse:
        return queue(library, request)

    @router.post("/probe", summary="Two images, two captions: which belongs to which?")
    def probe_pair(request: ProbeSchema) -> ProbeResponse:
        return probe(library, request)

    @router.post("/probe/generated", summary="The same for a generated pair of the page")
    def probe_generated(request: GeneratedSchema) -> ProbeResponse:
        return generated(library, request)

    image_probe_routes(router, library)

    @router.post("/images", summary="Store an image in memory, for later requests", status_code=201, openapi_extra=BODY)
    async def upload_image(request: Request) -> UploadResponse:
        return await run_in_threadpool(upload, library, await request.body())

    @router.get("/collections", summary="What is open")
    def list_collections() -> list[CollectionSummary]:
        return collections(library)

    @router.get("/collections/{key}", summary="One collection")
    def describe_collection(key: str) -> CollectionDetails:
        return collection(library, key)

    job_routes(router, library)

    @router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def nothing(rest: str) -> None:
        raise NotFound(f"There is nothing at this address for this kind of request; {PREFIX} is described at /docs.")

    return router


def serve_docs(server: FastAPI) -> None:
    """GET /docs: a page to read and try every endpoint."""

    @server.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(api_docs())
