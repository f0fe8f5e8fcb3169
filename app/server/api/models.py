"""Models by REST: list, get, pause, cancel, remove; a collection's generations: embed, switch, go back, delete."""

from typing import Any

from app.server.api.responses import (
    Done,
    GenerationResponse,
    JobState,
    ModelResponse,
    ModelsResponse,
)
from app.server.api.schemas import GetModelSchema
from app.state import generations as work
from app.state import models
from app.state.library import Library
from app.state.model_list import ModelEntry, list_models
from index.maintenance.generations import Generation, find_generation


def model_list(library: Library, key: str) -> ModelsResponse:
    """The models, for the collection of that key, the first one if it is empty."""
    found = list_models(library, library.collection(key))
    entries = [_entry(one) for one in found.models]
    return ModelsResponse(online=found.online, encoder=found.encoder, images=found.images, models=entries)


def _entry(entry: ModelEntry) -> ModelResponse:
    model, duration = entry.model, entry.duration
    listed: dict[str, Any] = {}
    if model is not None:
        names = ("use", "licence", "licence_url", "commercial", "languages", "imagenet", "flickr", "coco", "source")
        listed = {name: getattr(model, name) for name in names} | {"bytes": model.download_bytes}
    elif entry.zoo is not None:
        listed = {"use": "zoo", "bytes": entry.zoo.bytes}
    return ModelResponse(
        name=entry.name,
        state=entry.state,
        here=entry.here,
        recommended=entry.recommended,
        serving=entry.serving,
        seconds=duration.seconds if duration else None,
        job=entry.job.id if entry.job else None,
        **listed,
    )


def get_model(library: Library, request: GetModelSchema) -> JobState:
    """Fetch a model in a job; with a collection, that is embedded with it then."""
    then = library.collection(request.collection) if request.collection else None
    return JobState.model_validate(models.get_model(library, request.name, request.accept_licence, then))


def pause(library: Library, name: str) -> Done:
    models.pause(library, name)
    return Done(bytes=0)


def cancel(library: Library, name: str) -> Done:
    return Done(bytes=models.cancel(library, name))


def remove(library: Library, name: str) -> Done:
    return Done(bytes=models.remove(library, name))


def generation_list(library: Library, key: str) -> list[GenerationResponse]:
    """The generations of a collection, the one that serves first."""
    return [_generation(one) for one in work.generations(library.collection(key))]


def _generation(one: Generation) -> GenerationResponse:
    return GenerationResponse.model_validate(one)


def reencode(library: Library, key: str, name: str) -> JobState:
    """Embed a collection with another encoder, in a job."""
    return JobState.model_validate(work.reencode(library, library.collection(key), name))


def switch(library: Library, key: str, name: str) -> list[GenerationResponse]:
    """Let another generation serve; "" for the one that did before."""
    opened = library.collection(key)
    if name:
        work.switch(library, opened, name)
    else:
        work.back(library, opened)
    return generation_list(library, key)


def delete(library: Library, key: str, name: str) -> Done:
    """Delete a generation that does not serve."""
    opened = library.collection(key)
    find_generation(opened.path, name)
    return Done(bytes=work.delete(library, opened, name))
