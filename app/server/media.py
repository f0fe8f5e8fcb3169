"""Images over HTTP: thumbnails of stored images by id, and uploads by token."""

import io

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool

from app.server.api.collections import upload
from app.server.static import YEAR
from app.state.library import Library
from training.models.errors import UserError

THUMBNAIL_SIDE = 512  # pixels of the longer side of an uploaded image, as shown


def media_routes(library: Library) -> APIRouter:
    """GET thumbnails and uploads, POST an upload."""
    router = APIRouter()

    @router.get("/media/{key}/{id}.webp")
    def thumbnail(request: Request, key: str, id: str, v: str = "") -> Response:
        """A thumbnail. With v, the version of the collection's thumbnails as they are now, it may be kept for good."""
        try:
            collection = library.collection(key).collection
        except UserError:
            collection = None
        path = collection.thumbnail(id) if collection is not None else None
        if collection is None or path is None:
            return PlainTextResponse("There is no such image.", 404)
        facts = path.stat()
        now = v == collection.thumbnails
        headers = {"etag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'}
        headers["cache-control"] = f"max-age={YEAR}, immutable" if now else "no-cache"  # asks each time
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return FileResponse(path, media_type="image/webp", headers=headers, stat_result=facts)

    @router.post("/images")
    async def upload_image(request: Request) -> Response:
        """Store an image in memory and return its token; an image that cannot be read is {"error": sentence}."""
        data = await request.body()
        return JSONResponse(await run_in_threadpool(_upload, library, data))

    @router.get("/images/{token}.webp")
    def uploaded(token: str) -> Response:
        try:
            image = library.uploads.get(token).copy()
        except UserError as error:
            return PlainTextResponse(str(error), 404)
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        out = io.BytesIO()
        image.save(out, "WEBP", quality=80)
        return Response(out.getvalue(), media_type="image/webp")

    return router


def _upload(library: Library, data: bytes) -> dict[str, object]:
    try:
        return upload(library, data).model_dump()
    except UserError as error:
        return {"error": str(error)}
