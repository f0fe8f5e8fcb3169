"""The FastAPI server: media, downloads, the REST API and the page's own files. The page itself is mounted into it."""

from collections.abc import Collection, Mapping

from fastapi import FastAPI
from starlette.types import ASGIApp

from app.server.access import Guard
from app.server.api.errors import handle_errors
from app.server.api.routes import api_routes, serve_docs
from app.server.authentication import Authentication
from app.server.content_policy import PagePolicy
from app.server.downloads import export_routes
from app.server.health import health_routes
from app.server.label_downloads import label_routes
from app.server.languages import Languages
from app.server.media import media_routes
from app.server.metrics import Metrics
from app.server.model_files import model_file_routes
from app.server.observed import Observed, Routed
from app.server.originals import original_routes
from app.server.origins import Hosts, is_loopback
from app.server.static import static_routes
from app.state.library import Library


def make_server(library: Library, metrics: Metrics | None = None) -> FastAPI:
    """Everything that is served beside the page."""
    servers = [{"url": library.root_path}] if library.root_path else None
    server = FastAPI(
        title="Gelato", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json", servers=servers
    )
    for router in (
        static_routes(),
        media_routes(library),
        original_routes(library),
        export_routes(library),
        label_routes(library),
        model_file_routes(library),
        health_routes(library, metrics or Metrics(library)),
    ):
        server.include_router(router, include_in_schema=False)
    server.include_router(api_routes(library))
    handle_errors(server)
    serve_docs(server)
    return server


def guarded(
    server: ASGIApp,
    host: str,
    users: Mapping[str, str],
    hosts: Collection[str] = (),
    token: str = "",
    language: str | None = None,
    metrics: Metrics | None = None,
) -> ASGIApp:
    """server behind access control. host: where it listens. hosts: further names. language: the only one.

    metrics: count requests and failed logins there.
    """
    names = {"localhost", "127.0.0.1", "::1", host.lower(), *(name.lower() for name in hosts)}
    accepted = Hosts(names, any_address=not is_loopback(host))
    guard = Guard(Routed(server), accepted, Authentication(users, token, metrics=metrics))
    spoken = Languages(PagePolicy(guard, fixed_language=language is not None), language)
    return spoken if metrics is None else Observed(spoken, metrics)
