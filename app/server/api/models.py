"""Models by REST: list, get, pause, cancel, remove; a collection's generations: embed, switch, go back, delete."""

from typing import Any

from fastapi import APIRouter

from app.server.api.responses import Done, GenerationResponse, JobState, ModelResponse, ModelsResponse
from app.server.api.schemas import GetModelSchema, NameSchema, SwitchSchema
from app.state import generations, model_list, models
from app.state.library import Library
from app.state.open_collection import OpenCollection

LISTED = ("use", "licence", "licence_url", "commercial", "languages", "imagenet", "flickr", "coco", "source")


def model_routes(router: APIRouter, library: Library) -> None:
    """Models and generations; those that change something need a page that only this computer reaches.

    The docstrings of endpoints would stand in /openapi.json, so that these have none.
    """

    @router.get("/models", summary="The models, and what this machine has of them")
    def list_models(collection: str = "") -> ModelsResponse:
        found = model_list.list_models(library, library.collection(collection))
        entries = [_entry(one) for one in found.models]
        return ModelsResponse(online=found.online, encoder=found.encoder, images=found.images, models=entries)

    @router.post("/models/get", summary="Fetch a model, or go on with it")
    def get_model(request: GetModelSchema) -> JobState:
        then = library.collection(request.collection) if request.collection else None
        return JobState.model_validate(models.get_model(library, request.name, request.accept_licence, then))

    @router.post("/models/pause", summary="Stop fetching a model; what is here stays")
    def pause_model(request: NameSchema) -> Done:
        models.pause(library, request.name)
        return Done(bytes=0)

    @router.post("/models/cancel", summary="Stop fetching a model and delete what is partly here")
    def cancel_model(request: NameSchema) -> Done:
        return Done(bytes=models.cancel(library, request.name))

    @router.post("/models/remove", summary="Delete a model from this machine")
    def remove_model(request: NameSchema) -> Done:
        return Done(bytes=models.remove(library, request.name))

    @router.get("/collections/{key}/generations", summary="By which encoders a collection is embedded")
    def list_generations(key: str) -> list[GenerationResponse]:
        return _generations(library.collection(key))

    @router.post("/collections/{key}/reencode", summary="Embed a collection with another encoder, while it serves")
    def reencode_collection(key: str, request: NameSchema) -> JobState:
        return JobState.model_validate(generations.reencode(library, library.collection(key), request.name))

    @router.post("/collections/{key}/switch", summary="Search a collection by another of its encoders, or go back")
    def switch_generation(key: str, request: SwitchSchema) -> list[GenerationResponse]:
        opened = library.collection(key)
        if request.name:
            generations.switch(library, opened, request.name)
        else:
            generations.back(library, opened)
        return _generations(opened)

    @router.post("/collections/{key}/generations/delete", summary="Delete the embeddings by another encoder")
    def delete_generation(key: str, request: NameSchema) -> Done:
        return Done(bytes=generations.delete(library, library.collection(key), request.name))


def _generations(opened: OpenCollection) -> list[GenerationResponse]:
    return [GenerationResponse.model_validate(one) for one in generations.generations(opened)]


def _entry(entry: model_list.ModelEntry) -> ModelResponse:
    listed: dict[str, Any] = {}
    if entry.model is not None:
        listed = {name: getattr(entry.model, name) for name in LISTED} | {"bytes": entry.model.download_bytes}
    elif entry.zoo is not None:
        listed = {"use": "zoo", "bytes": entry.zoo.bytes}
    return ModelResponse(
        name=entry.name,
        state=entry.state,
        here=entry.here,
        recommended=entry.recommended,
        serving=entry.serving,
        seconds=entry.duration.seconds if entry.duration else None,
        job=entry.job.id if entry.job else None,
        **listed,
    )
