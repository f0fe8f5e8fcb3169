"""Serves the page's own scripts, stylesheets and images from the table that was made at start."""

from fastapi import Response
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRouter

from app.ui.assets import ASSETS, BASE

YEAR = 365 * 86400  # seconds


def static_routes() -> APIRouter:
    """GET /static/<hash>/<path>. Nothing is opened for a request: a path that the table lacks is not found."""
    router = APIRouter()

    @router.get(f"/{BASE}/{{path:path}}")
    def asset(path: str) -> Response:
        found = ASSETS.get(path)
        if found is None:
            return PlainTextResponse("Not found", 404)
        # The address changes whenever a file does, so it may be kept for good.
        headers = {"cache-control": f"max-age={YEAR}, immutable"}
        return Response(found.content, media_type=found.media_type, headers=headers)

    return router
