"""Serves the page's own scripts, stylesheets and images from the table that was made at start."""

import gzip
from functools import cache

import brotli
from fastapi import Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRouter

from app.ui.assets import ASSETS, BASE

YEAR = 365 * 86400  # seconds


def static_routes() -> APIRouter:
    """GET /static/<hash>/<path>. Nothing is opened for a request: a path that the table lacks is not found."""
    router = APIRouter()

    @router.get(f"/{BASE}/{{path:path}}")
    def asset(path: str, request: Request) -> Response:
        found = ASSETS.get(path)
        if found is None:
            return PlainTextResponse("Not found", 404)
        # The address changes whenever a file does, so it may be kept for good.
        headers = {"cache-control": f"max-age={YEAR}, immutable", "vary": "accept-encoding"}
        content = found.content
        if found.media_type.startswith("text/"):
            accepted = request.headers.get("accept-encoding", "")
            encoding = next((one for one in ("br", "gzip") if one in accepted), None)
            if encoding is not None:
                headers["content-encoding"] = encoding
                content = compressed(path, encoding)
        return Response(content, media_type=found.media_type, headers=headers)

    return router


@cache
def compressed(path: str, encoding: str) -> bytes:
    """An asset as gzip or br (Brotli) has it, made once."""
    content = ASSETS[path].content
    return brotli.compress(content, quality=9) if encoding == "br" else gzip.compress(content, mtime=0)
