"""FastAPI around the Gradio page: images by id, uploads, downloads, and one guard around everything."""

import io
from pathlib import Path

import gradio as gr
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse
from fastapi.routing import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp

from app.page import make_page
from app.server.access import Guard, is_loopback
from app.server.api.routes import api_errors, api_routes, upload
from app.server.content_policy import PagePolicy
from app.server.downloads import export_routes
from app.server.label_downloads import label_routes
from app.server.static import static_routes
from app.state.indexing import build_of, build_of_demo
from app.state.library import Library
from app.tabs.map.tab import map_routes
from app.ui.assets import CSS, HEAD
from app.ui.theme import THEME
from index.collection import cached_collection
from index.ingest.demo import SUGGESTIONS, demo_folders
from training.data.sources import open_source
from training.models.errors import UserError

PREVIEW_SIDE = 512  # pixels of the longer side of an uploaded image, as shown


def open_collections(library: Library, collections: tuple[Path, ...], images: Path | None, encoder: str | None) -> None:
    """Put what was asked for into the library, or the demo; UserError if something is not there."""
    for path in collections:
        library.add(path.expanduser(), encoder)
    name = encoder or "starter"
    if images is not None:
        folder = images.expanduser()
        if next(iter(open_source(folder)), None) is None:
            raise UserError(f"{images} has no images in it.")
        title = folder.resolve().stem or "images"
        library.add_built(title, cached_collection(title, folder, name), name, build_of(folder))
    if not library.collections():
        images, into = demo_folders(name)
        library.add_built("demo", into, name, build_of_demo(images), tuple(SUGGESTIONS))


def make_server(
    library: Library, host: str, users: dict[str, str], public_host: str | None = None, token: str = ""
) -> ASGIApp:
    """Everything that is served, behind the guard. host is where it listens, public_host a tunnel's name."""
    server = FastAPI(title="Gelato", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    for router in (
        static_routes(),
        routes(library),
        export_routes(library),
        label_routes(library),
        map_routes(library),
    ):
        server.include_router(router, include_in_schema=False)
    server.include_router(api_routes(library))
    api_errors(server)
    gr.mount_gradio_app(
        server,
        make_page(library),
        path="/",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=False,
        max_file_size=1,
        theme=THEME,
        css=CSS,
        head=HEAD,
        favicon_path=str(Path(__file__).parent.parent / "ui/favicon.png"),
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
    )
    hosts = {"localhost", "127.0.0.1", "::1", host.lower()} | ({public_host.lower()} if public_host else set())
    return PagePolicy(Guard(server, hosts, users, any_address=not is_loopback(host), token=token))


def routes(library: Library) -> APIRouter:
    """What is served beside the page."""
    router = APIRouter()

    @router.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/media/{key}/{id}.webp")
    def thumbnail(key: str, id: str) -> Response:
        try:
            collection = library.collection(key).collection
        except UserError:
            collection = None
        path = collection.thumbnail(id) if collection is not None else None
        if path is None:
            return PlainTextResponse("There is no such image.", 404)
        return FileResponse(path, media_type="image/webp", headers={"cache-control": "max-age=86400"})

    @router.post("/images")
    async def upload(request: Request) -> Response:
        """Keep an image in memory; answers the token to ask with. An image that cannot be read is an answer too."""
        data = await request.body()
        return JSONResponse(await run_in_threadpool(_keep, library, data))

    @router.get("/images/{token}.webp")
    def preview(token: str) -> Response:
        try:
            image = library.uploads.get(token).copy()
        except UserError as error:
            return PlainTextResponse(str(error), 404)
        image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
        out = io.BytesIO()
        image.save(out, "WEBP", quality=80)
        return Response(out.getvalue(), media_type="image/webp")

    return router


def _keep(library: Library, data: bytes) -> dict[str, object]:
    try:
        return upload(library, data).model_dump()
    except UserError as error:
        return {"error": str(error)}
