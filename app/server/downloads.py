"""Exports of search results: a table, JSON, a list of files, and the thumbnails or originals in a zip."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.state.library import Library
from app.state.search_requests import MOST, PageSearch, run_search
from app.state.validation import validated
from index.collection import Collection
from index.export.results import (
    Results,
    results_csv,
    results_files,
    results_json,
    results_originals,
    results_zip,
)
from index.search import Hit, hits_of, with_copies
from training.models.errors import UserError


def export_routes(library: Library) -> APIRouter:
    """GET the results of a question, or POST the ids of chosen images."""
    router = APIRouter()

    @router.get("/export/{key}.{kind}")
    def question(key: str, kind: str, request: Request) -> Response:
        given = request.query_params
        fields: dict[str, Any] = {name: given[name] for name in ("q", "k", "order", "threshold") if name in given}
        fields["collapse"] = given.get("collapse", "none")  # where images are shown once, their copies are exported too
        fields |= {"collection": key, "like": given.getlist("like"), "image": given.getlist("image")}
        try:
            fields["facets"] = json.loads(given.get("filters") or "[]")
        except (ValueError, RecursionError):
            return PlainTextResponse("The filters of this address are not JSON.", 400)
        return _response(library, kind, fields)

    @router.post("/export/{key}.{kind}")
    async def chosen(key: str, kind: str, request: Request) -> Response:
        try:
            ask = json.loads(await request.body())
        except (ValueError, RecursionError):
            return PlainTextResponse("What is to be exported was not said as JSON.", 400)
        ids = ask.get("ids") if isinstance(ask, dict) else None
        if not isinstance(ids, list):
            return PlainTextResponse("What is to be exported is a list of ids.", 400)
        return await run_in_threadpool(_response, library, kind, {"collection": key}, [str(id) for id in ids[:MOST]])

    return router


def _response(library: Library, kind: str, fields: Mapping[str, Any], ids: Sequence[str] | None = None) -> Response:
    if kind not in KINDS:
        return PlainTextResponse(f"There is no export called {kind}; choose from {', '.join(KINDS)}.", 404)
    if kind == ORIGINALS and not library.local:
        return PlainTextResponse("Originals are given to this computer only; choose thumbnails.", 403)
    try:
        opened = library.collection(fields["collection"])
        if ids is None:
            _, request, result = run_search(library, validated(PageSearch, fields))
            hits: Sequence[Hit] = with_copies(opened.published(), request, result.hits)
        else:
            hits = _chosen(opened.published(), ids)
    except UserError as error:
        return PlainTextResponse(str(error), 400)
    make, media = KINDS[kind]
    what = "chosen" if ids is not None else "search"
    name = f"gelato-{opened.key}-{what}.{'originals.zip' if kind == ORIGINALS else kind}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    made = make(Results(opened.published(), hits, library.local))
    if isinstance(made, str | bytes):
        return Response(made, media_type=media, headers=headers)
    return StreamingResponse(made, media_type=media, headers=headers)


def _chosen(collection: Collection, ids: Sequence[str]) -> list[Hit]:
    try:
        return hits_of(collection, ids)
    except KeyError as error:
        raise UserError("One of these images is not in the collection any more; search again.") from error


ORIGINALS = "originals"
KINDS: dict[str, tuple[Callable[[Results], str | bytes | Iterator[bytes]], str]] = {
    "csv": (results_csv, "text/csv; charset=utf-8"),
    "json": (results_json, "application/json"),
    "txt": (results_files, "text/plain; charset=utf-8"),
    "zip": (results_zip, "application/zip"),
    ORIGINALS: (results_originals, "application/zip"),
}
