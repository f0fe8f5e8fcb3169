"""The FastAPI server: media, downloads, the REST API and the page's own files. The page itself is mounted into it."""

from collections.abc import Mapping

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.server.access import Guard
from app.server.api.errors import handle_errors
from app.server.api.routes import api_routes, serve_docs
from app.server.authentication import Authentication
from app.server.content_policy import PagePolicy
from app.server.downloads import export_routes
from app.server.label_downloads import label_routes
from app.server.languages import Languages
from app.server.media import media_routes
from app.server.model_files import model_file_routes
from app.server.originals import original_routes
from app.server.origins import Hosts, is_loopback
from app.server.static import static_routes
from app.state.library import Library


def make_server(library: Library) -> FastAPI:
    """Everything that is served beside the page."""
    server = FastAPI(title="Gelato", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    for router in (
        static_routes(),
        media_routes(library),
        original_routes(library),
        export_routes(library),
        label_routes(library),
        model_file_routes(library),
    ):
        server.include_router(router, include_in_schema=False)
    server.include_router(api_routes(library))
    handle_errors(server)
    serve_docs(server)

    @server.get("/healthz", include_in_schema=False)
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return server


def guarded(
    server: ASGIApp,
    host: str,
    users: Mapping[str, str],
    public_host: str | None = None,
    token: str = "",
    language: str | None = None,
) -> ASGIApp:
    """server behind access control. host: where it listens. public_host: a tunnel's name. language: the only one."""
    names = {"localhost", "127.0.0.1", "::1", host.lower()} | ({public_host.lower()} if public_host else set())
    hosts = Hosts(names, any_address=not is_loopback(host))
    guard = Guard(server, hosts, Authentication(users, token))
    return Languages(PagePolicy(guard, fixed_language=language is not None), language)
