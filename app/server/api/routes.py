"""/api/v1: the functions behind the tabs as JSON, and the same through gradio_client. docs/api.md has examples."""

from collections.abc import Callable
from typing import Annotated, Any

import gradio as gr
import numpy as np
from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from app.server.api.schemas import (
    CalibrationOf,
    Classified,
    Classify,
    ClassProbability,
    CollectionFacts,
    CollectionOf,
    ImageOf,
    JobState,
    Matches,
    NamedClasses,
    Probe,
    Probed,
    Problem,
    Search,
    Uploaded,
)
from app.server.api.search import search
from app.state.errors import NotFound
from app.state.jobs import Job
from app.state.label_requests import label_request
from app.state.library import Library
from app.state.open_collection import OpenCollection
from app.state.validation import sentence
from app.ui.api_docs.api_docs import api_docs
from index.labels.request import NONE
from index.storage.layout import LOCAL_COLUMNS
from index.storage.tags import read_tags
from training.evaluation.winoground import pair_matrix, wins_of_matrix
from training.models.encoder import Encoder, Vectors
from training.models.errors import UserError

PREFIX = "/api/v1"
BODY = {"requestBody": {"required": True, "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "It makes no sense, or cannot be done."},
    404: {"model": Problem, "description": "There is no such thing."},
    422: {"model": Problem, "description": "A field is missing, misspelt or of the wrong kind."},
}


def api_routes(library: Library) -> APIRouter:
    """The endpoints of the API."""
    router = APIRouter(prefix=PREFIX, responses=PROBLEMS)

    @router.get("/search", summary="Images that answer words, images or both, best first")
    def search_(asks: Annotated[Search, Query()]) -> Matches:
        """Without words or images: the first images of the collection. At most 1,200 results can be reached."""
        return search(library, asks)

    @router.post("/classify", summary="Which of some classes an image shows")
    def classify_(asks: Classify) -> Classified:
        return classify(library, asks)

    @router.post("/classify/image", summary="The same for an image that is sent along", openapi_extra=BODY)
    async def classify_sent(asks: Annotated[NamedClasses, Query()], request: Request) -> Classified:
        data = await request.body()

        def work() -> Classified:
            token = upload(library, data).image
            return classify(library, Classify(image=token, **asks.model_dump()))

        return await run_in_threadpool(work)

    @router.post("/probe", summary="Two images, two captions: which belongs to which?")
    def probe_(asks: Probe) -> Probed:
        return probe(library, asks)

    @router.post("/images", summary="Keep an image in memory, to ask with", status_code=201, openapi_extra=BODY)
    async def upload_(request: Request) -> Uploaded:
        return await run_in_threadpool(upload, library, await request.body())

    @router.get("/collections", summary="What is open")
    def collections_() -> list[CollectionOf]:
        return collections(library)

    @router.get("/collections/{key}", summary="One collection")
    def collection_(key: str) -> CollectionFacts:
        return collection(library, key)

    @router.get("/jobs", summary="Work under way or lately done, the newest first")
    def jobs_() -> list[JobState]:
        return [job_state(job) for job in library.jobs.all()]

    @router.get("/jobs/{id}", summary="One job")
    def job_(id: str) -> JobState:
        job = library.jobs.get(id)
        if job is None:
            raise NotFound("That job is not known any more.")
        return job_state(job)

    @router.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    def nothing(rest: str) -> None:
        raise NotFound(f"There is nothing at this address for this kind of request; {PREFIX} is described at /docs.")

    return router


def api_errors(server: FastAPI) -> None:
    """Every error of ours as JSON with a sentence."""

    async def told(_: Request, error: Exception) -> JSONResponse:
        return _problem(str(error), 404 if isinstance(error, NotFound) else 400)

    async def malformed(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return _problem(sentence(error.errors()), 422)

    async def failed(_: Request, error: Exception) -> JSONResponse:  # the server logs it all the same
        return _problem("Something went wrong here; the terminal has the details.", 500)

    server.add_exception_handler(UserError, told)
    server.add_exception_handler(RequestValidationError, malformed)
    server.add_exception_handler(Exception, failed)

    @server.get("/docs", include_in_schema=False)
    def described() -> HTMLResponse:
        return HTMLResponse(api_docs())


def client_functions(library: Library) -> None:
    """The same for gradio_client, inside the page's Blocks: /search, /classify, /probe, /collections, /collection."""

    def search_(
        q: str = "",
        collection: str = "",
        like: list[str] | None = None,
        image: list[str] | None = None,
        without: list[str] | None = None,
        filter: str = "",
        facets: list[str] | None = None,
        tags: list[str] | None = None,
        order: str = "best",
        threshold: float | str = "auto",
        likely: bool = False,
        k: int = 60,
        offset: int = 0,
    ) -> dict[str, Any]:
        """Images that answer texts, images or both, best first."""
        lists = {"like": like, "image": image, "without": without, "facets": facets, "tags": tags}
        fields = {"q": q, "collection": collection, "filter": filter, "order": order, "threshold": threshold}
        fields |= {"likely": likely, "k": k, "offset": offset}
        return _told(search, library, Search, **fields, **{name: given or [] for name, given in lists.items()})

    def classify_(
        classes: list[str | dict[str, Any]],
        id: str = "",
        image: str = "",
        collection: str = "",
        templates: str = "photo",
        mode: str = "one",
        none: bool = False,
        none_level: float = 0.0,
        calibration: str = "calibrated",
    ) -> dict[str, Any]:
        """Which of some classes an image shows, likeliest first."""
        given = {"classes": classes, "id": id, "image": image, "collection": collection, "templates": templates}
        settings = {"mode": mode, "none": none, "none_level": none_level, "calibration": calibration}
        return _told(classify, library, Classify, **given, **settings)

    def probe_(images: list[dict[str, str]], captions: list[str], collection: str = "") -> dict[str, Any]:
        """Two images, two captions: which belongs to which?"""
        return _told(probe, library, Probe, images=images, captions=captions, collection=collection)

    def collections_() -> list[dict[str, Any]]:
        """What is open."""
        return [one.model_dump() for one in collections(library)]

    def collection_(key: str) -> dict[str, Any]:
        """One collection."""
        try:
            return collection(library, key).model_dump()
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error

    for function in (search_, classify_, probe_, collections_, collection_):
        gr.api(function, api_name=function.__name__.rstrip("_"), concurrency_limit=4, concurrency_id="api")


def classify(library: Library, asks: Classify) -> Classified:
    """What the Classify tab answers for one image."""
    opened = library.collection(asks.collection)
    encoder = library.encoder(opened)
    request = label_request(
        asks.class_names,
        asks.templates,
        mode=asks.mode,
        none=asks.none,
        none_level=asks.none_level,
        calibration=asks.calibration,
    )
    classifier = library.classifiers.classifier(opened, encoder, request)
    scores = classifier.classify(_vector(library, opened, encoder, ImageOf(id=asks.id, image=asks.image)))
    next_best = scores[1].probability if len(scores) > 1 else 0.0
    nothing = request.mode == "any" and scores[0].probability <= 0.5
    return Classified(
        collection=opened.key,
        encoder=encoder.name,
        label=NONE if nothing else scores[0].name,
        margin=round(scores[0].probability - next_best, 5),
        classes=[
            ClassProbability(name=c.name, probability=round(c.probability, 5), cosine=round(c.cosine, 4))
            for c in scores
        ],
        calibration=CalibrationOf(**classifier.calibration.as_dict()),
    )


def probe(library: Library, asks: Probe) -> Probed:
    """Winoground's question of one example."""
    opened = library.collection(asks.collection)
    encoder = library.encoder(opened)
    images = [_vector(library, opened, encoder, image) for image in asks.images]
    captions = encoder.embed_texts(asks.captions)
    scores = pair_matrix(*(row[None] for row in [*images, *captions]))
    wins = {name: bool(won[0]) for name, won in wins_of_matrix(scores).items()}
    return Probed(collection=opened.key, encoder=encoder.name, scores=scores[0].round(5).tolist(), **wins)


def upload(library: Library, data: bytes) -> Uploaded:
    """Keep an image in memory."""
    token, width, height = library.uploads.read(data)
    return Uploaded(image=token, width=width, height=height)


def collections(library: Library) -> list[CollectionOf]:
    """Everything that is open."""
    return [CollectionOf(**_facts(library, opened)) for opened in library.collections()]


def collection(library: Library, key: str) -> CollectionFacts:
    """What is known of one collection."""
    opened = library.collection(key)
    facts = _facts(library, opened)
    if not facts["images"]:
        return CollectionFacts(**facts)
    published = opened.published()
    tags = sorted({name for names in read_tags(opened.path).values() for name in names})
    columns = [name for name in published.items.columns if library.local or name not in LOCAL_COLUMNS]
    more: dict[str, Any] = {"dim": published.dim, "failed": published.manifest.failed, "revision": published.revision}
    return CollectionFacts(**facts, **more, columns=columns, tags=tags)


def job_state(job: Job) -> JobState:
    """How far a job is."""
    return JobState(**{name: value for name, value in job.as_dict().items() if name in JobState.model_fields})


def _facts(library: Library, opened: OpenCollection) -> dict[str, Any]:
    state = library.encoder_state(opened)
    wrong = state["error"]
    try:
        images = len(opened.collection or ())
    except UserError as error:
        images, wrong = 0, str(error)
    job = opened.job.id if opened.job is not None else None
    facts = {"key": opened.key, "name": opened.name, "images": images, "encoder": state["name"]}
    return facts | {"state": state["state"], "problem": wrong, "job": job}


def _vector(library: Library, opened: OpenCollection, encoder: Encoder, of: ImageOf) -> Vectors:
    """[dim], unit length."""
    if of.image:
        return encoder.embed_images([library.uploads.get(of.image)])[0]
    collection = opened.published()
    collection.check_encoder(encoder)
    try:
        return np.asarray(collection.vector(of.id))
    except KeyError as error:
        raise NotFound(f"There is no image {of.id} in {opened.name}.") from error


def _told(ask: Callable[..., BaseModel], library: Library, model: type[BaseModel], **given: Any) -> dict[str, Any]:
    """ask(library, model(**given)) as JSON, or the sentence that says why not."""
    try:
        return ask(library, model(**given)).model_dump()
    except ValidationError as error:
        raise gr.Error(sentence(error.errors()), print_exception=False) from error
    except UserError as error:
        raise gr.Error(str(error), print_exception=False) from error


def _problem(sentence: str, status: int) -> JSONResponse:
    return JSONResponse({"error": sentence}, status)
