"""Learn: the lecture's sections, each with something to move and what the project's own code makes of it."""

import asyncio
import contextvars
import json
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from app.language.current import _
from app.language.lessons import in_language
from app.state.images import ImageReference, image_of, thumbnail_of
from app.state.lessons import refused
from app.state.library import Library
from app.state.samples import samples_of
from app.ui.component import tab_component
from training.models.errors import UserError
from training.models.inline_image import data_url

SAMPLES = 12  # images of the collection to choose from
SIDE = 448  # pixels of an image as a lesson gets it

Fields = Mapping[str, Any]


def learn_tab(library: Library) -> None:
    """Lay out the tab: one component, whose script draws what the route streams."""
    tab_component(library, "learn", describe=describe_photos)


def describe_photos(library: Library, request: Fields) -> dict[str, Any]:
    """Images of the collection that lessons can be computed on."""
    opened = library.collection(request.get("collection"))
    return {"collection": opened.key, "samples": samples_of(opened.published(), SAMPLES)}


def learn_routes(library: Library) -> APIRouter:
    """POST /lessons: the lines of a lesson as they are computed, each a JSON object."""
    router = APIRouter()

    @router.post("/lessons")
    async def lessons(request: Request) -> Response:
        fields = json.loads(await request.body() or b"{}")
        if not isinstance(fields, dict):
            return JSONResponse({"error": _("A request is an object of named fields.")}, 400)
        try:
            asked = await asyncio.to_thread(_asked, library, fields)
        except UserError as error:
            return JSONResponse({"error": str(error)})
        return StreamingResponse(_lines(library, asked), media_type="application/x-ndjson")

    return router


def _asked(library: Library, fields: Fields) -> dict[str, Any]:
    """The request to the child, with the images themselves. UserError where others can reach the page."""
    name = str(fields.get("lesson") or "")
    if not library.desktop:
        raise refused(name)
    if fields.get("list"):
        return {"list": True}
    settings = fields.get("settings")
    settings = {str(key): str(value) for key, value in settings.items()} if isinstance(settings, dict) else {}
    return {"lesson": name, "settings": settings, "images": _images(library, fields)}


def _images(library: Library, fields: Fields) -> list[str]:
    """The chosen image first, then samples of the collection until there are as many as the lesson takes."""
    wanted = min(int(fields.get("photos") or 0), SAMPLES)
    if not wanted:
        return []
    opened = library.collection(str(fields.get("collection") or ""))
    chosen = ImageReference.read(fields.get("image"), opened.key)
    found = [image_of(library, chosen)] if chosen else []
    ids = [one["id"] for one in samples_of(opened.published(), SAMPLES) if not chosen or one["id"] != chosen.id]
    for id in ids[: wanted - len(found)]:
        with suppress(UserError):  # a thumbnail that is gone
            found.append(thumbnail_of(opened, id))
    return [data_url(image, SIDE) for image in found]


async def _lines(library: Library, asked: dict[str, Any]) -> AsyncIterator[str]:
    """The lines of a lesson; where the reader goes away, the run is told to stop."""
    loop, stop = asyncio.get_running_loop(), threading.Event()
    lines: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    def put(line: dict[str, Any] | None) -> None:
        with suppress(RuntimeError):  # the server has stopped
            loop.call_soon_threadsafe(lines.put_nowait, line)

    def pump() -> None:
        try:
            for line in library.lessons.answer(asked, stop):
                put(in_language(line))
        except UserError as error:
            put({"kind": "error", "error": str(error)})
        put(None)

    threading.Thread(target=contextvars.copy_context().run, args=(pump,), name="lesson", daemon=True).start()
    try:
        while (line := await lines.get()) is not None:
            yield json.dumps(line) + "\n"
    finally:
        stop.set()
