"""The images themselves over HTTP, by stored id: resized to be looked at, whole to be downloaded, or in their folder.

index/viewing.py says which file an id stands for, and refuses one that is not the image that was indexed.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from urllib.parse import quote

import anyio
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from app.server.origins import is_loopback
from app.state.desktop import show_in_folder
from app.state.errors import NotFound
from app.state.library import Library
from app.state.viewing import find_original
from index.viewing import SIDES
from training.models.errors import UserError

AT_ONCE = 2  # images that are decoded at a time: a large one takes a gigabyte
CLOSED = "This page shows thumbnails only; start Gelato with --originals to show the images themselves."
ELSEWHERE = "Folders are opened for the person at this computer only."


def original_routes(library: Library) -> APIRouter:
    """GET an image at a size or as a file, POST to see it in its folder. Each refusal is a sentence."""
    router = APIRouter()
    limiter = anyio.CapacityLimiter(AT_ONCE)  # who waits for it holds no thread

    async def answer(work: Callable[[], Response]) -> Response:
        if not library.originals:
            return PlainTextResponse(CLOSED, 403)
        try:
            return await anyio.to_thread.run_sync(work, limiter=limiter)
        except NotFound as error:
            return PlainTextResponse(str(error), 404)
        except UserError as error:
            return PlainTextResponse(str(error), 409)

    @router.get("/originals/{key}/{id}.jpg")
    async def view(request: Request, key: str, id: str, side: int) -> Response:
        """An image with its longer side at most side pixels, one of SIDES, as a JPEG without metadata."""
        if side not in SIDES:
            return PlainTextResponse(f"side is one of {', '.join(map(str, SIDES))}.", 400)
        return await answer(partial(_view, library, key, id, side, request.headers.get("if-none-match")))

    @router.get("/originals/{key}/{id}/file")
    async def download(key: str, id: str) -> Response:
        """The file as its source holds it."""
        return await answer(partial(_download, library, key, id))

    @router.post("/originals/{key}/{id}/folder")
    async def folder(request: Request, key: str, id: str) -> Response:
        """Open the folder of an image in the file manager of this computer."""
        peer = request.client.host if request.client else ""
        if not (library.desktop and is_loopback(peer) and request.headers.get("origin")):
            return PlainTextResponse(ELSEWHERE, 403)
        return await answer(partial(_show, library, key, id))

    return router


def _view(library: Library, key: str, id: str, side: int, known: str | None) -> Response:
    opened = library.collection(key)
    original = find_original(opened, id)
    etag = f'"{sha256(repr((original.key, side)).encode()).hexdigest()[:24]}"'
    headers = {"etag": etag, "cache-control": "no-cache"}  # asks each time: the file may have changed
    if known == etag:
        return Response(status_code=304, headers=headers)
    return Response(library.views.of(opened, original, side), media_type="image/jpeg", headers=headers)


def _download(library: Library, key: str, id: str) -> Response:
    original = find_original(library.collection(key), id)
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(original.name, safe='')}"}
    return Response(original.read(), media_type="application/octet-stream", headers=headers)


def _show(library: Library, key: str, id: str) -> Response:
    original = find_original(library.collection(key), id)
    if original.file is None:
        raise UserError("This image lies inside an archive, so there is no folder to open.")
    show_in_folder(original.file)
    return JSONResponse({})
